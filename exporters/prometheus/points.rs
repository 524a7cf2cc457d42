//! Data points in the shape of a page.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint,
};

use super::exponential;
use super::series::{Shown, Type};

/// One point.
pub struct Point<'a> {
    pub attributes: &'a [KeyValue],
    pub start_unix_ns: u64,
    pub time_unix_ns: u64,
    pub flags: u32,
    /// Whether it is about the time since `start_unix_ns` only.
    pub delta: bool,
    pub exemplars: &'a [Exemplar],
    pub shown: Option<Shown>,
}

/// The points of a metric and its type, or how many cannot be shown for their temporality.
pub fn points(metric: &Metric) -> Result<(Type, Vec<Point<'_>>), usize> {
    let (cumulative, delta) = (AggregationTemporality::Cumulative as i32, AggregationTemporality::Delta as i32);
    Ok(match &metric.data {
        Some(Data::Gauge(gauge)) => (Type::Gauge, gauge.data_points.iter().map(number).collect()),
        Some(Data::Sum(sum)) => {
            let kind = if sum.is_monotonic { Type::Counter } else { Type::Gauge };
            let points = sum.data_points.iter().map(number);
            match sum.aggregation_temporality {
                known if known == cumulative => (kind, points.collect()),
                known if known == delta && sum.is_monotonic => (kind, points.map(Point::of_delta).collect()),
                _ => return Err(sum.data_points.len()),
            }
        }
        Some(Data::Histogram(histogram)) => {
            let points = histogram.data_points.iter().map(explicit);
            match histogram.aggregation_temporality {
                known if known == cumulative => (Type::Histogram, points.collect()),
                known if known == delta => (Type::Histogram, points.map(Point::of_delta).collect()),
                _ => return Err(histogram.data_points.len()),
            }
        }
        Some(Data::ExponentialHistogram(histogram)) if histogram.aggregation_temporality == cumulative => {
            (Type::Histogram, histogram.data_points.iter().map(exponential).collect())
        }
        Some(Data::ExponentialHistogram(histogram)) => return Err(histogram.data_points.len()),
        Some(Data::Summary(summary)) => (Type::Summary, summary.data_points.iter().map(self::summary).collect()),
        None => (Type::Gauge, Vec::new()),
    })
}

impl Point<'_> {
    fn of_delta(self) -> Self {
        Self { delta: true, ..self }
    }
}

macro_rules! point {
    ($point:expr, $exemplars:expr, $shown:expr) => {
        Point {
            attributes: &$point.attributes,
            start_unix_ns: $point.start_time_unix_nano,
            time_unix_ns: $point.time_unix_nano,
            flags: $point.flags,
            delta: false,
            exemplars: $exemplars,
            shown: $shown,
        }
    };
}

fn number(point: &NumberDataPoint) -> Point<'_> {
    let shown = point.value.map(|value| match value {
        Number::AsInt(value) => Shown::Integer(value),
        Number::AsDouble(value) => Shown::Double(value),
    });
    point!(point, &point.exemplars, shown)
}

fn explicit(point: &HistogramDataPoint) -> Point<'_> {
    point!(point, &point.exemplars, Some(Shown::Histogram(point.explicit_bounds.clone(), counts(point), point.sum)))
}

/// One count more than bounds. Where the sender has others, the bucket of everything has what is left of the count.
fn counts(point: &HistogramDataPoint) -> Vec<u64> {
    let (counts, bounds) = (&point.bucket_counts, point.explicit_bounds.len());
    if counts.len() == bounds + 1 {
        return counts.clone();
    }
    let mut fitting: Vec<u64> = counts.iter().copied().chain(std::iter::repeat(0)).take(bounds).collect();
    let below = fitting.iter().copied().fold(0, u64::saturating_add);
    fitting.push(point.count.saturating_sub(below));
    fitting
}

fn exponential(point: &ExponentialHistogramDataPoint) -> Point<'_> {
    let (bounds, counts) = exponential::classic(point);
    point!(point, &point.exemplars, Some(Shown::Histogram(bounds, counts, point.sum)))
}

fn summary(point: &SummaryDataPoint) -> Point<'_> {
    let quantiles = point.quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
    point!(point, &[], Some(Shown::Summary(quantiles, point.count, point.sum)))
}
