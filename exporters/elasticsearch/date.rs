//! The date behind an index, as Logstash puts it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::settings::LogstashFormat;

const SECONDS_A_DAY: u64 = 86_400;

/// `index` with the date of now behind it.
pub fn append(index: &str, format: &LogstashFormat) -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = write(&format.date_format, since_1970).unwrap_or_default();
    format!("{index}{}{date}", format.prefix_separator)
}

/// A moment in UTC in the form that `format` describes in the words of strftime.
///
/// # Errors
/// A letter that is not known here.
pub fn write(format: &str, since_1970: Duration) -> Result<String, String> {
    let seconds = since_1970.as_secs();
    let (year, month, day, day_of_year) = civil(seconds / SECONDS_A_DAY);
    let of_day = seconds % SECONDS_A_DAY;
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        out += &match letters.next() {
            Some('Y') => year.to_string(),
            Some('y') => format!("{:02}", year % 100),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{day:02}"),
            Some('j') => format!("{day_of_year:03}"),
            Some('H') => format!("{:02}", of_day / 3600),
            Some('M') => format!("{:02}", of_day / 60 % 60),
            Some('S') => format!("{:02}", of_day % 60),
            Some('F') => format!("{year}-{month:02}-{day:02}"),
            Some('%') => "%".into(),
            other => return Err(format!("%{} is not known here", other.map(String::from).unwrap_or_default())),
        };
    }
    Ok(out)
}

/// Year, month, day and day of the year, of a day counted from 1970.
fn civil(mut days: u64) -> (u64, usize, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let day_of_year = days + 1;
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1, day_of_year)
}
