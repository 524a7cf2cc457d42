//! Times and durations.

use jiff::Zoned;

/// As Go writes a time in JSON: fractions without trailing zeros, `Z` for UTC.
pub fn rfc3339(time: &Zoned) -> String {
    let text = time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
    text.strip_suffix("+00:00").map(|text| format!("{text}Z")).unwrap_or(text)
}
