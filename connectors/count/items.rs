//! What an item has of its own.

use ottl::{Item, Target};
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::metric::Data;

/// The attributes of an item, and the times that it tells of.
pub fn of<'a>(target: &'a Target<'_>) -> (&'a [KeyValue], [u64; 2]) {
    match &target.item {
        Item::Span(span) => (&span.attributes, [span.start_time_unix_nano, span.end_time_unix_nano]),
        Item::SpanEvent(span, index) => match span.events.get(*index) {
            Some(event) => (&event.attributes, [event.time_unix_nano; 2]),
            None => (&[], [0; 2]),
        },
        Item::Log(record) => (&record.attributes, [record.time_unix_nano; 2]),
        Item::DataPoint(metric, index) => point(metric, *index).unwrap_or((&[], [0; 2])),
        Item::Profile(profile, named) => (named.attributes, [profile.time_unix_nano; 2]),
        Item::Metric(_) | Item::None => (&[], [0; 2]),
    }
}

fn point(metric: &Metric, index: usize) -> Option<(&[KeyValue], [u64; 2])> {
    macro_rules! of {
        ($data:expr) => {
            $data.data_points.get(index).map(|point| (&*point.attributes, [point.time_unix_nano; 2]))
        };
    }
    match metric.data.as_ref()? {
        Data::Gauge(data) => of!(data),
        Data::Sum(data) => of!(data),
        Data::Histogram(data) => of!(data),
        Data::ExponentialHistogram(data) => of!(data),
        Data::Summary(data) => of!(data),
    }
}
