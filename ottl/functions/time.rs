//! Times and durations.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::Kind::{Duration, Int, Text, Time, Word};
use super::{Failure, Function, Param, converter, may, need};
use crate::call::Args;
use crate::value::Val;

const TIME: &[Param] = &[need("time", Time)];
const DURATION: &[Param] = &[need("duration", Duration)];

/// Times, durations and their parts.
pub static FUNCTIONS: &[Function] = &[
    converter("Now", &[], "The current time.", |_| Ok(Val::Time(Box::new(Timestamp::now().to_zoned(TimeZone::UTC))))),
    converter(
        "Time",
        &[need("time", Text), need("format", Word), may("location", Word), may("locale", Word)],
        "The time that a text is in a format such as %Y-%m-%d %H:%M:%S.",
        parse,
    ),
    converter("FormatTime", &[need("time", Time), need("format", Word)], "A time as text.", format),
    converter("Unix", &[need("seconds", Int), may("nanoseconds", Int)], "The time so long after 1970.", unix),
    converter("UnixNano", TIME, "Nanoseconds since 1970.", |a| since_1970(a, 1)),
    converter("UnixMicro", TIME, "Microseconds since 1970.", |a| since_1970(a, 1_000)),
    converter("UnixMilli", TIME, "Milliseconds since 1970.", |a| since_1970(a, 1_000_000)),
    converter("UnixSeconds", TIME, "Seconds since 1970.", |a| since_1970(a, 1_000_000_000)),
    converter("TruncateTime", &[need("time", Time), need("duration", Duration)], "A time cut to a multiple.", truncate),
    converter("Year", TIME, "The year of a time.", |a| Ok(Val::Int(a.time(0)?.year().into()))),
    converter("Month", TIME, "The month of a time.", |a| Ok(Val::Int(a.time(0)?.month().into()))),
    converter("Day", TIME, "The day in its month.", |a| Ok(Val::Int(a.time(0)?.day().into()))),
    converter("Hour", TIME, "The hour of a time.", |a| Ok(Val::Int(a.time(0)?.hour().into()))),
    converter("Minute", TIME, "The minute of a time.", |a| Ok(Val::Int(a.time(0)?.minute().into()))),
    converter("Second", TIME, "The second of a time.", |a| Ok(Val::Int(a.time(0)?.second().into()))),
    converter("Nanosecond", TIME, "The nanoseconds in the second.", |a| {
        Ok(Val::Int(a.time(0)?.subsec_nanosecond().into()))
    }),
    converter("Weekday", TIME, "The day of the week, Sunday is 0.", |a| {
        Ok(Val::Int(a.time(0)?.weekday().to_sunday_zero_offset().into()))
    }),
    converter("Duration", &[need("duration", Text)], "A duration such as 1h30m.", duration),
    converter("Hours", DURATION, "A duration in hours.", |a| Ok(Val::Double(a.duration(0)?.as_secs_f64() / 3600.0))),
    converter("Minutes", DURATION, "A duration in minutes.", |a| Ok(Val::Double(a.duration(0)?.as_secs_f64() / 60.0))),
    converter("Seconds", DURATION, "A duration in seconds.", |a| Ok(Val::Double(a.duration(0)?.as_secs_f64()))),
    converter("Milliseconds", DURATION, "A duration in milliseconds.", |a| whole(a, 1_000_000)),
    converter("Microseconds", DURATION, "A duration in microseconds.", |a| whole(a, 1_000)),
    converter("Nanoseconds", DURATION, "A duration in nanoseconds.", |a| whole(a, 1)),
];

/// As Go writes a time in JSON: fractions without trailing zeros, `Z` for UTC.
pub fn rfc3339(time: &Zoned) -> String {
    let text = time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
    text.strip_suffix("+00:00").map(|text| format!("{text}Z")).unwrap_or(text)
}

fn since_1970<'a>(args: Args<'a, '_>, unit: i128) -> Result<Val<'a>, Failure> {
    Ok(Val::Int(args.time(0)?.timestamp().as_nanosecond().div_euclid(unit) as i64))
}

fn whole<'a>(args: Args<'a, '_>, unit: i128) -> Result<Val<'a>, Failure> {
    Ok(Val::Int((args.duration(0)?.as_nanos() / unit) as i64))
}

fn unix<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let nanos = if args.has(1) { args.int(1)? } else { 0 };
    let nanos = i128::from(args.int(0)?) * 1_000_000_000 + i128::from(nanos);
    let stamp = Timestamp::from_nanosecond(nanos).map_err(|_| Failure::from("a time out of range"))?;
    Ok(Val::Time(Box::new(stamp.to_zoned(TimeZone::UTC))))
}

