//! Paths with few different values, for span names: what looks like an id becomes `{id}`.

/// Hexadecimal digits from here on are an id, if there is a number among them.
const LEAST_HEX: usize = 8;
/// Letters and numbers mixed from here on are an id: words do not have numbers in them so often.
const LEAST_MIXED: usize = 20;
/// Further segments are left out.
const SEGMENTS: usize = 8;

/// `/users/42/orders/9f1c2d3e` -> `/users/{id}/orders/{id}`. Only what is an id by its looks is replaced.
pub fn template(path: &str) -> String {
    let mut segments = path.split('/');
    let mut short: Vec<&str> = segments.by_ref().take(SEGMENTS + 1).map(segment).collect();
    if segments.next().is_some() {
        short.push("*");
    }
    short.join("/")
}

fn segment(segment: &str) -> &str {
    if is_id(segment) { "{id}" } else { segment }
}

fn is_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return false;
    }
    let all = |of: fn(&u8) -> bool| segment.bytes().all(|byte| of(&byte));
    // Numbers, dates, versions of numbers alone; uuids and hashes; tokens.
    all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_' | b':' | b',' | b'+'))
        || (segment.len() >= LEAST_HEX && all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
        || (segment.len() >= LEAST_MIXED
            && digits >= 3
            && all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'~' | b'%')))
}
