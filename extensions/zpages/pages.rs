//! What the pages say.

use config::gates::{self, Effect, Gate};
use config::{ComponentId, print_duration};
use jiff::Timestamp;
use pipeline::own_spans::{Recent, Sample};
use pipeline::{Health, Phase, PipelineSettings, Telemetry};
use serde_json::json;
use tokio::sync::watch;

use transport::pages::Page;
use transport::{Parts, StatusCode};

use super::Config;
use super::html::Html;

const NAMES: [&str; 5] = ["servicez", "pipelinez", "extensionz", "featurez", "tracez"];
const HTML: &str = "text/html; charset=utf-8";

/// Answers by what is so at that moment.
pub struct Pages {
    health: watch::Receiver<Health>,
    telemetry: Telemetry,
    has_variables: bool,
}

impl Pages {
    pub fn new(health: watch::Receiver<Health>, telemetry: Telemetry, config: &Config) -> Self {
        Self { health, telemetry, has_variables: config.expvar.enabled }
    }

    /// The answer to any method.
    pub fn answer(&self, request: &Parts) -> Page {
        let (status, kind, text) = self.page(request.uri.path());
        Page::new(status, kind, text)
    }

    /// Status, content type and text.
    pub fn page(&self, path: &str) -> (StatusCode, &'static str, String) {
        let health = self.health.borrow();
        let page = match path.strip_prefix("/debug/") {
            Some("servicez") => service(&health),
            Some("pipelinez") => pipelines(&health),
            Some("extensionz") => extensions(&health),
            Some("featurez") => features(),
            Some("expvarz") if self.has_variables => {
                return (StatusCode::OK, "application/json; charset=utf-8", self.variables());
            }
            Some("tracez") if self.telemetry.tracer().is_on() => traces(&self.telemetry.tracer().recent()),
            Some("tracez") => return (StatusCode::NOT_FOUND, HTML, without_traces()),
            _ => return (StatusCode::NOT_FOUND, HTML, nothing_here()),
        };
        (StatusCode::OK, HTML, page.links(&NAMES).finish())
    }

    fn variables(&self) -> String {
        let arguments: Vec<_> = std::env::args_os().map(|text| text.to_string_lossy().into_owned()).collect();
        let alloc = self.telemetry.live_bytes().map(|live_bytes| live_bytes());
        json!({"cmdline": arguments, "memstats": {"Alloc": alloc, "HeapAlloc": alloc}}).to_string()
    }
}

fn service(health: &Health) -> Html {
    let state = match health.phase {
        Phase::Starting => "starting",
        Phase::Ready { .. } if health.faults.is_empty() => "running",
        Phase::Ready { .. } => "running, with faults",
        Phase::Stopping => "stopping",
    };
    let mut rows = vec![["Command", "kpulse"], ["Version", env!("CARGO_PKG_VERSION")], ["State", state]]
        .into_iter()
        .map(|row| row.map(str::to_owned))
        .collect::<Vec<_>>();
    if let Phase::Ready { since, at } = health.phase {
        let since = Timestamp::try_from(since).map_or_else(|_| String::new(), |since| since.to_string());
        rows.push(["StartTimestamp".into(), since]);
        rows.push(["Uptime".into(), print_duration(at.elapsed())]);
    }
    rows.push(["Process".into(), std::process::id().to_string()]);
    rows.push(["Arch".into(), std::env::consts::ARCH.into()]);
    rows.extend(health.faults.iter().map(|fault| ["Fault".into(), fault.clone()]));
    Html::page("Service kpulse").table(["", ""], rows)
}

fn pipelines(health: &Health) -> Html {
    let row = |(id, pipeline): &(ComponentId, PipelineSettings)| {
        let ids = |ids: &[ComponentId]| ids.iter().map(ComponentId::to_string).collect::<Vec<_>>();
        [
            id.to_string(),
            pipeline.signal.name().to_owned(),
            ids(&pipeline.receivers).join("\n"),
            ids(&pipeline.processors).join(" \u{2192} "),
            ids(&pipeline.exporters).join("\n"),
        ]
    };
    let head = ["FullName", "InputType", "Receivers", "Processors", "Exporters"];
    Html::page("Pipelines").table(head, health.layout.pipelines.iter().map(row))
}

fn extensions(health: &Health) -> Html {
    Html::page("Extensions").table([""], health.layout.extensions.iter().map(|id| [id.to_string()]))
}

fn features() -> Html {
    let row = |gate: &&Gate| {
        let effect = match gate.effect {
            Effect::Followed => "",
            Effect::AlwaysOn(why) | Effect::AlwaysOff(why) => why,
        };
        [gate.id, if gate.is_on() { "true" } else { "false" }, gate.stage.name(), gate.about, effect].map(str::to_owned)
    };
    Html::page("Feature Gates").table(["ID", "Enabled", "Stage", "About", "Fixed because"], gates::ALL.iter().map(row))
}

fn traces(recent: &Recent) -> Html {
    let kinds = recent.0.iter().map(|(name, kind)| {
        [name.clone(), kind.count.to_string(), kind.failed.to_string(), format!("{:?}", kind.longest)]
    });
    let page =
        Html::page("Trace Spans").table(["Name", "Ended", "Failed", "Longest"], kinds).paragraph("The last of each:");
    let samples = recent.0.iter().flat_map(|(name, kind)| kind.samples.iter().map(move |sample| row(name, sample)));
    page.table(["Name", "Start", "Duration", "Trace", "Error"], samples)
}

fn row(name: &str, sample: &Sample) -> [String; 5] {
    let start = Timestamp::from_nanosecond(sample.start_unix_ns.into()).unwrap_or_default().to_string();
    let error = sample.error.clone().unwrap_or_default();
    [name.to_owned(), start, format!("{:?}", sample.duration), sample.trace.clone(), error]
}

fn without_traces() -> String {
    let text = "kpulse makes no spans of its own: service::telemetry::traces has no processors.";
    Html::page("Trace Spans").paragraph(text).links(&NAMES).finish()
}

fn nothing_here() -> String {
    Html::page("404 page not found").paragraph(&format!("There is: /debug/{}", NAMES.join(", /debug/"))).finish()
}
