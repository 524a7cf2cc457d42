//! The table, and what kernel numbers become.

use crate::ebpf_metrics::points::Times;
use ebpf::{Histogram, bounds_ns};
use pipeline::component::Configured;
use pipeline::proto::metrics::v1::metric::Data;

#[test]
fn folders_and_table_agree_and_every_sample_is_taken_by_its_own_factory() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(here).unwrap().map(|e| e.unwrap().path()).filter(|p| p.join("mod.rs").exists());
    let mut folders: Vec<_> = folders.map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    folders.sort();
    assert_eq!(folders, super::ALL.iter().map(|f| f.name).collect::<Vec<_>>());
    for factory in super::ALL {
        let mut decoder = config::Decoder::default();
        let node = config::parse(factory.sample, &"sample".into()).unwrap();
        let config = (factory.decode)(&node, &mut decoder);
        Configured::validate(&*config, &mut decoder);
        assert!(decoder.finish().0.is_empty(), "{}", factory.name);
    }
}

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
