//! Where items have their attributes.

use bytes::Bytes;

use super::super::Undecodable;
use super::list::{Attributes, Raw};
use crate::Signal;
use crate::otlp::wire::{self, Fault, Length, Value};
use crate::proto::metrics::v1::Metric;
use crate::proto::metrics::v1::metric::Data;
use crate::proto::{LogsRequest, MetricsRequest, TracesRequest};

type Change<'c> = dyn FnMut(&mut dyn Attributes) + 'c;

pub(super) fn of_spans(request: &mut TracesRequest, change: &mut Change<'_>) {
    let scopes = request.resource_spans.iter_mut().flat_map(|outer| &mut outer.scope_spans);
    scopes.flat_map(|scope| &mut scope.spans).for_each(|span| change(&mut span.attributes));
}

pub(super) fn of_records(request: &mut LogsRequest, change: &mut Change<'_>) {
    let scopes = request.resource_logs.iter_mut().flat_map(|outer| &mut outer.scope_logs);
    scopes.flat_map(|scope| &mut scope.log_records).for_each(|record| change(&mut record.attributes));
}

pub(super) fn of_points(request: &mut MetricsRequest, change: &mut Change<'_>) {
    let scopes = request.resource_metrics.iter_mut().flat_map(|outer| &mut outer.scope_metrics);
    for metric in scopes.flat_map(|scope| &mut scope.metrics) {
        change_points(metric, change);
    }
}

/// Changes the attributes of every data point of a metric.
pub fn change_points(metric: &mut Metric, change: &mut Change<'_>) {
    match &mut metric.data {
        Some(Data::Gauge(data)) => data.data_points.iter_mut().for_each(|point| change(&mut point.attributes)),
        Some(Data::Sum(data)) => data.data_points.iter_mut().for_each(|point| change(&mut point.attributes)),
        Some(Data::Histogram(data)) => data.data_points.iter_mut().for_each(|point| change(&mut point.attributes)),
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter_mut().for_each(|point| change(&mut point.attributes));
        }
        Some(Data::Summary(data)) => data.data_points.iter_mut().for_each(|point| change(&mut point.attributes)),
        None => {}
    }
}

/// A message on the way from the request to the attributes.
enum Way {
    /// The fields that lead on, with what is behind them.
    Through(&'static [(u32, Way)]),
    /// The field that is the list of attributes.
    Here(u32),
}

static SPANS: Way = Way::Through(&[(1, Way::Through(&[(2, Way::Through(&[(2, Way::Here(9))]))]))]);
static RECORDS: Way = Way::Through(&[(1, Way::Through(&[(2, Way::Through(&[(2, Way::Here(6))]))]))]);
static POINTS: Way = Way::Through(&[(1, Way::Through(&[(2, Way::Through(&[(2, METRIC)]))]))]);

/// Gauge, sum, histogram, exponential histogram, summary: each has its points in field 1.
const METRIC: Way = Way::Through(&[
    (5, Way::Through(&[(1, Way::Here(7))])),
    (7, Way::Through(&[(1, Way::Here(7))])),
    (9, Way::Through(&[(1, Way::Here(9))])),
    (10, Way::Through(&[(1, Way::Here(1))])),
    (11, Way::Through(&[(1, Way::Here(7))])),
]);

/// The request with changed attributes; all else is copied as bytes.
pub(super) fn rewrite(signal: Signal, request: &Bytes, change: &mut Change<'_>) -> Result<Bytes, Undecodable> {
    let way = match signal {
        Signal::Traces => &SPANS,
        Signal::Metrics => &POINTS,
        Signal::Logs => &RECORDS,
        Signal::Profiles => return Ok(request.clone()),
    };
    let mut out = Vec::with_capacity(request.len() + request.len() / 4);
    go(way, request, &mut Raw::default(), change, &mut out)?;
    Ok(out.into())
}

fn go<'a>(
    way: &Way,
    content: &'a [u8],
    raw: &mut Raw<'a>,
    change: &mut Change<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let ways = match way {
        Way::Here(number) => return here(*number, content, raw, change, out),
        Way::Through(ways) => ways,
    };
    let (mut at, mut copied) = (0, 0);
    while at < content.len() {
        let start = at;
        let (number, value) = wire::field(content, &mut at)?;
        let (Some((_, way)), Value::Bytes(inner)) = (ways.iter().find(|(on, _)| *on == number), value) else {
            continue;
        };
        out.extend_from_slice(&content[copied..start]);
        copied = at;
        wire::put_tag(out, number, 2);
        let length = Length::ahead(out, inner.len());
        go(way, inner, raw, change, out)?;
        length.set(out);
    }
    out.extend_from_slice(&content[copied..]);
    Ok(())
}

fn here<'a>(
    attributes: u32,
    item: &'a [u8],
    raw: &mut Raw<'a>,
    change: &mut Change<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    raw.begin(item);
    let (mut at, mut copied) = (0, 0);
    while at < item.len() {
        let start = at;
        if let (number, Value::Bytes(content)) = wire::field(item, &mut at)?
            && number == attributes
        {
            out.extend_from_slice(&item[copied..start]);
            copied = at;
            raw.push(content, start..at)?;
        }
    }
    out.extend_from_slice(&item[copied..]);
    change(raw);
    raw.write(attributes, out);
    Ok(())
}
