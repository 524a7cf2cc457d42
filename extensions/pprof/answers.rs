//! What stands below `/debug/pprof/`.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{SelfProfiler, Stop};
use tokio::sync::Mutex;
use transport::pages::Page;
use transport::{Parts, StatusCode, header};

/// As in Go.
const SECONDS: u64 = 30;
const INDEX: &str = "<!DOCTYPE html>\n<html><head><title>/debug/pprof/</title></head><body>\n<h1>/debug/pprof/</h1>\n<ul>\n\
    <li><a href=\"cmdline\">cmdline</a>: the command line of this process</li>\n\
    <li><a href=\"heap\">heap</a>: what is allocated now, and who asked for it</li>\n\
    <li><a href=\"profile?seconds=10\">profile</a>: the CPU time of this process, for as many seconds as are asked for</li>\n\
    </ul>\n</body></html>\n";

/// Who answers.
#[derive(Clone)]
pub struct Answers {
    profiler: Arc<dyn SelfProfiler>,
    stop: Stop,
    /// Held by the one who samples.
    sampling: Arc<Mutex<()>>,
}

impl Answers {
    pub fn new(profiler: Arc<dyn SelfProfiler>, stop: Stop) -> Self {
        Self { profiler, stop, sampling: Arc::default() }
    }

    /// The answer to a request; every method is answered.
    pub async fn to(self, request: Parts) -> Page {
        let query = request.uri.query().unwrap_or_default();
        match request.uri.path() {
            "/debug/pprof" | "/debug/pprof/" => Page::new(StatusCode::OK, "text/html; charset=utf-8", INDEX),
            "/debug/pprof/cmdline" => Page::text(StatusCode::OK, command_line()),
            "/debug/pprof/profile" => self.profile(seconds(query)).await,
            "/debug/pprof/heap" | "/debug/pprof/allocs" if asked(query, "debug").is_some_and(|level| level != "0") => {
                Page::text(StatusCode::OK, "there is no text of it: leave out debug, and read it with go tool pprof\n")
            }
            "/debug/pprof/heap" | "/debug/pprof/allocs" => file("heap", self.profiler.heap().await),
            _ => Page::text(StatusCode::NOT_FOUND, "/debug/pprof/ names what is here\n"),
        }
    }

    async fn profile(self, length: Duration) -> Page {
        let Ok(_sampling) = self.sampling.try_lock() else {
            let busy = "somebody else samples: one profile at a time\n";
            return Page::text(StatusCode::INTERNAL_SERVER_ERROR, busy);
        };
        let mut stop = self.stop.clone();
        let end = Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(length) => {}
                () = stop.requested() => {}
            }
        });
        file("profile", self.profiler.cpu(end).await)
    }
}

fn file(name: &'static str, content: Result<Vec<u8>, String>) -> Page {
    match content {
        Ok(content) => {
            let mut page = Page::new(StatusCode::OK, "application/octet-stream", content);
            let attached =
                if name == "heap" { "attachment; filename=\"heap\"" } else { "attachment; filename=\"profile\"" };
            page.headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static(attached));
            page
        }
        Err(error) => Page::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// What cannot be read, and nothing, is 30 s.
fn seconds(query: &str) -> Duration {
    let asked = asked(query, "seconds").and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    Duration::from_secs(asked.unwrap_or(SECONDS))
}

fn asked<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// Arguments with a zero byte between them, as Go does it.
fn command_line() -> String {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect::<Vec<_>>().join("\0")
}
