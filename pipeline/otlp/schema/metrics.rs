//! `opentelemetry.proto.metrics.v1`.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind::*, Message, always, either, items, many, one, optional, sub, subs};

/// `ExportMetricsServiceRequest`.
pub static METRICS_REQUEST: Message =
    Message { name: "ExportMetricsServiceRequest", fields: &[subs(1, "resourceMetrics", &RESOURCE_METRICS)] };

static RESOURCE_METRICS: Message = Message {
    name: "ResourceMetrics",
    fields: &[always(1, "resource", &RESOURCE), subs(2, "scopeMetrics", &SCOPE_METRICS), one(3, "schemaUrl", String)],
};

static SCOPE_METRICS: Message = Message {
    name: "ScopeMetrics",
    fields: &[always(1, "scope", &SCOPE), subs(2, "metrics", &METRIC), one(3, "schemaUrl", String)],
};

static METRIC: Message = Message {
    name: "Metric",
    fields: &[
        one(1, "name", String),
        one(2, "description", String),
        one(3, "unit", String),
        either(5, "gauge", Message(&GAUGE)),
        either(7, "sum", Message(&SUM)),
        either(9, "histogram", Message(&HISTOGRAM)),
        either(10, "exponentialHistogram", Message(&EXPONENTIAL_HISTOGRAM)),
        either(11, "summary", Message(&SUMMARY)),
        subs(12, "metadata", &KEY_VALUE),
    ],
};

static GAUGE: Message = Message { name: "Gauge", fields: &[items(1, "dataPoints", &NUMBER_POINT)] };

static SUM: Message = Message {
    name: "Sum",
    fields: &[
        items(1, "dataPoints", &NUMBER_POINT),
        one(2, "aggregationTemporality", Enum(TEMPORALITY)),
        one(3, "isMonotonic", Bool),
    ],
};

static HISTOGRAM: Message = Message {
    name: "Histogram",
    fields: &[items(1, "dataPoints", &HISTOGRAM_POINT), one(2, "aggregationTemporality", Enum(TEMPORALITY))],
};

static EXPONENTIAL_HISTOGRAM: Message = Message {
    name: "ExponentialHistogram",
    fields: &[items(1, "dataPoints", &EXPONENTIAL_POINT), one(2, "aggregationTemporality", Enum(TEMPORALITY))],
};

static SUMMARY: Message = Message { name: "Summary", fields: &[items(1, "dataPoints", &SUMMARY_POINT)] };

static NUMBER_POINT: Message = Message {
    name: "NumberDataPoint",
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        either(4, "asDouble", Double),
        subs(5, "exemplars", &EXEMPLAR),
        either(6, "asInt", Sfixed64),
        subs(7, "attributes", &KEY_VALUE),
        one(8, "flags", Uint32),
    ],
};

static HISTOGRAM_POINT: Message = Message {
    name: "HistogramDataPoint",
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        optional(5, "sum", Double),
        many(6, "bucketCounts", Fixed64),
        many(7, "explicitBounds", Double),
        subs(8, "exemplars", &EXEMPLAR),
        subs(9, "attributes", &KEY_VALUE),
        one(10, "flags", Uint32),
        optional(11, "min", Double),
        optional(12, "max", Double),
    ],
};

static EXPONENTIAL_POINT: Message = Message {
    name: "ExponentialHistogramDataPoint",
    fields: &[
        subs(1, "attributes", &KEY_VALUE),
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        optional(5, "sum", Double),
        one(6, "scale", Sint32),
        one(7, "zeroCount", Fixed64),
        sub(8, "positive", &BUCKETS),
        sub(9, "negative", &BUCKETS),
        one(10, "flags", Uint32),
        subs(11, "exemplars", &EXEMPLAR),
        optional(12, "min", Double),
        optional(13, "max", Double),
        one(14, "zeroThreshold", Double),
    ],
};

static BUCKETS: Message = Message {
    name: "ExponentialHistogramDataPoint.Buckets",
    fields: &[one(1, "offset", Sint32), many(2, "bucketCounts", Uint64)],
};

static SUMMARY_POINT: Message = Message {
    name: "SummaryDataPoint",
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        one(5, "sum", Double),
        subs(6, "quantileValues", &QUANTILE),
        subs(7, "attributes", &KEY_VALUE),
        one(8, "flags", Uint32),
    ],
};

static QUANTILE: Message = Message {
    name: "SummaryDataPoint.ValueAtQuantile",
    fields: &[one(1, "quantile", Double), one(2, "value", Double)],
};

static EXEMPLAR: Message = Message {
    name: "Exemplar",
    fields: &[
        one(2, "timeUnixNano", Fixed64),
        either(3, "asDouble", Double),
        one(4, "spanId", Id(8)),
        one(5, "traceId", Id(16)),
        either(6, "asInt", Sfixed64),
        subs(7, "filteredAttributes", &KEY_VALUE),
    ],
};

static TEMPORALITY: &[(&str, i32)] = &[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
];
