//! Nothing comes in: for a pipeline that has to have a receiver.
//!
//! ```yaml
//! nop:
//! ```

use async_trait::async_trait;
use config::{Decode, Rules};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::{BuildError, Outlets, Signal, StartError, Tasks};

config::settings! {
    /// Nothing comes in.
    pub struct Config {}
}

impl Rules for Config {}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "nop",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(Nop { id: cx.id.to_string() }))
    }
}

struct Nop {
    id: String,
}

#[async_trait]
impl Receiver for Nop {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let mut stop = tasks.stop();
        tasks.spawn(self.id, async move {
            stop.requested().await;
            // Held until then, so that its end is not taken for a fault.
            drop(outlets);
        });
        Ok(())
    }
}
