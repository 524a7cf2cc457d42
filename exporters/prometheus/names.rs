//! OpenTelemetry names as Prometheus names: the Collector's rules (UnderscoreEscapingWithSuffixes).

/// What decides on a name's last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A monotonic sum.
    Counter,
    /// Anything with one value that may fall.
    Gauge,
    /// Buckets or quantiles.
    Distribution,
}

const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
    ("1", ""),
];

const PER_UNITS: &[(&str, &str)] =
    &[("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// What is added to names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suffixes {
    /// `_bytes`, `_per_second` ...
    pub units: bool,
    /// `_total`, `_ratio`.
    pub types: bool,
}

impl Suffixes {
    /// Both or none.
    pub fn all(wanted: bool) -> Self {
        Self { units: wanted, types: wanted }
    }
}

/// The metric's name with namespace and, if wanted, unit and type.
pub fn metric(name: &str, unit: &str, kind: Kind, namespace: &str, suffixes: Suffixes) -> String {
    let mut tokens: Vec<String> = words(name);
    if suffixes.units {
        let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
        let lookup = |table: &[(&str, &str)], unit: &str| {
            let unit = if unit.contains(['{', '}']) { "" } else { unit.trim() };
            table.iter().find(|(from, _)| *from == unit).map_or(unit, |(_, to)| to).to_owned()
        };
        for word in words(&lookup(UNITS, main)) {
            push_new(&mut tokens, word);
        }
        let per = words(&lookup(PER_UNITS, per));
        if !per.is_empty() && !per.iter().all(|word| tokens.contains(word)) {
            tokens.push("per".into());
            tokens.extend(per);
        }
    }
    if suffixes.types {
        match kind {
            Kind::Counter => {
                tokens.retain(|token| token != "total");
                tokens.push("total".into());
            }
            Kind::Gauge if unit == "1" => {
                tokens.retain(|token| token != "ratio");
                tokens.push("ratio".into());
            }
            _ => {}
        }
    }
    let name = tokens.join("_");
    let name = if namespace.is_empty() { name } else { format!("{}_{name}", words(namespace).join("_")) };
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn push_new(tokens: &mut Vec<String>, word: String) {
    if !tokens.contains(&word) {
        tokens.push(word);
    }
}

/// Parts between characters that a name cannot have; underscores separate too.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A label's name: other characters become underscores, and it never starts with a digit or one underscore.
pub fn label(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let digit = clean.starts_with(|c: char| c.is_ascii_digit());
    let single_underscore = clean.starts_with('_') && !clean.starts_with("__");
    match (digit, single_underscore) {
        (true, _) => format!("key_{clean}"),
        (_, true) => format!("key{clean}"),
        _ => clean,
    }
}
