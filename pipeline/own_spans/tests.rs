use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Context, Detail, Finished, Sampling, Span, Tracer, Who};
use crate::component::{Processor, Transform, Verdict};
use crate::delivery::tests::{Answer, bench_traced};
use crate::delivery::{Delivery, QueueSettings, RetrySettings};
use crate::graph::chain;
use crate::tests::batches::logs;
use crate::{Batch, Outlets, Rejected, Signal, Taker, Tasks, Telemetry};

fn who() -> Arc<Who> {
    Who::new("x", "receiver", Signal::Logs)
}

fn taken(telemetry: &Telemetry, room: usize, sampling: Sampling) -> mpsc::Receiver<Finished> {
    let (items, taken) = mpsc::channel(room);
    let dropped = telemetry.items("dropped".into(), "", Vec::new());
    telemetry.tracer().send_to(vec![Taker { items, dropped }], sampling, true);
    taken
}

fn all(taken: &mut mpsc::Receiver<Finished>) -> Vec<Finished> {
    std::iter::from_fn(|| taken.try_recv().ok()).collect()
}

struct Nothing;

impl Transform for Nothing {
    fn apply(&self, batch: Batch) -> Verdict {
        Verdict::Pass(batch)
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_one_trace_from_its_receiver_to_its_last_attempt() {
    let delivery = Delivery {
        queue: Some(QueueSettings::default()),
        retry: Some(RetrySettings::default()),
        ..Delivery::default()
    };
    let busy = Answer(std::time::Duration::ZERO, Err(Rejected::retryable("busy")));
    let (bench, telemetry) = bench_traced(&delivery, [busy]).await;
    let mut taken = taken(&telemetry, 100, Sampling::default());
    let (mut tasks, id) = (Tasks::default(), "nothing".parse().unwrap());
    let processors = vec![(id, Processor::Transform(Arc::new(Nothing)))];
    let entry = chain(processors, bench.next.clone(), Signal::Logs, &telemetry, &mut tasks).await.unwrap();
    let outlets = Outlets::of(Signal::Logs, entry, "otlp/a", &telemetry, &mut tasks);
    outlets.over("http", Signal::Logs).unwrap().send(logs(3)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let spans = all(&mut taken);
    let names: Vec<_> = spans.iter().map(|finished| finished.span.name.as_str()).collect();
    assert_eq!(names, ["exporter/enqueue", "receiver/otlp/a/LogsReceived", "exporter/leaf/x/logs"]);
    let [enqueue, receive, export] = [0, 1, 2].map(|index| &spans[index].span);
    assert!(receive.parent_span_id.is_empty() && receive.span_id.len() == 8 && receive.trace_id.len() == 16);
    assert_eq!((&enqueue.parent_span_id, &export.parent_span_id), (&receive.span_id, &enqueue.span_id));
    assert!(spans.iter().all(|finished| finished.span.trace_id == receive.trace_id));
    let events = |span: &crate::proto::trace::v1::Span| span.events.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    assert_eq!(events(receive), ["Start processing.", "End processing."]);
    assert_eq!(events(enqueue), ["Enqueued item."]);
    assert_eq!(events(export), ["Sending request.", "Sending request."]);
    let keys: Vec<_> = receive.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["transport", "format", "accepted_log_records", "refused_log_records", "failed_log_records"]);
    assert_eq!((spans[2].who.id.as_str(), spans[2].who.kind), ("leaf/x", "exporter"));
}

#[tokio::test]
async fn a_failure_is_the_status_of_the_span() {
    let answer = Answer(std::time::Duration::ZERO, Err(Rejected::permanent("bad")));
    let (bench, telemetry) = bench_traced(&Delivery::default(), [answer]).await;
    let mut taken = taken(&telemetry, 100, Sampling::default());
    bench.next.send(logs(2)).await.unwrap_err();
    let span = all(&mut taken).pop().unwrap().span;
    assert_eq!(span.status.unwrap().message, "bad");
    let recent = telemetry.tracer().recent();
    let kind = &recent.0["exporter/leaf/x/logs"];
    assert_eq!((kind.count, kind.failed, kind.samples[0].error.as_deref()), (1, 1, Some("bad")));
}

#[test]
fn without_takers_there_are_no_spans_and_batches_stay_as_they_are() {
    let telemetry = Telemetry::new("test");
    let span = telemetry.tracer().begin(&who(), || panic!("nobody asks for the name"), &Span::default());
    assert!(!span.exists());
    let batch = logs(1);
    let origin = batch.origin().clone();
    assert!(Arc::ptr_eq(batch.under(&span).origin(), &origin));
}

#[test]
fn what_finds_no_room_is_counted_and_what_comes_after_the_end_is_no_part_of_it() {
    let telemetry = Telemetry::new("test");
    let mut taken = taken(&telemetry, 1, Sampling::default());
    let first = telemetry.tracer().begin(&who(), || "a".into(), &Span::default());
    let handle = first.span().clone();
    drop(first);
    handle.event("late", Detail::None);
    drop(telemetry.tracer().begin(&who(), || "b".into(), &handle));
    let spans = all(&mut taken);
    assert_eq!((spans.len(), spans[0].span.events.len()), (1, 0));
    let mut text = Vec::new();
    Batch::new(telemetry.snapshot().unwrap(), Arc::default()).write_json(&mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().contains(r#""asInt":"1""#));
    telemetry.tracer().send_to(Vec::new(), Sampling::default(), true);
    assert!(!telemetry.tracer().is_on());
}

#[test]
fn roots_are_sampled_by_their_share_and_others_as_their_parents_unless_that_is_not_wanted() {
    let tracer = Tracer::default();
    let telemetry = Telemetry::new("test");
    let share = |sampling: Sampling, parent: &Span| {
        let mut taken = taken(&telemetry, 10_000, sampling);
        (0..2000).for_each(|_| drop(telemetry.tracer().begin(&who(), String::new, parent)));
        all(&mut taken).len()
    };
    let half = Sampling { roots: 0.5, heeds_parents: true };
    assert!((800..1200).contains(&share(half, &Span::default())));
    assert_eq!(share(Sampling { roots: 0.0, ..half }, &Span::default()), 0);
    let parent =
        |is_sampled| Span::known(Context { trace: u128::from(u64::MAX), span: 1, is_sampled, is_remote: true });
    assert_eq!((share(half, &parent(true)), share(half, &parent(false))), (2000, 0));
    let deaf = Sampling { heeds_parents: false, ..half };
    assert_eq!((share(deaf, &parent(true)), share(deaf, &parent(false))), (0, 0), "a large trace id is out");
    assert!(!tracer.is_on());
}

#[test]
fn a_senders_trace_is_read_as_w3c_wrote_it_down_and_nothing_else_is() {
    let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = Context::parse(whole).unwrap();
    assert_eq!((context.trace, context.span), (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331));
    assert!(context.is_sampled && context.is_remote);
    assert_eq!(context.to_string(), whole);
    assert!(!Context::parse(&whole.replace("-01", "-00")).unwrap().is_sampled);
    let zero = whole.replace("b7ad6b7169203331", "0000000000000000");
    for bad in ["", "00", &whole[..54], &whole.to_uppercase(), &whole.replace("00-", "ff-"), &zero] {
        assert_eq!(Context::parse(bad), None, "{bad}");
    }
}
