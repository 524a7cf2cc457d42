//! One data point. What its kind has not is nil, and cannot be set.

use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, SummaryDataPoint,
};

use super::{Access, Field};
use crate::Failure;
use crate::target::{Item, Target};
use crate::value::Val;

enum Point<'a> {
    Number(&'a NumberDataPoint),
    Histogram(&'a HistogramDataPoint),
    Exponential(&'a ExponentialHistogramDataPoint),
    Summary(&'a SummaryDataPoint),
}

enum PointMut<'a> {
    Number(&'a mut NumberDataPoint),
    Histogram(&'a mut HistogramDataPoint),
    Exponential(&'a mut ExponentialHistogramDataPoint),
    Summary(&'a mut SummaryDataPoint),
}

fn point<'a>(target: &'a Target<'_>) -> Option<Point<'a>> {
    let Item::DataPoint(metric, index) = &target.item else { return None };
    match metric.data.as_ref()? {
        Data::Gauge(data) => data.data_points.get(*index).map(Point::Number),
        Data::Sum(data) => data.data_points.get(*index).map(Point::Number),
        Data::Histogram(data) => data.data_points.get(*index).map(Point::Histogram),
        Data::ExponentialHistogram(data) => data.data_points.get(*index).map(Point::Exponential),
        Data::Summary(data) => data.data_points.get(*index).map(Point::Summary),
    }
}

fn point_mut<'a>(target: &'a mut Target<'_>) -> Option<PointMut<'a>> {
    let Item::DataPoint(metric, index) = &mut target.item else { return None };
    match metric.data.as_mut()? {
        Data::Gauge(data) => data.data_points.get_mut(*index).map(PointMut::Number),
        Data::Sum(data) => data.data_points.get_mut(*index).map(PointMut::Number),
        Data::Histogram(data) => data.data_points.get_mut(*index).map(PointMut::Histogram),
        Data::ExponentialHistogram(data) => data.data_points.get_mut(*index).map(PointMut::Exponential),
        Data::Summary(data) => data.data_points.get_mut(*index).map(PointMut::Summary),
    }
}

/// The same expression for whichever of the kinds it is; `None` for the others.
macro_rules! on {
    ($kinds:ident: $point:expr, [$($kind:ident),+], |$p:ident| $value:expr) => {
        match $point {
            $(Some($kinds::$kind($p)) => Some($value),)+
            _ => None,
        }
    };
}

/// A field with one name in several kinds of points.
macro_rules! field {
    ($name:literal, [$($kind:ident),+], |$p:ident| $get:expr, |$q:ident, $value:ident| $new:expr, $set:expr) => {
        Field {
            name: $name,
            access: Access::Whole {
                get: |t| on!(Point: point(t), [$($kind),+], |$p| $get).unwrap_or(Val::Nil),
                set: |t, $value| {
                    let $value = $new;
                    #[allow(unreachable_patterns, reason = "some fields are in all kinds")]
                    on!(PointMut: point_mut(t), [$($kind),+], |$q| $set).ok_or_else(not_there)
                },
            },
        }
    };
}

fn not_there() -> Failure {
    Failure::from("this kind of data point has no such field")
}

fn counts(buckets: Option<&Buckets>) -> Val<'static> {
    Val::ints(buckets.map_or(&[][..], |buckets| &buckets.bucket_counts).iter().map(|count| *count as i64))
}

fn offset(buckets: Option<&Buckets>) -> Val<'static> {
    Val::Int(buckets.map_or(0, |buckets| buckets.offset.into()))
}

pub static FIELDS: &[Field] = &[
    Field {
        name: "attributes",
        access: Access::Map {
            get: |t| on!(Point: point(t), [Number, Histogram, Exponential, Summary], |p| &p.attributes),
            get_mut: |t| on!(PointMut: point_mut(t), [Number, Histogram, Exponential, Summary], |p| &mut p.attributes),
        },
    },
    field!(
        "start_time_unix_nano",
        [Number, Histogram, Exponential, Summary],
        |p| Val::Int(p.start_time_unix_nano as i64),
        |p, v| v.into_int()?,
        p.start_time_unix_nano = v as u64
    ),
    field!(
        "time_unix_nano",
        [Number, Histogram, Exponential, Summary],
        |p| Val::Int(p.time_unix_nano as i64),
        |p, v| v.into_int()?,
        p.time_unix_nano = v as u64
    ),
    field!(
        "start_time",
        [Number, Histogram, Exponential, Summary],
        |p| Val::moment(p.start_time_unix_nano),
        |p, v| v.into_unix_nanos()?,
        p.start_time_unix_nano = v
    ),
    field!(
        "time",
        [Number, Histogram, Exponential, Summary],
        |p| Val::moment(p.time_unix_nano),
        |p, v| v.into_unix_nanos()?,
        p.time_unix_nano = v
    ),
    field!(
        "flags",
        [Number, Histogram, Exponential, Summary],
        |p| Val::Int(p.flags.into()),
        |p, v| v.into_int()?,
        p.flags = v as u32
    ),
    field!(
        "value_double",
        [Number],
        |p| Val::Double(if let Some(Value::AsDouble(double)) = p.value { double } else { 0.0 }),
        |p, v| v.into_double()?,
        p.value = Some(Value::AsDouble(v))
    ),
    field!(
        "value_int",
        [Number],
        |p| Val::Int(if let Some(Value::AsInt(int)) = p.value { int } else { 0 }),
        |p, v| v.into_int()?,
        p.value = Some(Value::AsInt(v))
    ),
    field!(
        "count",
        [Histogram, Exponential, Summary],
        |p| Val::Int(p.count as i64),
        |p, v| v.into_int()?,
        p.count = v as u64
    ),
    Field {
        name: "sum",
        access: Access::Whole {
            get: |t| match point(t) {
                Some(Point::Histogram(p)) => Val::Double(p.sum.unwrap_or(0.0)),
                Some(Point::Exponential(p)) => Val::Double(p.sum.unwrap_or(0.0)),
                Some(Point::Summary(p)) => Val::Double(p.sum),
                _ => Val::Nil,
            },
            set: |t, value| {
                let sum = value.into_double()?;
                match point_mut(t) {
                    Some(PointMut::Histogram(p)) => p.sum = Some(sum),
                    Some(PointMut::Exponential(p)) => p.sum = Some(sum),
                    Some(PointMut::Summary(p)) => p.sum = sum,
                    _ => return Err(not_there()),
                }
                Ok(())
            },
        },
    },
    field!(
        "bucket_counts",
        [Histogram],
        |p| Val::ints(p.bucket_counts.iter().map(|count| *count as i64)),
        |p, v| v.into_ints()?,
        p.bucket_counts = v.iter().map(|count| *count as u64).collect()
    ),
    field!(
        "explicit_bounds",
        [Histogram],
        |p| Val::doubles(p.explicit_bounds.iter().copied()),
        |p, v| v.into_doubles()?,
        p.explicit_bounds = v
    ),
    field!("scale", [Exponential], |p| Val::Int(p.scale.into()), |p, v| v.into_int()?, p.scale = v as i32),
    field!(
        "zero_count",
        [Exponential],
        |p| Val::Int(p.zero_count as i64),
        |p, v| v.into_int()?,
        p.zero_count = v as u64
    ),
    field!(
        "positive.offset",
        [Exponential],
        |p| offset(p.positive.as_ref()),
        |p, v| v.into_int()?,
        p.positive.get_or_insert_default().offset = v as i32
    ),
    field!(
        "positive.bucket_counts",
        [Exponential],
        |p| counts(p.positive.as_ref()),
        |p, v| v.into_ints()?,
        p.positive.get_or_insert_default().bucket_counts = v.iter().map(|count| *count as u64).collect()
    ),
    field!(
        "negative.offset",
        [Exponential],
        |p| offset(p.negative.as_ref()),
        |p, v| v.into_int()?,
        p.negative.get_or_insert_default().offset = v as i32
    ),
    field!(
        "negative.bucket_counts",
        [Exponential],
        |p| counts(p.negative.as_ref()),
        |p, v| v.into_ints()?,
        p.negative.get_or_insert_default().bucket_counts = v.iter().map(|count| *count as u64).collect()
    ),
    field!("exemplars", [Number, Histogram, Exponential], |p| Val::Items(p.exemplars.len()), |p, v| no_items(v)?, {
        let _ = (p, v);
    }),
    field!("quantile_values", [Summary], |p| Val::Items(p.quantile_values.len()), |p, v| no_items(v)?, {
        let _ = (p, v);
    }),
];

fn no_items(_: Val<'static>) -> Result<(), Failure> {
    Err(Failure::from("such a list cannot be set"))
}
