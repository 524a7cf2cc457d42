//! Attributes in the environment: `key=value,key=value`, values escaped as in URLs.

use super::detect::Detected;

/// Reads `OTEL_RESOURCE_ATTRIBUTES`, or the older `OTEL_RESOURCE`.
///
/// # Errors
/// It is not of the form.
pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Result<Detected, String> {
    let mut found = Detected::default();
    let names = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_RESOURCE"];
    let given = names.iter().find_map(|name| Some((name, variable(name).filter(|text| !text.trim().is_empty())?)));
    let Some((name, text)) = given else { return Ok(found) };
    let text = text.trim();
    for pair in text.strip_suffix(',').unwrap_or(text).split(',') {
        let fault = |what: &str| format!("{name}: {pair:?} {what}");
        let (key, value) = pair.split_once('=').ok_or_else(|| fault("is not of the form key=value"))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || key.len() > 256 || value.len() > 256 || !pair.is_ascii() {
            return Err(fault("needs a key and at most 256 ASCII characters on either side"));
        }
        found.text(key, unescaped(value).ok_or_else(|| fault("has a % without two hexadecimal digits"))?);
    }
    Ok(found)
}

fn unescaped(value: &str) -> Option<String> {
    let (mut bytes, mut out) = (value.bytes(), Vec::with_capacity(value.len()));
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
