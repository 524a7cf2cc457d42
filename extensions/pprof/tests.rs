use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use config::Decoder;
use pipeline::component::BuildContext;
use pipeline::extension::ExtensionConfig;
use pipeline::{Pending, SelfProfiler, Tasks, Telemetry};
use tokio::time::Instant;
use transport::Request;

use super::answers::Answers;
use super::{Config, FACTORY};

#[derive(Debug)]
struct Fake(Result<Vec<u8>, String>);

impl SelfProfiler for Fake {
    fn cpu(&self, end: Pending<'static, ()>) -> Pending<'static, Result<Vec<u8>, String>> {
        let answer = self.0.clone();
        Box::pin(async move {
            end.await;
            answer
        })
    }

    fn heap(&self) -> Pending<'static, Result<Vec<u8>, String>> {
        Box::pin(async { Ok(b"heap".to_vec()) })
    }

    fn watch_heap(&self) -> Box<dyn Debug + Send + Sync> {
        Box::new(())
    }
}

async fn asked(answers: &Answers, path: &str) -> (u16, String) {
    let request = Request::builder().uri(path).body(()).unwrap().into_parts().0;
    let page = answers.clone().to(request).await;
    (page.status.as_u16(), String::from_utf8(page.body.to_vec()).unwrap())
}

fn answers(cpu: Result<Vec<u8>, String>) -> (Answers, Tasks) {
    let tasks = Tasks::default();
    (Answers::new(Arc::new(Fake(cpu)), tasks.stop()), tasks)
}

#[tokio::test(start_paused = true)]
async fn a_profile_takes_as_long_as_was_asked_for_and_30_s_if_nothing_sensible_was() {
    let (answers, _tasks) = answers(Ok(b"cpu".to_vec()));
    for (query, seconds) in
        [("?seconds=2", 2), ("", 30), ("?seconds=0", 30), ("?seconds=x", 30), ("?debug=1&seconds=7", 7)]
    {
        let start = Instant::now();
        assert_eq!(asked(&answers, &format!("/debug/pprof/profile{query}")).await, (200, "cpu".into()));
        assert_eq!(start.elapsed(), Duration::from_secs(seconds), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_stop_ends_a_profile_early() {
    let (answers, tasks) = answers(Ok(b"cpu".to_vec()));
    let start = Instant::now();
    let (profile, ()) = tokio::join!(asked(&answers, "/debug/pprof/profile"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tasks.end(Duration::ZERO).await;
    });
    assert_eq!((profile.1.as_str(), start.elapsed()), ("cpu", Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn one_samples_at_a_time() {
    let (answers, _tasks) = answers(Ok(Vec::new()));
    let (first, second) =
        tokio::join!(asked(&answers, "/debug/pprof/profile"), asked(&answers, "/debug/pprof/profile"));
    assert_eq!((first.0, second.0), (200, 500));
    assert!(second.1.contains("one profile at a time"), "{}", second.1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_possible_says_why() {
    let (answers, _tasks) = answers(Err("cannot sample: run as root".into()));
    assert_eq!(asked(&answers, "/debug/pprof/profile?seconds=1").await, (500, "cannot sample: run as root\n".into()));
    assert_eq!(asked(&answers, "/debug/pprof/heap").await, (200, "heap".into()));
    assert!(asked(&answers, "/debug/pprof/heap?debug=1").await.1.contains("no text"));
    assert!(asked(&answers, "/debug/pprof/").await.1.contains("href=\"heap\""));
    assert!(!asked(&answers, "/debug/pprof/cmdline").await.1.is_empty());
    assert_eq!(asked(&answers, "/debug/pprof/goroutine").await.0, 404);
    assert_eq!(asked(&answers, "/").await.0, 404);
}

#[test]
fn an_endpoint_is_needed_and_so_is_a_program_that_makes_profiles() {
    let mut decoder = Decoder::default();
    let config = (FACTORY.decode)(&config::parse("endpoint: ''", &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    let faults = decoder.finish().to_string();
    assert!(faults.contains("endpoint: must be host:port, e.g. localhost:1777"), "{faults}");
    let cx = BuildContext::new("pprof".parse().unwrap(), Telemetry::new("test"));
    let error = Config::default().build(cx).err().unwrap();
    assert_eq!(error.to_string(), "pprof: this program makes no profiles of itself");
}
