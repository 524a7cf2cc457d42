use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::batches::logs;
use crate::{Next, Rejected, RejectedKind};

fn counting(counter: &Arc<AtomicU32>) -> Next {
    let counter = counter.clone();
    Next::from_fn(move |batch| {
        counter.fetch_add(batch.items(), Ordering::Relaxed);
        std::future::ready(Ok(()))
    })
}

#[tokio::test]
async fn a_failing_branch_does_not_stop_the_others_and_the_sender_learns_of_it() {
    let counter = Arc::new(AtomicU32::new(0));
    let later = Next::from_fn(|_| async {
        Err(Rejected { retry_after: Some(Duration::from_secs(7)), ..Rejected::retryable("busy") })
    });
    let never = Next::from_fn(|_| async { Err(Rejected::permanent("bad")) });
    let fan = Next::fan_out(vec![later, never, counting(&counter)]);
    let rejected = fan.send(logs(2)).await.unwrap_err();
    assert_eq!(counter.load(Ordering::Relaxed), 2);
    assert_eq!(rejected.kind, RejectedKind::Retryable);
    assert_eq!(rejected.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(rejected.reason, "busy; bad");
}

#[tokio::test]
async fn an_edge_into_a_tower_service_drives_a_clone_of_it() {
    let service = tower::service_fn(|batch: crate::Batch| async move {
        if batch.items() > 1 { Err(Rejected::permanent("too many")) } else { Ok(()) }
    });
    let next = Next::new(service);
    assert!(next.send(logs(1)).await.is_ok());
    assert_eq!(next.send(logs(2)).await.unwrap_err().items(2), 2);
}
