//! Changes of the attributes of items: on the wire form, only what is looked at is decoded.

mod items;
mod list;

pub use items::change_points;
pub use list::{Attributes, Made, key_in};

use super::{Batch, Form, Payload, Undecodable};
use crate::proto::{LogsRequest, MetricsRequest, TracesRequest};

impl Batch {
    /// Changes the attributes of every span, log record or data point. Profiles have none of their own and are left
    /// alone.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn change_attributes(&mut self, mut change: impl FnMut(&mut dyn Attributes)) -> Result<(), Undecodable> {
        let change = &mut change;
        let signal = self.signal();
        match &mut self.payload {
            Payload::Traces(Form::Encoded(bytes))
            | Payload::Metrics(Form::Encoded(bytes))
            | Payload::Logs(Form::Encoded(bytes)) => *bytes = items::rewrite(signal, bytes, change)?,
            Payload::Traces(_) => {
                self.change::<TracesRequest>(|request| items::of_spans(request, change))?;
            }
            Payload::Metrics(_) => {
                self.change::<MetricsRequest>(|request| items::of_points(request, change))?;
            }
            Payload::Logs(_) => {
                self.change::<LogsRequest>(|request| items::of_records(request, change))?;
            }
            Payload::Profiles(_) => {}
        }
        self.prepared = crate::Prepared::default();
        Ok(())
    }
}