/// Multiples are counted from the year 1, as in Go: that matters for weeks.
fn truncate<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    const YEAR_ONE: i128 = -62_135_596_800 * 1_000_000_000;
    let (time, unit) = (args.time(0)?, args.duration(1)?.as_nanos());
    if unit <= 0 {
        return Ok(Val::Time(time));
    }
    let nanos = time.timestamp().as_nanosecond();
    let cut = nanos - (nanos - YEAR_ONE).rem_euclid(unit);
    let stamp = Timestamp::from_nanosecond(cut).map_err(|_| Failure::from("a time out of range"))?;
    Ok(Val::Time(Box::new(stamp.to_zoned(time.time_zone().clone()))))
}

fn duration<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    let (negative, rest) = text.strip_prefix('-').map_or((false, &*text), |rest| (true, rest));
    let parsed = config::parse_duration(rest.strip_prefix('+').unwrap_or(rest)).ok();
    let parsed = parsed.and_then(|parsed| SignedDuration::try_from(parsed).ok());
    let parsed = parsed.ok_or_else(|| Failure::from(format!("{text:?} is no duration, such as 1h30m or 250ms")))?;
    Ok(Val::Duration(if negative { -parsed } else { parsed }))
}

/// The Collector's directives as those of the library; `None` for one that does not exist.
fn directives(format: &str) -> Option<String> {
    let (mut out, mut chars) = (String::new(), format.chars());
    while let Some(c) = chars.next() {
        if c == '.' && matches!(chars.as_str().as_bytes(), [b'%', b'L' | b'f' | b's', ..]) {
            chars.next();
            chars.next();
            out.push_str("%.f");
            continue;
        }
        if c != '%' {
            out.push(c);
            continue;
        }
        out.push_str(match chars.next()? {
            'Y' => "%Y",
            'y' => "%y",
            'm' => "%m",
            'o' => "%_m",
            'q' => "%-m",
            'b' | 'h' => "%b",
            'B' => "%B",
            'd' => "%d",
            'e' => "%e",
            'g' => "%-d",
            'a' => "%a",
            'A' => "%A",
            'H' => "%H",
            'l' => "%-I",
            'I' => "%I",
            'p' => "%p",
            'P' => "%P",
            'M' => "%M",
            'S' => "%S",
            'L' => "%3f",
            'f' => "%6f",
            's' => "%9f",
            'Z' => "%Z",
            'z' | 'i' => "%z",
            'w' | 'k' => "%::z",
            'j' => "%:z",
            'D' | 'x' => "%m/%d/%Y",
            'F' => "%Y-%m-%d",
            'T' | 'X' => "%H:%M:%S",
            'r' => "%I:%M:%S %p",
            'R' => "%H:%M",
            'n' => "\n",
            't' => "\t",
            'c' => "%a %b %d %H:%M:%S %Y",
            '%' => "%%",
            _ => return None,
        });
    }
    Some(out)
}

fn known(format: &str) -> Result<String, Failure> {
    directives(format).ok_or_else(|| Failure::from(format!("{format:?} has a directive that does not exist")))
}

fn parse<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    let format = known(args.call.word(1).unwrap_or_default())?;
    let wrong = |error: jiff::Error| Failure::from(format!("{text:?} is no such time: {error}"));
    // A zone that is written Z or by its name is UTC or the location's.
    let (input, format) = match (text.strip_suffix('Z'), format.strip_suffix("%z")) {
        (Some(input), Some(format)) => (format!("{input}+0000"), format!("{format}%z")),
        _ => match (text.rsplit_once(' '), format.strip_suffix(" %Z")) {
            (Some((input, "UTC" | "GMT")), Some(format)) => (format!("{input} +0000"), format!("{format} %z")),
            _ => (text.clone().into_owned(), format),
        },
    };
    let parsed = BrokenDownTime::parse(&format, &input).map_err(wrong)?;
    if parsed.offset().is_some() {
        return parsed.to_zoned().map(|time| Val::Time(Box::new(time))).map_err(wrong);
    }
    let zone = match args.call.word(2) {
        Some(location) => TimeZone::get(location).map_err(|error| Failure::from(error.to_string()))?,
        None => TimeZone::system(),
    };
    let date = parsed.to_date().map_err(wrong)?;
    let time = parsed.to_time().unwrap_or(jiff::civil::Time::midnight());
    date.to_datetime(time).to_zoned(zone).map(|time| Val::Time(Box::new(time))).map_err(wrong)
}

fn format<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let time = args.time(0)?;
    let mut format = args.call.word(1).unwrap_or_default().to_owned();
    for (directive, digits) in [(".%L", 3), (".%f", 6), (".%s", 9)] {
        format = format.replace(directive, &fraction(&time, digits));
    }
    let format = known(&format)?;
    Ok(Val::owned(time.strftime(&format).to_string()))
}

/// The fraction of the second with its dot; nothing for a whole second, as in Go.
fn fraction(time: &Zoned, digits: usize) -> String {
    let all = format!("{:09}", time.subsec_nanosecond());
    let shown = all[..digits].trim_end_matches('0');
    if shown.is_empty() { String::new() } else { format!(".{shown}") }
}
