//! `opentelemetry.proto.common.v1` and `resource.v1`.

use super::{Kind::*, Message, either, many, one, sub, subs};

pub static ANY_VALUE: Message = Message {
    name: "AnyValue",
    fields: &[
        either(1, "stringValue", String),
        either(2, "boolValue", Bool),
        either(3, "intValue", Int64),
        either(4, "doubleValue", Double),
        either(5, "arrayValue", Message(&ARRAY_VALUE)),
        either(6, "kvlistValue", Message(&KEY_VALUE_LIST)),
        either(7, "bytesValue", Bytes),
        either(8, "stringValueStrindex", Int32),
    ],
};

pub static ARRAY_VALUE: Message = Message { name: "ArrayValue", fields: &[subs(1, "values", &ANY_VALUE)] };

pub static KEY_VALUE_LIST: Message = Message { name: "KeyValueList", fields: &[subs(1, "values", &KEY_VALUE)] };

/// An attribute.
pub static KEY_VALUE: Message = Message {
    name: "KeyValue",
    fields: &[one(1, "key", String), sub(2, "value", &ANY_VALUE), one(3, "keyStrindex", Int32)],
};

pub static SCOPE: Message = Message {
    name: "InstrumentationScope",
    fields: &[
        one(1, "name", String),
        one(2, "version", String),
        subs(3, "attributes", &KEY_VALUE),
        one(4, "droppedAttributesCount", Uint32),
    ],
};

pub static ENTITY_REF: Message = Message {
    name: "EntityRef",
    fields: &[
        one(1, "schemaUrl", String),
        one(2, "type", String),
        many(3, "idKeys", String),
        many(4, "descriptionKeys", String),
    ],
};

pub static RESOURCE: Message = Message {
    name: "Resource",
    fields: &[
        subs(1, "attributes", &KEY_VALUE),
        one(2, "droppedAttributesCount", Uint32),
        subs(3, "entityRefs", &ENTITY_REF),
    ],
};
