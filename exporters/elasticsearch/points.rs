//! Values of data points, as the fields of a metrics document hold them.

use std::borrow::Cow;

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{
    AggregationTemporality, DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint,
};

use super::deltas::Deltas;
use super::json::Json;
use super::{buckets, route};

const NO_VALUE: &str = "no recorded value";
const NOT_A_NUMBER: &str = "not a number";
const BUCKETS: &str = "buckets do not fit bounds";
const NO_DATA: &str = "no data";

/// One point.
#[derive(Debug)]
pub struct Point<'a> {
    pub attributes: &'a [KeyValue],
    pub unix_nano: u64,
    pub start_unix_nano: u64,
    pub value: Json,
    /// The template of Elasticsearch's that maps the field.
    pub template: &'static str,
    /// How many measurements the document stands for, where the sender asked for that.
    pub document_count: Option<u64>,
}

/// How the series of a point are told apart.
pub type Series<'a> = dyn Fn(&[KeyValue]) -> Vec<u8> + 'a;

/// Every point of a metric, or why it makes no document.
pub fn each<'a>(
    metric: &'a Metric,
    deltas: &mut Deltas,
    series: &Series<'_>,
    put: &mut dyn FnMut(Result<Point<'a>, &'static str>),
) {
    match &metric.data {
        None => {}
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|point| put(number(point, false))),
        Some(Data::Sum(sum)) => {
            let is_counter = sum.is_monotonic && is_cumulative(sum.aggregation_temporality);
            sum.data_points.iter().for_each(|point| put(number(point, is_counter)));
        }
        Some(Data::Summary(summary)) => summary.data_points.iter().for_each(|point| put(summed(point))),
        Some(Data::Histogram(histogram)) => {
            let is_cumulative = is_cumulative(histogram.aggregation_temporality);
            for point in &histogram.data_points {
                put(explicit(point, is_cumulative.then_some(&mut *deltas), series));
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let is_cumulative = is_cumulative(histogram.aggregation_temporality);
            for point in &histogram.data_points {
                put(exponential(point, is_cumulative.then_some(&mut *deltas), series));
            }
        }
    }
}

fn is_cumulative(temporality: i32) -> bool {
    temporality == AggregationTemporality::Cumulative as i32
}

fn has_no_value(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

fn number(point: &NumberDataPoint, is_counter: bool) -> Result<Point<'_>, &'static str> {
    let mut value = Json::default();
    let template = match point.value {
        _ if has_no_value(point.flags) => return Err(NO_VALUE),
        None => return Err(NO_DATA),
        Some(Number::AsInt(number)) => {
            value.plain(number);
            if is_counter { "counter_long" } else { "gauge_long" }
        }
        Some(Number::AsDouble(number)) if !number.is_finite() => return Err(NOT_A_NUMBER),
        Some(Number::AsDouble(number)) => {
            value.double(number);
            if is_counter { "counter_double" } else { "gauge_double" }
        }
    };
    Ok(Point {
        attributes: &point.attributes,
        unix_nano: point.time_unix_nano,
        start_unix_nano: point.start_time_unix_nano,
        value,
        template,
        document_count: has_hint(&point.attributes, "_doc_count").then_some(1),
    })
}

fn summed(point: &SummaryDataPoint) -> Result<Point<'_>, &'static str> {
    if has_no_value(point.flags) {
        return Err(NO_VALUE);
    }
    Ok(Point {
        attributes: &point.attributes,
        unix_nano: point.time_unix_nano,
        start_unix_nano: point.start_time_unix_nano,
        value: sum_and_count(point.sum, point.count),
        template: "summary",
        document_count: has_hint(&point.attributes, "_doc_count").then_some(point.count),
    })
}

fn explicit<'a>(
    point: &'a HistogramDataPoint,
    deltas: Option<&mut Deltas>,
    series: &Series<'_>,
) -> Result<Point<'a>, &'static str> {
    let about = About { flags: point.flags, attributes: &point.attributes, unix_nano: point.time_unix_nano };
    let gained = about.gained(point, deltas, series, Deltas::explicit)?;
    let buckets = buckets::explicit(&gained).ok_or(BUCKETS)?;
    about.distribution(gained.start_time_unix_nano, gained.sum, gained.count, &buckets)
}

fn exponential<'a>(
    point: &'a ExponentialHistogramDataPoint,
    deltas: Option<&mut Deltas>,
    series: &Series<'_>,
) -> Result<Point<'a>, &'static str> {
    let about = About { flags: point.flags, attributes: &point.attributes, unix_nano: point.time_unix_nano };
    let gained = about.gained(point, deltas, series, Deltas::exponential)?;
    about.distribution(gained.start_time_unix_nano, gained.sum, gained.count, &buckets::exponential(&gained))
}

/// What both kinds of histograms have.
struct About<'a> {
    flags: u32,
    attributes: &'a [KeyValue],
    unix_nano: u64,
}

impl<'a> About<'a> {
    /// The point as it is, or what it gained on the one before.
    fn gained<'p, P: Clone>(
        &self,
        point: &'p P,
        deltas: Option<&mut Deltas>,
        series: &Series<'_>,
        gain: fn(&mut Deltas, Vec<u8>, &mut P) -> Result<(), &'static str>,
    ) -> Result<Cow<'p, P>, &'static str> {
        let mut gained = Cow::Borrowed(point);
        let Some(deltas) = deltas else { return Ok(gained) };
        let series = series(self.attributes);
        if has_no_value(self.flags) {
            deltas.end(&series);
        } else {
            gain(deltas, series, gained.to_mut())?;
        }
        Ok(gained)
    }

    fn distribution(
        self,
        start_unix_nano: u64,
        sum: Option<f64>,
        count: u64,
        buckets: &[(f64, u64)],
    ) -> Result<Point<'a>, &'static str> {
        let Self { flags, attributes, unix_nano } = self;
        if has_no_value(flags) {
            return Err(NO_VALUE);
        }
        let as_sum = has_hint(attributes, "aggregate_metric_double");
        Ok(Point {
            attributes,
            unix_nano,
            start_unix_nano,
            value: if as_sum { sum_and_count(sum.unwrap_or(0.0), count) } else { distribution(buckets) },
            template: if as_sum { "summary" } else { "histogram" },
            document_count: has_hint(attributes, "_doc_count").then_some(count),
        })
    }
}

/// As Elasticsearch's `aggregate_metric_double` holds it.
fn sum_and_count(sum: f64, count: u64) -> Json {
    let mut json = Json::default();
    json.object(|json| {
        json.key("sum");
        json.double(sum);
        json.key("value_count");
        json.plain(count);
    });
    json
}

/// As Elasticsearch's `histogram` holds it: a value that stands for each bucket, and how often it was seen.
fn distribution(buckets: &[(f64, u64)]) -> Json {
    let mut json = Json::default();
    json.object(|json| {
        json.key("counts");
        json.array(|json| buckets.iter().for_each(|(_, count)| json.plain(count)));
        json.key("values");
        json.array(|json| buckets.iter().for_each(|(value, _)| json.double(*value)));
    });
    json
}

fn has_hint(attributes: &[KeyValue], hint: &str) -> bool {
    let hints = attributes.iter().find(|attribute| attribute.key == route::HINTS);
    match hints.and_then(|hints| hints.value.as_ref()?.value.as_ref()) {
        Some(Value::ArrayValue(list)) => {
            list.values.iter().any(|any| matches!(&any.value, Some(Value::StringValue(text)) if text == hint))
        }
        _ => false,
    }
}
