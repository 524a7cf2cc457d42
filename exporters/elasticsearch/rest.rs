//! What of a batch is still to be delivered.

use std::sync::Arc;

use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Undecodable};

use super::documents::{Bulk, Document};

/// The items that `left` was made of, as a batch; and `left` with the numbers that the items have there.
///
/// # Errors
/// Bytes that cannot be decoded.
pub fn of(batch: &Batch, left: &[Arc<Bulk>]) -> Result<(Batch, Vec<Arc<Bulk>>), Undecodable> {
    let documents = left.iter().flat_map(|bulk| &bulk.documents);
    let mut items: Vec<u32> = documents.flat_map(|document| document.items.iter().copied()).collect();
    items.sort_unstable();
    items.dedup();
    let renumbered = left.iter().map(|bulk| Arc::new(renumber(bulk, &items))).collect();
    let mut rest = batch.clone();
    retain(&mut rest, &items)?;
    Ok((rest, renumbered))
}

fn renumber(bulk: &Bulk, kept: &[u32]) -> Bulk {
    let new = |item: &u32| kept.partition_point(|kept| kept < item) as u32;
    let document =
        |document: &Document| Document { end: document.end, items: document.items.iter().map(new).collect() };
    Bulk {
        plain: bulk.plain.clone(),
        documents: bulk.documents.iter().map(document).collect(),
        packed: bulk.packed.clone(),
        was_tried: bulk.was_tried(),
    }
}

/// Leaves only the items with these numbers, and what is around them.
fn retain(batch: &mut Batch, kept: &[u32]) -> Result<(), Undecodable> {
    let mut number = 0;
    let mut keep = || {
        number += 1;
        kept.binary_search(&(number - 1)).is_ok()
    };
    batch.change::<LogsRequest>(|request| {
        for resource in &mut request.resource_logs {
            resource.scope_logs.iter_mut().for_each(|scope| scope.log_records.retain(|_| keep()));
            resource.scope_logs.retain(|scope| !scope.log_records.is_empty());
        }
        request.resource_logs.retain(|resource| !resource.scope_logs.is_empty());
    })?;
    batch.change::<TracesRequest>(|request| {
        for resource in &mut request.resource_spans {
            resource.scope_spans.iter_mut().for_each(|scope| scope.spans.retain(|_| keep()));
            resource.scope_spans.retain(|scope| !scope.spans.is_empty());
        }
        request.resource_spans.retain(|resource| !resource.scope_spans.is_empty());
    })?;
    batch.change::<MetricsRequest>(|request| {
        for resource in &mut request.resource_metrics {
            for scope in &mut resource.scope_metrics {
                scope.metrics.retain_mut(|metric| retain_points(metric, &mut keep));
            }
            resource.scope_metrics.retain(|scope| !scope.metrics.is_empty());
        }
        request.resource_metrics.retain(|resource| !resource.scope_metrics.is_empty());
    })?;
    batch.change::<ProfilesRequest>(|request| {
        for resource in &mut request.resource_profiles {
            for scope in &mut resource.scope_profiles {
                scope.profiles.iter_mut().for_each(|profile| profile.samples.retain(|_| keep()));
                scope.profiles.retain(|profile| !profile.samples.is_empty());
            }
            resource.scope_profiles.retain(|scope| !scope.profiles.is_empty());
        }
        request.resource_profiles.retain(|resource| !resource.scope_profiles.is_empty());
    })?;
    Ok(())
}

/// Whether a point of the metric is left.
fn retain_points(metric: &mut Metric, keep: &mut impl FnMut() -> bool) -> bool {
    fn retain<T>(points: &mut Vec<T>, keep: &mut impl FnMut() -> bool) -> bool {
        points.retain(|_| keep());
        !points.is_empty()
    }
    match &mut metric.data {
        None => false,
        Some(Data::Gauge(gauge)) => retain(&mut gauge.data_points, keep),
        Some(Data::Sum(sum)) => retain(&mut sum.data_points, keep),
        Some(Data::Histogram(histogram)) => retain(&mut histogram.data_points, keep),
        Some(Data::ExponentialHistogram(histogram)) => retain(&mut histogram.data_points, keep),
        Some(Data::Summary(summary)) => retain(&mut summary.data_points, keep),
    }
}
