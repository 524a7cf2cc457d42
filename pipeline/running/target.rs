//! The end of a receiver's edge that can be turned elsewhere while the receiver runs.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{Batch, Next, Rejected};

/// Where a receiver's batches of one signal go.
#[derive(Clone, Debug)]
pub(crate) struct Target(Arc<State>);

#[derive(Debug)]
struct State {
    /// Nothing while it is held: batches wait.
    to: watch::Sender<Option<Next>>,
    under_way: watch::Sender<usize>,
}

impl Target {
    pub fn new(next: Next) -> Self {
        Self(Arc::new(State { to: watch::Sender::new(Some(next)), under_way: watch::Sender::default() }))
    }

    /// The edge that stays the same.
    pub fn edge(&self) -> Next {
        let target = self.clone();
        Next::from_fn(move |batch| {
            let target = target.clone();
            async move { target.send(batch).await }
        })
    }

    /// From now on batches wait in front of it.
    pub fn hold(&self) {
        self.0.to.send_replace(None);
    }

    /// Waits until no batch is under way behind it.
    pub async fn quiet(&self) {
        // The sender is part of this target, so the wait cannot fail.
        let _ = self.0.under_way.subscribe().wait_for(|batches| *batches == 0).await;
    }

    /// From now on batches go here.
    pub fn turn(&self, next: Next) {
        self.0.to.send_replace(Some(next));
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let (next, _under_way) = self.next().await;
        next.send(batch).await
    }

    async fn next(&self) -> (Next, UnderWay<'_>) {
        let mut turned = None;
        loop {
            // Counted first: whoever holds and then sees none under way can rely on it.
            let under_way = UnderWay::begin(&self.0.under_way);
            let next = self.0.to.borrow().clone();
            if let Some(next) = next {
                return (next, under_way);
            }
            drop(under_way);
            let turned = turned.get_or_insert_with(|| self.0.to.subscribe());
            let _ = turned.wait_for(Option::is_some).await;
        }
    }
}

struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|batches| *batches += 1);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|batches| *batches -= 1);
    }
}
