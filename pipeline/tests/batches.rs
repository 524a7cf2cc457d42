use std::sync::Arc;

use crate::proto::LogsRequest;
use crate::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use crate::{Batch, Origin, Signal};

pub fn logs(records: usize) -> Batch {
    let scope_logs = vec![ScopeLogs { log_records: vec![LogRecord::default(); records], ..ScopeLogs::default() }];
    let request = LogsRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    Batch::new(request, Arc::new(Origin::default()))
}

#[test]
fn a_batch_counts_its_items_in_either_form() {
    let built = logs(3);
    assert_eq!((built.items(), built.signal()), (3, Signal::Logs));
    let received = Batch::received(Signal::Logs, built.encode(), built.origin().clone()).unwrap();
    assert_eq!(received.items(), 3);
}

#[test]
fn what_is_shared_is_encoded_once_and_what_is_changed_is_encoded_anew() {
    let mut one = logs(2);
    let two = one.clone();
    assert_eq!(one.encode().as_ptr(), two.encode().as_ptr(), "clones share the encoded bytes");
    let changed =
        one.change(|request: &mut LogsRequest| request.resource_logs[0].scope_logs[0].log_records.truncate(1));
    assert!(changed.unwrap());
    assert_eq!((one.items(), two.items()), (1, 2), "the other clone keeps its records");
    assert_ne!(one.encode(), two.encode());
}

#[test]
fn damaged_bytes_never_become_a_batch() {
    let error = Batch::received(Signal::Logs, bytes::Bytes::from_static(&[0x0a, 9]), Arc::default()).unwrap_err();
    assert_eq!(error.to_string(), "ExportLogsServiceRequest at byte 0: truncated");
}

#[test]
fn a_batch_of_another_signal_is_left_alone() {
    let mut batch = logs(1);
    assert!(!batch.change(|_: &mut crate::proto::MetricsRequest| ()).unwrap());
    assert!(batch.read::<crate::proto::TracesRequest>().unwrap().is_none());
}

#[test]
fn a_prepared_body_is_shared_by_clones_and_forgotten_by_a_change() {
    let mut one = logs(2);
    let two = one.clone();
    one.prepared().keep("gzip", bytes::Bytes::from_static(b"x"));
    assert_eq!(two.prepared().get("gzip").as_deref(), Some(&b"x"[..]));
    assert_eq!(two.prepared().get("zstd"), None);
    one.change(|_: &mut LogsRequest| ()).unwrap();
    assert_eq!(one.prepared().get("gzip"), None);
    assert!(two.prepared().get("gzip").is_some());
}

#[test]
fn a_prepared_body_is_forgotten_by_changes_on_wire_bytes_too() {
    let received = || Batch::received(Signal::Logs, logs(2).encode(), Arc::default()).unwrap();
    let (mut one, mut two) = (received(), received());
    one.prepared().keep("gzip", bytes::Bytes::from_static(b"x"));
    two.prepared().keep("gzip", bytes::Bytes::from_static(b"x"));
    one.change_resources(|_| ()).unwrap();
    two.change_attributes(|_| ()).unwrap();
    assert_eq!((one.prepared().get("gzip"), two.prepared().get("gzip")), (None, None));
}
