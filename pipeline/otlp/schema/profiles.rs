//! `opentelemetry.proto.profiles.v1development`, in the shape of OTLP 1.10 and 1.11.

use super::common::{ANY_VALUE, RESOURCE, SCOPE};
use super::{Kind::*, Message, always, items, many, one, sub, subs};

/// `ExportProfilesServiceRequest`.
pub static PROFILES_REQUEST: Message = Message {
    name: "ExportProfilesServiceRequest",
    fields: &[subs(1, "resourceProfiles", &RESOURCE_PROFILES), sub(2, "dictionary", &DICTIONARY)],
};

static DICTIONARY: Message = Message {
    name: "ProfilesDictionary",
    fields: &[
        subs(1, "mappingTable", &MAPPING),
        subs(2, "locationTable", &LOCATION),
        subs(3, "functionTable", &FUNCTION),
        subs(4, "linkTable", &LINK),
        many(5, "stringTable", String),
        subs(6, "attributeTable", &KEY_VALUE_AND_UNIT),
        subs(7, "stackTable", &STACK),
    ],
};

static RESOURCE_PROFILES: Message = Message {
    name: "ResourceProfiles",
    fields: &[always(1, "resource", &RESOURCE), subs(2, "scopeProfiles", &SCOPE_PROFILES), one(3, "schemaUrl", String)],
};

static SCOPE_PROFILES: Message = Message {
    name: "ScopeProfiles",
    fields: &[always(1, "scope", &SCOPE), subs(2, "profiles", &PROFILE), one(3, "schemaUrl", String)],
};

static PROFILE: Message = Message {
    name: "Profile",
    fields: &[
        sub(1, "sampleType", &VALUE_TYPE),
        items(2, "samples", &SAMPLE),
        one(3, "timeUnixNano", Fixed64),
        one(4, "durationNano", Uint64),
        sub(5, "periodType", &VALUE_TYPE),
        one(6, "period", Int64),
        one(7, "profileId", Id(16)),
        one(8, "droppedAttributesCount", Uint32),
        one(9, "originalPayloadFormat", String),
        one(10, "originalPayload", Bytes),
        many(11, "attributeIndices", Int32),
    ],
};

static LINK: Message = Message { name: "Link", fields: &[one(1, "traceId", Id(16)), one(2, "spanId", Id(8))] };

static VALUE_TYPE: Message =
    Message { name: "ValueType", fields: &[one(1, "typeStrindex", Int32), one(2, "unitStrindex", Int32)] };

static SAMPLE: Message = Message {
    name: "Sample",
    fields: &[
        one(1, "stackIndex", Int32),
        many(2, "attributeIndices", Int32),
        one(3, "linkIndex", Int32),
        many(4, "values", Int64),
        many(5, "timestampsUnixNano", Fixed64),
    ],
};

static MAPPING: Message = Message {
    name: "Mapping",
    fields: &[
        one(1, "memoryStart", Uint64),
        one(2, "memoryLimit", Uint64),
        one(3, "fileOffset", Uint64),
        one(4, "filenameStrindex", Int32),
        many(5, "attributeIndices", Int32),
    ],
};

static STACK: Message = Message { name: "Stack", fields: &[many(1, "locationIndices", Int32)] };

static LOCATION: Message = Message {
    name: "Location",
    fields: &[
        one(1, "mappingIndex", Int32),
        one(2, "address", Uint64),
        subs(3, "lines", &LINE),
        many(4, "attributeIndices", Int32),
    ],
};

static LINE: Message =
    Message { name: "Line", fields: &[one(1, "functionIndex", Int32), one(2, "line", Int64), one(3, "column", Int64)] };

static FUNCTION: Message = Message {
    name: "Function",
    fields: &[
        one(1, "nameStrindex", Int32),
        one(2, "systemNameStrindex", Int32),
        one(3, "filenameStrindex", Int32),
        one(4, "startLine", Int64),
    ],
};

static KEY_VALUE_AND_UNIT: Message = Message {
    name: "KeyValueAndUnit",
    fields: &[one(1, "keyStrindex", Int32), sub(2, "value", &ANY_VALUE), one(3, "unitStrindex", Int32)],
};
