//! Editors of metrics as a whole, and those that make new metrics.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{AggregationTemporality, Gauge, Metric, NumberDataPoint, Sum, exemplar};

use super::Kind::{Any, Flag, Float, OneOf, Text, Texts, Values, Word};
use super::{Failure, Function, Param, Run, may, need};
use crate::call::Call;
use crate::target::{Context, Item, Target};

mod aggregate;
mod buckets;
mod exponential;
mod percentile;

const HOW: super::Kind = OneOf(&["sum", "max", "min", "mean", "median", "count"]);
const TEMPORALITY: super::Kind = OneOf(&["delta", "cumulative"]);

/// A row of an editor of metrics.
const fn metric(
    name: &'static str,
    params: &'static [Param],
    about: &'static str,
    run: fn(&Call, &mut Target<'_>) -> Result<(), Failure>,
) -> Function {
    Function {
        name,
        params,
        about,
        contexts: &[Context::Metric],
        run: Run::Editor(run),
        check: super::unchecked,
        prepare: super::nothing,
    }
}

/// A row of an editor that is about the metric of a data point.
const fn of_point(
    name: &'static str,
    params: &'static [Param],
    about: &'static str,
    run: fn(&Call, &mut Target<'_>) -> Result<(), Failure>,
) -> Function {
    Function {
        name,
        params,
        about,
        contexts: &[Context::DataPoint],
        run: Run::Editor(run),
        check: super::unchecked,
        prepare: super::nothing,
    }
}

pub static FUNCTIONS: &[Function] = &[
    metric(
        "convert_gauge_to_sum",
        &[need("string_agg_temp", TEMPORALITY), need("monotonic", Flag)],
        "Makes a gauge a sum.",
        gauge_to_sum,
    ),
    metric("convert_sum_to_gauge", &[], "Makes a sum a gauge.", sum_to_gauge),
    metric(
        "copy_metric",
        &[may("name", Text), may("description", Text), may("unit", Text)],
        "Adds a copy of the metric; the statements are looked at for it too.",
        copy_metric,
    ),
    metric(
        "scale_metric",
        &[need("multiplier", Float), may("unit", Text)],
        "Multiplies every value, and sets the unit.",
        scale_metric,
    ),
    metric(
        "extract_count_metric",
        &[need("monotonic", Flag), may("suffix", Word)],
        "Adds a sum of the counts of a histogram or summary.",
        |call, target| extract(call, target, 0, "_count", Part::Count),
    ),
    metric(
        "extract_sum_metric",
        &[need("monotonic", Flag), may("suffix", Word)],
        "Adds a sum of the sums of a histogram or summary.",
        |call, target| extract(call, target, 0, "_sum", Part::Sum),
    ),
    metric(
        "extract_percentile_metric",
        &[need("percentile", Float), may("suffix", Word)],
        "Adds a gauge of a percentile of a histogram, reckoned within its bucket.",
        percentile::extract,
    )
    .checked(percentile::check),
    metric(
        "aggregate_on_attributes",
        &[need("aggregation_function", HOW), may("attributes", Texts)],
        "Puts data points together that have the same attributes among these.",
        aggregate::on_attributes,
    ),
    metric(
        "aggregate_on_attribute_value",
        &[need("aggregation_function", HOW), need("attribute", Word), need("values", Texts), need("new_value", Word)],
        "Gives an attribute another value where it is one of these, and puts data points together that are the same then.",
        aggregate::on_attribute_value,
    ),
    metric(
        "convert_exponential_histogram_to_histogram",
        &[
            need("distribution_fn", OneOf(&["upper", "midpoint", "uniform", "random", ""])),
            need("explicit_bounds", Values),
        ],
        "Makes an exponential histogram one with these bounds.",
        exponential::convert,
    )
    .checked(exponential::check),
    metric(
        "convert_summary_quantile_val_to_gauge",
        &[may("attribute_key", Word), may("suffix", Word)],
        "Adds a gauge of the quantiles of a summary.",
        buckets::quantiles,
    ),
    of_point(
        "merge_histogram_buckets",
        &[need("target_value", Any), may("method", OneOf(&["remove_explicit_bound", "limit_buckets"]))],
        "Takes a bound out of a histogram, or joins buckets until there are so many at most.",
        buckets::merge,
    )
    .checked(buckets::check),
    of_point(
        "convert_summary_count_val_to_sum",
        &[need("string_agg_temp", TEMPORALITY), need("monotonic", Flag), may("suffix", Word)],
        "Adds a sum of the counts of a summary.",
        |call, target| extract(call, target, 1, "_count", Part::Count),
    ),
    of_point(
        "convert_summary_sum_val_to_sum",
        &[need("string_agg_temp", TEMPORALITY), need("monotonic", Flag), may("suffix", Word)],
        "Adds a sum of the sums of a summary.",
        |call, target| extract(call, target, 1, "_sum", Part::Sum),
    ),
];

fn item<'a>(target: &'a mut Target<'_>) -> Result<&'a mut Metric, Failure> {
    match &mut target.item {
        Item::Metric(metric) | Item::DataPoint(metric, _) => Ok(metric),
        _ => Err(Failure::from("not a metric")),
    }
}

fn temporality(word: Option<&str>) -> i32 {
    match word {
        Some("delta") => AggregationTemporality::Delta as i32,
        _ => AggregationTemporality::Cumulative as i32,
    }
}

fn gauge_to_sum(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let metric = item(target)?;
    if let Some(Data::Gauge(gauge)) = &mut metric.data {
        metric.data = Some(Data::Sum(Sum {
            data_points: std::mem::take(&mut gauge.data_points),
            aggregation_temporality: temporality(call.word(0)),
            is_monotonic: call.flag(1),
        }));
    }
    Ok(())
}

fn sum_to_gauge(_: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let metric = item(target)?;
    if let Some(Data::Sum(sum)) = &mut metric.data {
        metric.data = Some(Data::Gauge(Gauge { data_points: std::mem::take(&mut sum.data_points) }));
    }
    Ok(())
}

fn copy_metric(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let text = |index| args.has(index).then(|| args.text(index).map(String::from)).transpose();
    let (name, description, unit) = (text(0)?, text(1)?, text(2)?);
    let mut copy = item(target)?.clone();
    for (place, new) in [(&mut copy.name, name), (&mut copy.description, description), (&mut copy.unit, unit)] {
        if let Some(new) = new {
            *place = new;
        }
    }
    target.made.push(copy);
    Ok(())
}

fn scale_metric(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let factor = call.double(0).unwrap_or(1.0);
    let unit = call.on(target).has(1).then(|| call.on(target).text(1).map(String::from)).transpose()?;
    let metric = item(target)?;
    match &mut metric.data {
        Some(Data::Gauge(data)) => data.data_points.iter_mut().for_each(|point| scale_number(point, factor)),
        Some(Data::Sum(data)) => data.data_points.iter_mut().for_each(|point| scale_number(point, factor)),
        Some(Data::Histogram(data)) => {
            for point in &mut data.data_points {
                let numbers = [&mut point.sum, &mut point.min, &mut point.max];
                numbers.into_iter().flatten().chain(&mut point.explicit_bounds).for_each(|number| *number *= factor);
                point.exemplars.iter_mut().for_each(|exemplar| scale_exemplar(exemplar, factor));
            }
        }
        Some(Data::Summary(data)) => {
            for point in &mut data.data_points {
                point.sum *= factor;
                point.quantile_values.iter_mut().for_each(|quantile| quantile.value *= factor);
            }
        }
        Some(Data::ExponentialHistogram(_)) => {
            return Err(Failure::from("exponential histograms cannot be scaled"));
        }
        None => return Err(Failure::from("a metric without a type")),
    }
    if let Some(unit) = unit {
        metric.unit = unit;
    }
    Ok(())
}

fn scale_number(point: &mut NumberDataPoint, factor: f64) {
    match &mut point.value {
        Some(Value::AsInt(int)) => *int = (*int as f64 * factor) as i64,
        Some(Value::AsDouble(double)) => *double *= factor,
        None => {}
    }
}

fn scale_exemplar(exemplar: &mut pipeline::proto::metrics::v1::Exemplar, factor: f64) {
    match &mut exemplar.value {
        Some(exemplar::Value::AsInt(int)) => *int = (*int as f64 * factor) as i64,
        Some(exemplar::Value::AsDouble(double)) => *double *= factor,
        None => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Count,
    Sum,
}

/// A point with one value; `None` for a histogram without a sum.
fn part(
    part: Part,
    count: u64,
    sum: Option<f64>,
    times: (u64, u64),
    attributes: &[KeyValue],
) -> Option<NumberDataPoint> {
    let value = match part {
        Part::Count => Value::AsInt(count as i64),
        Part::Sum => Value::AsDouble(sum?),
    };
    Some(NumberDataPoint {
        attributes: attributes.to_vec(),
        start_time_unix_nano: times.0,
        time_unix_nano: times.1,
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn parts(data: &Data, which: Part) -> Option<(i32, Vec<NumberDataPoint>)> {
    macro_rules! of {
        ($data:expr, |$p:ident| $sum:expr) => {
            $data
                .data_points
                .iter()
                .filter_map(|$p| {
                    part(which, $p.count, $sum, ($p.start_time_unix_nano, $p.time_unix_nano), &$p.attributes)
                })
                .collect()
        };
    }
    Some(match data {
        Data::Histogram(data) => (data.aggregation_temporality, of!(data, |p| p.sum)),
        Data::ExponentialHistogram(data) => (data.aggregation_temporality, of!(data, |p| p.sum)),
        Data::Summary(data) => (AggregationTemporality::Cumulative as i32, of!(data, |p| Some(p.sum))),
        _ => return None,
    })
}

/// Adds the counts or sums as a metric. `flag` is the argument that tells whether it is monotonic; one behind the first
/// belongs to the functions that are about summaries only and name the temporality.
fn extract(call: &Call, target: &mut Target<'_>, flag: usize, suffix: &str, which: Part) -> Result<(), Failure> {
    let metric = item(target)?;
    let summaries_only = flag > 0;
    let parts = metric.data.as_ref().and_then(|data| parts(data, which));
    let (mut kind, data_points) = match parts {
        Some((_, points)) if summaries_only && matches!(metric.data, Some(Data::Summary(_))) => (0, points),
        _ if summaries_only => return Ok(()),
        Some((kind, points)) if kind != 0 => (kind, points),
        _ => return Err(Failure::from("only histograms and summaries have counts and sums")),
    };
    if summaries_only {
        kind = temporality(call.word(0));
    }
    if data_points.is_empty() {
        return Ok(());
    }
    let made = Metric {
        name: format!("{}{}", metric.name, call.word(flag + 1).unwrap_or(suffix)),
        description: metric.description.clone(),
        unit: if which == Part::Count && !summaries_only { "1".to_owned() } else { metric.unit.clone() },
        data: Some(Data::Sum(Sum { data_points, aggregation_temporality: kind, is_monotonic: call.flag(flag) })),
        ..Metric::default()
    };
    target.made.push(made);
    Ok(())
}
