//! What a policy is asked, and what it says.

use pipeline::proto::TracesRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::trace::v1::Span;
use prost::Message;
use tokio::time::Instant;

use super::TraceId;
use ottl::Failures;

/// What a policy says of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Sampled,
    /// It does not.
    NotSampled,
    /// It is to be dropped, whatever others say.
    Dropped,
}

impl Verdict {
    /// It fits, or not.
    pub fn when(fits: bool) -> Self {
        if fits { Self::Sampled } else { Self::NotSampled }
    }
}

/// A policy.
pub trait Evaluate: Send {
    /// Looks at a trace.
    ///
    /// # Errors
    /// Why it cannot say anything.
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String>;

    /// Whether what it says depends on what it said before, or may be another when more spans have come.
    fn is_stateful(&self) -> bool {
        false
    }
}

/// A trace as policies see it. It is decoded when the first of them wants to see spans.
pub struct Seen<'a> {
    /// Its id.
    pub id: TraceId,
    /// How many spans have come.
    pub spans: u64,
    /// The spans as OTLP.
    pub bytes: &'a [u8],
    /// The time.
    pub now: Instant,
    /// Where failing conditions are told.
    pub failures: &'a Failures,
    decoded: Option<TracesRequest>,
}

impl<'a> Seen<'a> {
    /// A trace that nobody looked at.
    pub fn new(id: TraceId, spans: u64, bytes: &'a [u8], failures: &'a Failures) -> Self {
        Self { id, spans, bytes, now: Instant::now(), failures, decoded: None }
    }

    /// Its spans with all around them.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn request(&mut self) -> Result<&mut TracesRequest, String> {
        if self.decoded.is_none() {
            self.decoded = Some(TracesRequest::decode(self.bytes).map_err(|error| error.to_string())?);
        }
        self.decoded.as_mut().ok_or_else(String::new)
    }

    /// Whether one span fits.
    ///
    /// # Errors
    /// As [`Seen::request`].
    pub fn has_span(&mut self, mut fits: impl FnMut(&Span) -> bool) -> Result<Verdict, String> {
        let outers = self.request()?.resource_spans.iter();
        let mut spans = outers.flat_map(|outer| &outer.scope_spans).flat_map(|scope| &scope.spans);
        Ok(Verdict::when(spans.any(&mut fits)))
    }

    /// Whether the attributes of a resource or of a span fit.
    ///
    /// # Errors
    /// As [`Seen::request`].
    pub fn has_attributes(
        &mut self,
        of_resource: impl Fn(&[KeyValue]) -> bool,
        of_span: impl Fn(&[KeyValue]) -> bool,
    ) -> Result<bool, String> {
        Ok(self.request()?.resource_spans.iter().any(|outer| {
            let spans = || outer.scope_spans.iter().flat_map(|scope| &scope.spans);
            outer.resource.as_ref().is_some_and(|resource| of_resource(&resource.attributes))
                || spans().any(|span| of_span(&span.attributes))
        }))
    }
}
