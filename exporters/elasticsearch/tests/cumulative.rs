use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

use crate::elasticsearch::deltas::Deltas;

const BEGUN: u64 = 100;

/// A point of a count that began at `start`, with these counts at `time`.
fn point(start: u64, time: u64, counts: [u64; 2]) -> HistogramDataPoint {
    HistogramDataPoint {
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: counts.iter().sum(),
        sum: Some(counts[1] as f64),
        bucket_counts: counts.into(),
        explicit_bounds: vec![1.0],
        ..HistogramDataPoint::default()
    }
}

/// Start, sum and counts of what was gained.
fn gain(deltas: &mut Deltas, mut point: HistogramDataPoint) -> Result<(u64, f64, Vec<u64>), &'static str> {
    deltas.explicit(b"series".to_vec(), &mut point)?;
    assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
    Ok((point.start_time_unix_nano, point.sum.unwrap(), point.bucket_counts))
}

#[test]
fn each_point_becomes_what_was_added_since_the_one_before() {
    let mut deltas = Deltas::new(BEGUN);
    assert_eq!(gain(&mut deltas, point(100, 200, [1, 2])), Ok((100, 2.0, vec![1, 2])));
    assert_eq!(gain(&mut deltas, point(100, 300, [1, 5])), Ok((200, 3.0, vec![0, 3])));
    assert_eq!(gain(&mut deltas, point(100, 400, [1, 5])), Ok((300, 0.0, vec![0, 0])));
}

#[test]
fn the_first_point_of_an_older_series_tells_nothing() {
    let mut deltas = Deltas::new(BEGUN);
    assert!(gain(&mut deltas, point(99, 200, [100, 200])).is_err());
    assert_eq!(gain(&mut deltas, point(99, 300, [101, 200])), Ok((200, 0.0, vec![1, 0])));
}

#[test]
fn a_count_that_began_anew_is_whole() {
    let mut deltas = Deltas::new(BEGUN);
    gain(&mut deltas, point(100, 200, [9, 9])).unwrap();
    assert_eq!(gain(&mut deltas, point(250, 300, [9, 10])), Ok((250, 10.0, vec![9, 10])));
    assert_eq!(gain(&mut deltas, point(250, 400, [1, 0])), Ok((250, 0.0, vec![1, 0])));
    deltas.end(b"series");
    assert_eq!(gain(&mut deltas, point(450, 500, [2, 0])), Ok((450, 0.0, vec![2, 0])));
}

#[test]
fn late_points_and_other_bounds_are_refused() {
    let mut deltas = Deltas::new(BEGUN);
    gain(&mut deltas, point(100, 200, [1, 1])).unwrap();
    assert!(gain(&mut deltas, point(100, 200, [1, 1])).is_err());
    assert!(gain(&mut deltas, point(100, 150, [1, 0])).is_err());
    let other = HistogramDataPoint { explicit_bounds: vec![2.0], ..point(100, 300, [2, 2]) };
    assert!(gain(&mut deltas, other.clone()).is_err());
    let next = HistogramDataPoint { time_unix_nano: 400, bucket_counts: vec![3, 2], count: 5, ..other };
    assert_eq!(gain(&mut deltas, next).unwrap().2, [1, 0]);
}

#[test]
fn exponential_points_are_compared_in_the_coarser_scale() {
    let point = |time, scale, offset, counts: &[u64]| ExponentialHistogramDataPoint {
        start_time_unix_nano: 100,
        time_unix_nano: time,
        scale,
        count: 1 + counts.iter().sum::<u64>(),
        zero_count: 1,
        positive: Some(Buckets { offset, bucket_counts: counts.into() }),
        ..ExponentialHistogramDataPoint::default()
    };
    let mut deltas = Deltas::new(BEGUN);
    deltas.exponential(b"e".to_vec(), &mut point(200, 1, -2, &[1, 1, 1, 1])).unwrap();
    let mut next = point(300, 0, -1, &[2, 3, 4]);
    deltas.exponential(b"e".to_vec(), &mut next).unwrap();
    assert_eq!(next.positive, Some(Buckets { offset: 0, bucket_counts: vec![1, 4] }));
    assert_eq!((next.scale, next.count, next.zero_count, next.start_time_unix_nano), (0, 5, 0, 200));
}
