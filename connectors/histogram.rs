//! Histograms of lengths of time, with buckets that are given or that fit.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram as OtlpHistogram, HistogramDataPoint,
};

use crate::exponential::Exponential;

/// Which buckets there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Buckets {
    /// With these upper bounds.
    Explicit(Vec<f64>),
    /// At most so many, as they fit.
    Exponential(u32),
}

/// A histogram that grows.
#[derive(Clone, Debug)]
pub enum Histogram {
    /// With buckets that are given.
    Explicit {
        /// By bucket, the last for what is above all bounds.
        counts: Vec<u64>,
        /// Of all values.
        sum: f64,
    },
    /// With buckets that fit.
    Exponential(Exponential),
}

/// What a point has beside its values.
pub struct Point {
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
    /// When its series began, in Unix nanoseconds.
    pub start: u64,
    /// The time, in Unix nanoseconds.
    pub time: u64,
    /// Spans that stand for others.
    pub exemplars: Vec<Exemplar>,
}

impl Buckets {
    /// A histogram without values.
    pub fn empty(&self) -> Histogram {
        match self {
            Self::Explicit(bounds) => Histogram::Explicit { counts: vec![0; bounds.len() + 1], sum: 0.0 },
            Self::Exponential(size) => Histogram::Exponential(Exponential::new(*size)),
        }
    }

    /// Histograms with these buckets as what a metric holds.
    pub fn data<'h>(&self, histograms: impl Iterator<Item = (Point, &'h Histogram)>, temporality: i32) -> Data {
        match self {
            Self::Explicit(bounds) => Data::Histogram(OtlpHistogram {
                data_points: histograms.map(|(point, histogram)| explicit(point, histogram, bounds)).collect(),
                aggregation_temporality: temporality,
            }),
            Self::Exponential(_) => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: histograms.map(|(point, histogram)| exponential(point, histogram)).collect(),
                aggregation_temporality: temporality,
            }),
        }
    }
}

impl Histogram {
    /// Takes a value in, so many times.
    pub fn add(&mut self, value: f64, times: u64, buckets: &Buckets) {
        match (self, buckets) {
            (Self::Explicit { counts, sum }, Buckets::Explicit(bounds)) => {
                *sum += value * times as f64;
                let bucket = bounds.partition_point(|bound| *bound < value);
                counts.get_mut(bucket).into_iter().for_each(|count| *count += times);
            }
            (Self::Exponential(histogram), _) => histogram.add(value, times),
            (Self::Explicit { .. }, Buckets::Exponential(_)) => {}
        }
    }
}

fn explicit(point: Point, histogram: &Histogram, bounds: &[f64]) -> HistogramDataPoint {
    let (counts, sum) = match histogram {
        Histogram::Explicit { counts, sum } => (counts.clone(), *sum),
        Histogram::Exponential(_) => (Vec::new(), 0.0),
    };
    HistogramDataPoint {
        attributes: point.attributes,
        start_time_unix_nano: point.start,
        time_unix_nano: point.time,
        count: counts.iter().sum(),
        sum: Some(sum),
        bucket_counts: counts,
        explicit_bounds: bounds.to_vec(),
        exemplars: point.exemplars,
        ..HistogramDataPoint::default()
    }
}

fn exponential(point: Point, histogram: &Histogram) -> ExponentialHistogramDataPoint {
    let values = match histogram {
        Histogram::Exponential(histogram) => histogram.point(),
        Histogram::Explicit { .. } => ExponentialHistogramDataPoint::default(),
    };
    ExponentialHistogramDataPoint {
        attributes: point.attributes,
        start_time_unix_nano: point.start,
        time_unix_nano: point.time,
        exemplars: point.exemplars,
        ..values
    }
}
