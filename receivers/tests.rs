//! What kernel numbers become.

use crate::ebpf_metrics::points::Times;
use ebpf::{Histogram, bounds_ns};
use pipeline::proto::metrics::v1::metric::Data;

#[test]
fn a_kernel_histogram_becomes_an_explicit_one_with_every_count_in_its_place() {
    let mut kernel = Histogram { sum_ns: 5_000_000_000, ..Histogram::default() };
    kernel.counts[0] = 3;
    kernel.counts[7] = 4;
    *kernel.counts.last_mut().unwrap() = 1;
    let metric = crate::ebpf_metrics::runqlat::metric(kernel, Times { start_unix_ns: 10, now_unix_ns: 20 });
    let Some(Data::Histogram(histogram)) = metric.data else { panic!("{metric:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum, point.start_time_unix_nano), (8, Some(5.0), 10));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    assert_eq!(point.explicit_bounds[0], 1.024e-6);
    assert_eq!(point.explicit_bounds.len(), bounds_ns().len());
}
