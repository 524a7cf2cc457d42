//! Names of numbers, by context.

use super::target::Context;

const SEVERITIES: &[&str] = &[
    "UNSPECIFIED",
    "TRACE",
    "TRACE2",
    "TRACE3",
    "TRACE4",
    "DEBUG",
    "DEBUG2",
    "DEBUG3",
    "DEBUG4",
    "INFO",
    "INFO2",
    "INFO3",
    "INFO4",
    "WARN",
    "WARN2",
    "WARN3",
    "WARN4",
    "ERROR",
    "ERROR2",
    "ERROR3",
    "ERROR4",
    "FATAL",
    "FATAL2",
    "FATAL3",
    "FATAL4",
];
const KINDS: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUSES: &[&str] = &["UNSET", "OK", "ERROR"];
const TEMPORALITIES: &[&str] = &["UNSPECIFIED", "DELTA", "CUMULATIVE"];
const TYPES: &[&str] = &["NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"];
const FLAGS: &[&str] = &["NONE", "NO_RECORDED_VALUE"];

/// The families that a context knows: a prefix and the names in the order of their numbers.
pub fn families(context: Context) -> &'static [(&'static str, &'static [&'static str])] {
    match context {
        Context::Log => &[("SEVERITY_NUMBER_", SEVERITIES)],
        Context::Span | Context::SpanEvent => &[("SPAN_KIND_", KINDS), ("STATUS_CODE_", STATUSES)],
        Context::Metric => &[("AGGREGATION_TEMPORALITY_", TEMPORALITIES), ("METRIC_DATA_TYPE_", TYPES)],
        Context::DataPoint => {
            &[("AGGREGATION_TEMPORALITY_", TEMPORALITIES), ("METRIC_DATA_TYPE_", TYPES), ("FLAG_", FLAGS)]
        }
        Context::Resource | Context::Scope | Context::Profile => &[],
    }
}

/// The number of a name.
pub fn number(context: Context, symbol: &str) -> Option<i64> {
    families(context).iter().find_map(|(prefix, names)| {
        let name = symbol.strip_prefix(prefix)?;
        names.iter().position(|known| *known == name).map(|place| place as i64)
    })
}

/// The short name of a severity number, such as `WARN2`.
pub fn severity_name(number: i32) -> Option<&'static str> {
    SEVERITIES.get(usize::try_from(number).ok()?).copied()
}
