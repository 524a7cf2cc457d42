use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::otlp::json;
use pipeline::own_spans::Tracer;
use pipeline::{Batch, Code, Next, Origin, Outlets, Rejected, Signal, Tasks, Telemetry};
use transport::Status;

use super::intake::{Intake, Partly};
use super::refusal::Refusal;
use super::{grpc, response};

type Answer = dyn Fn(Batch) -> Result<(), Rejected> + Send + Sync;

/// An intake for logs, before a pipeline that answers like this.
fn intake(answer: Arc<Answer>) -> (Intake, Tasks) {
    let mut tasks = Tasks::default();
    let next = Next::from_fn(move |batch| {
        let answer = answer(batch);
        async move { answer }
    });
    let outlets = Outlets::of(Signal::Logs, next, "otlp", &Telemetry::new("test"), &mut tasks);
    (Intake::new(&outlets, "grpc", &Tracer::default()).0, tasks)
}

fn logs(records: usize) -> bytes::Bytes {
    let records = vec!["{}"; records].join(",");
    let text = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
    json::read(Signal::Logs.schema(), text.as_bytes()).unwrap().into()
}

async fn answer_to(answer: impl Fn(Batch) -> Result<(), Rejected> + Send + Sync + 'static) -> Result<Partly, Refusal> {
    let (intake, _tasks) = intake(Arc::new(answer));
    intake.take(Signal::Logs, logs(3), Origin::default()).await
}

#[tokio::test]
async fn what_comes_in_is_what_goes_on() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (sink, origin) = (seen.clone(), Origin { peer: "127.0.0.1:9".parse().ok(), ..Origin::default() });
    let (intake, _tasks) = intake(Arc::new(move |batch| {
        sink.lock().unwrap().push(batch);
        Ok(())
    }));
    let wire = logs(3);
    assert_eq!(intake.take(Signal::Logs, wire.clone(), origin.clone()).await.unwrap(), Partly::default());
    assert_eq!(intake.take(Signal::Logs, logs(0), origin.clone()).await.unwrap(), Partly::default());
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "a request without items is nothing to do");
    assert_eq!((seen[0].items(), &**seen[0].origin()), (3, &origin));
    assert_eq!(seen[0].encode().as_ptr(), wire.as_ptr(), "not a byte was copied");
}

#[tokio::test]
async fn the_pipelines_answer_is_the_answer() {
    let code = |answer: Result<Partly, Refusal>| answer.unwrap_err().code;
    assert_eq!(code(answer_to(|_| Err(Rejected::retryable("full"))).await), Code::Unavailable);
    assert_eq!(code(answer_to(|_| Err(Rejected::closed("stopping"))).await), Code::Unavailable);
    assert_eq!(code(answer_to(|_| Err(Rejected::permanent("no"))).await), Code::Internal);
    let kept = |_| Err(Rejected { code: Some(Code::PermissionDenied), ..Rejected::permanent("no") });
    assert_eq!(code(answer_to(kept).await), Code::PermissionDenied);
    assert_eq!(code(answer_to(|_| panic!("on purpose")).await), Code::Internal);
    let part = |batch: Batch| {
        let rest = Batch::received(Signal::Logs, logs(2), batch.origin().clone()).ok();
        Err(Rejected { rest, ..Rejected::permanent("too old") })
    };
    assert_eq!(answer_to(part).await.unwrap(), Partly { rejected: 2, message: "too old".into() });
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_answered_at_its_deadline_and_its_batch_goes_on() {
    let mut tasks = Tasks::default();
    let (done, mut finished) = tokio::sync::mpsc::channel(1);
    let slow = Next::from_fn(move |_| {
        let done = done.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            done.send(()).await.unwrap();
            Ok(())
        }
    });
    let outlets = Outlets::of(Signal::Logs, slow, "otlp", &Telemetry::new("test"), &mut tasks);
    let (intake, mut jobs) = Intake::new(&outlets, "grpc", &Tracer::default());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
    let origin = Origin { deadline: Some(deadline.into_std()), ..Origin::default() };
    let refusal = intake.take(Signal::Logs, logs(1), origin).await.unwrap_err();
    assert_eq!((refusal.code, deadline.elapsed() < Duration::from_secs(1)), (Code::DeadlineExceeded, true));
    drop(intake);
    assert_eq!(jobs.recv().await, None, "the last request is over");
    assert!(finished.try_recv().is_ok());
}

#[test]
fn a_refusal_says_the_same_over_grpc_and_http() {
    let wait = Some(Duration::from_millis(1500));
    let refusal = Refusal { retry_after: wait, ..Refusal::new(Code::ResourceExhausted, "50% full\n") };
    let trailers = refusal.trailers();
    assert_eq!(
        (&trailers["grpc-status"], &trailers["grpc-message"]),
        (&"8".parse().unwrap(), &"50%25 full%0A".parse().unwrap())
    );
    assert!(trailers.contains_key("grpc-status-details-bin"));
    assert_eq!((refusal.http_status().as_u16(), refusal.retry_seconds()), (429, Some(2)));
    let status: Status = prost::Message::decode(refusal.to_protobuf().as_slice()).unwrap();
    assert_eq!((status.code, status.message.as_str(), status.retry_delay()), (8, "50% full\n", wait));
    let text = String::from_utf8(refusal.to_json()).unwrap();
    let details = r#"[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500000000s"}]"#;
    assert_eq!(text, format!(r#"{{"code":8,"details":{details},"message":"50% full\n"}}"#));
}

#[test]
fn codes_have_the_collectors_http_statuses() {
    for (statuses, codes) in [(503, vec![1, 4, 10, 11, 14, 15]), (429, vec![8]), (400, vec![3]), (401, vec![16])]
        .into_iter()
        .chain([(403, vec![7]), (404, vec![12]), (500, vec![2, 5, 6, 9, 13])])
    {
        for code in codes {
            assert_eq!(Refusal::new(Code::of_number(code), "").http_status().as_u16(), statuses, "{code}");
        }
    }
    assert!(!Refusal::new(Code::Unavailable, "").trailers().contains_key("grpc-status-details-bin"));
}

#[test]
fn a_partial_success_is_told_in_the_words_of_its_signal() {
    assert_eq!(response::to_protobuf(&Partly::default()), [0x0a, 0x00], "as the Collector answers");
    let partly = Partly { rejected: 2, message: "old".into() };
    assert_eq!(response::to_protobuf(&partly), b"\x0a\x07\x08\x02\x12\x03old");
    let text = response::to_json(Signal::Metrics, &partly);
    assert_eq!(text, br#"{"partialSuccess":{"errorMessage":"old","rejectedDataPoints":"2"}}"#);
    assert_eq!(response::to_json(Signal::Logs, &Partly::default()), br#"{"partialSuccess":{}}"#);
}

#[test]
fn grpc_timeouts_have_a_unit() {
    let timeout = |text: &str| {
        let value = transport::header::HeaderValue::try_from(text).unwrap();
        grpc::timeout(&[(transport::header::HeaderName::from_static("grpc-timeout"), value)].into_iter().collect())
    };
    assert_eq!(timeout("5000m"), Some(Duration::from_secs(5)));
    assert_eq!(timeout("1H"), Some(Duration::from_secs(3600)));
    assert_eq!(timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
    for bad in ["", "5", "m", "-1S", "123456789S", "1x"] {
        assert_eq!(timeout(bad), None, "{bad}");
    }
}
