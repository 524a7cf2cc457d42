//! OpenTelemetry names as Prometheus names, by the Collector's rules.

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

/// How names are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// What is added to them.
    pub suffixes: Suffixes,
    /// Whether they keep characters that Prometheus did not have before its version 3.
    pub utf8: bool,
}

/// The metric's name with namespace and, if wanted, unit and type; `None` when nothing is left of it.
pub fn metric(name: &str, unit: &str, kind: Kind, namespace: &str, naming: Naming) -> Option<String> {
    let (units, types) = (naming.suffixes.units, naming.suffixes.types);
    let name = match (naming.utf8, units || types) {
        (true, _) => as_written(name, unit, kind, namespace, naming.suffixes),
        (false, true) => normalized(name, unit, kind, namespace, naming.suffixes),
        (false, false) => cleaned(name, namespace),
    };
    name.contains(|c| c != '_').then_some(name)
}

/// With its unit in front of its type, both only once.
fn normalized(name: &str, unit: &str, kind: Kind, namespace: &str, suffixes: Suffixes) -> String {
    let mut tokens: Vec<String> = words(name);
    if suffixes.units {
        let (mut main, mut per) = unit_suffixes(unit);
        (main, per) = (clean_unit(&main), clean_unit(&per));
        per.truncate(per.trim_end_matches('_').len());
        per = if per == "per" { String::new() } else { per };
        if !per.is_empty() {
            main.truncate(main.trim_end_matches('_').len());
        }
        let new: Vec<String> =
            [main, per].into_iter().filter(|part| !part.is_empty() && !tokens.contains(part)).collect();
        tokens.extend(new);
    }
    let last = match kind {
        Kind::Counter => "total",
        Kind::Gauge if unit == "1" => "ratio",
        Kind::Gauge | Kind::Distribution => "",
    };
    if suffixes.types && !last.is_empty() {
        tokens.retain(|token| token != last);
        tokens.push(last.into());
    }
    if !namespace.is_empty() {
        tokens.insert(0, self::namespace(namespace, false));
    }
    not_a_digit_first(tokens.join("_"))
}

/// Without anything added; underscores stay as they are.
fn cleaned(name: &str, namespace: &str) -> String {
    match namespace {
        "" => not_a_digit_first(joined(name)),
        namespace => format!("{}_{}", joined(namespace), joined(name)),
    }
}

/// With all its characters; a suffix that is there already is not added again.
fn as_written(name: &str, unit: &str, kind: Kind, namespace: &str, suffixes: Suffixes) -> String {
    let mut name = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}_{name}") };
    let (mut main, mut per) = unit_suffixes(unit);
    if !suffixes.units {
        (main, per) = Default::default();
    }
    let total = if suffixes.types && kind == Kind::Counter { "total" } else { "" };
    let ratio = if suffixes.types && kind == Kind::Gauge && unit == "1" { "ratio" } else { "" };
    for suffix in [ratio, total, &*per] {
        let kept = name.strip_suffix(suffix).and_then(|kept| kept.char_indices().next_back().filter(|(at, _)| *at > 0));
        if let (false, Some((at, _))) = (suffix.is_empty(), kept) {
            name.truncate(at);
        }
    }
    if name.ends_with(&main) {
        main.clear();
    }
    [&*main, &*per, total, ratio]
        .into_iter()
        .filter(|part| !part.is_empty())
        .fold(name, |name, part| format!("{name}_{part}"))
}

/// The namespace as part of a name.
pub fn namespace(namespace: &str, utf8: bool) -> String {
    if utf8 { namespace.to_owned() } else { words(namespace).join("_") }
}

/// `seconds` and `per_minute` of `s/m`; what is in braces says nothing.
fn unit_suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let lookup = |table: &[(&str, &str)], unit: &str| {
        let unit = if unit.contains(['{', '}']) { "" } else { unit.trim() };
        table.iter().find(|(from, _)| *from == unit).map_or(unit, |(_, to)| to).to_owned()
    };
    let per = lookup(PER_UNITS, per);
    (lookup(UNITS, main), if per.is_empty() { per } else { format!("per_{per}") })
}

/// Other characters become underscores, several of them one, and none stands in front.
fn clean_unit(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for c in unit.chars().map(|c| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' }) {
        if !(c == '_' && (out.is_empty() || out.ends_with('_'))) {
            out.push(c);
        }
    }
    out
}

/// Parts between characters that a name cannot have; underscores separate too.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn joined(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '_');
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

fn not_a_digit_first(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// A label's name: other characters become underscores, and it has something else than these, and no digit in front.
pub fn label(name: &str, utf8: bool) -> String {
    let clean = match utf8 {
        true => name.to_owned(),
        false => name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect(),
    };
    let empty = !clean.contains(|c| c != '_');
    match empty || (!utf8 && clean.starts_with(|c: char| c.is_ascii_digit())) {
        true => format!("key_{clean}"),
        false => clean,
    }
}

/// Whether every version of Prometheus takes a name of a metric, or of a label.
pub fn is_plain(name: &str, of_metric: bool) -> bool {
    !name.is_empty() && name.chars().enumerate().all(|(index, c)| fits(index, c, of_metric))
}

fn fits(index: usize, c: char, of_metric: bool) -> bool {
    c == '_' || c.is_ascii_alphabetic() || (c == ':' && of_metric) || (c.is_ascii_digit() && index > 0)
}

/// A name for scrapers that take plain ones only: every other character is an underscore.
pub fn escaped(name: &str, of_metric: bool) -> String {
    name.chars().enumerate().map(|(index, c)| if fits(index, c, of_metric) { c } else { '_' }).collect()
}
