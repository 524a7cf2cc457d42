//! A connector of a running service.

use std::collections::HashMap;
use std::sync::Arc;

use config::ComponentId;
use tokio::time::Instant;

use super::parts::span;
use crate::connector::{Connector, Outputs};
use crate::graph::{New, Print};
use crate::{Next, Signal, Tasks};

pub(crate) struct ConnectorPart {
    pub id: ComponentId,
    pub print: Print,
    connector: Arc<dyn Connector>,
    pub tasks: Tasks,
    /// The edges into it: one for each signal, so that pipelines share what it holds.
    edges: HashMap<Signal, Next>,
}

impl ConnectorPart {
    pub fn new(new: New<Arc<dyn Connector>>) -> Self {
        let tasks = Tasks::of(span(&new.id, "connector"));
        Self { id: new.id, print: new.print, connector: new.component, tasks, edges: HashMap::new() }
    }

    /// The edge for this signal; `outputs` are what stands behind it.
    pub fn edge(&mut self, from: Signal, outputs: Outputs) -> Next {
        let Self { connector, tasks, edges, .. } = self;
        edges.entry(from).or_insert_with(|| connector.edge(from, outputs, tasks)).clone()
    }

    /// Drains it. Returns how many tasks had to be ended.
    pub async fn stop(mut self, deadline: Instant) -> usize {
        self.edges.clear();
        self.tasks.request_stop();
        self.tasks.finish(deadline).await
    }
}
