//! Which format a scraper gets.

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prometheus' own text, version 0.0.4.
    Text,
    /// OpenMetrics 0.0.1.
    OpenMetrics0,
    /// OpenMetrics 1.0.0.
    OpenMetrics1,
}

/// How names and values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether it is OpenMetrics.
    pub open_metrics: bool,
    /// Whether names that are not plain stand in quotes.
    pub quotes: bool,
}

/// A format with what becomes of names that are not plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    kind: Kind,
    quotes: bool,
}

impl Default for Format {
    fn default() -> Self {
        Self { kind: Kind::Text, quotes: false }
    }
}

impl Format {
    /// The first that is known of what an `Accept` header names, those it likes best in front. How names are written is
    /// taken from what was passed over too, as in the Collector.
    pub fn asked_for(accept: &str, open_metrics: bool) -> Self {
        let mut wanted: Vec<Wanted<'_>> = accept.split(',').map(Wanted::read).collect();
        wanted.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let mut quotes = false;
        for one in wanted {
            quotes = one.quotes.unwrap_or(quotes);
            let kind = match (one.kind, one.version) {
                ("text/plain", "" | "0.0.4") => Kind::Text,
                ("application/openmetrics-text", "1.0.0") if open_metrics => Kind::OpenMetrics1,
                ("application/openmetrics-text", "" | "0.0.1") if open_metrics => Kind::OpenMetrics0,
                _ => continue,
            };
            return Self { kind, quotes };
        }
        Self { kind: Kind::Text, quotes }
    }

    /// As the answer says it.
    pub fn content_type(self) -> &'static str {
        match (self.kind, self.quotes) {
            (Kind::Text, false) => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            (Kind::Text, true) => "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
            (Kind::OpenMetrics0, false) => {
                "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores"
            }
            (Kind::OpenMetrics0, true) => {
                "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=allow-utf-8"
            }
            (Kind::OpenMetrics1, false) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            (Kind::OpenMetrics1, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
        }
    }

    /// How it is written.
    pub fn style(self) -> Style {
        Style { open_metrics: self.kind != Kind::Text, quotes: self.quotes }
    }
}

/// One part of an `Accept` header.
struct Wanted<'a> {
    kind: &'a str,
    version: &'a str,
    quotes: Option<bool>,
    quality: f64,
}

impl<'a> Wanted<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let mut wanted = Self { kind: parts.next().unwrap_or_default(), version: "", quotes: None, quality: 1.0 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match (name.trim(), value.trim().trim_matches('"')) {
                ("version", version) => wanted.version = version,
                ("q", quality) => wanted.quality = quality.parse().unwrap_or(1.0),
                ("escaping", "allow-utf-8") => wanted.quotes = Some(true),
                ("escaping", "underscores" | "dots" | "values") => wanted.quotes = Some(false),
                _ => {}
            }
        }
        wanted
    }
}
