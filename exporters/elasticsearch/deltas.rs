//! What cumulative histograms gained since the point before.

use std::collections::HashMap;
use std::time::Duration;

use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

use super::cumulative::{Counts, Difference};

const FIRST: &str = "first of a cumulative histogram";
const OUT_OF_ORDER: &str = "out of order in a cumulative histogram";
const TOO_MANY: &str = "too many cumulative histograms";

/// So many series are followed.
const SERIES_AT_MOST: usize = 20_000;
/// A series without points for so long is forgotten when others need its place.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// The last points of all series.
#[derive(Debug)]
pub struct Deltas {
    /// Series that began later are whole: nobody measured before their first point.
    since_unix_nano: u64,
    by_series: HashMap<Vec<u8>, Last>,
}

#[derive(Debug)]
struct Last {
    start_unix_nano: u64,
    unix_nano: u64,
    counts: Counts,
}

impl Deltas {
    pub fn new(since_unix_nano: u64) -> Self {
        Self { since_unix_nano, by_series: HashMap::new() }
    }

    /// Makes of a cumulative point one with what was added to its series.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn explicit(&mut self, series: Vec<u8>, point: &mut HistogramDataPoint) -> Result<(), &'static str> {
        let last = Last::new(point.start_time_unix_nano, point.time_unix_nano, Counts::of_explicit(point));
        if let Some((start, gained)) = self.gained(series, last)? {
            point.start_time_unix_nano = start;
            gained.put_explicit(point);
        }
        Ok(())
    }

    /// The same for a point whose buckets grow with their values.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn exponential(
        &mut self,
        series: Vec<u8>,
        point: &mut ExponentialHistogramDataPoint,
    ) -> Result<(), &'static str> {
        let last = Last::new(point.start_time_unix_nano, point.time_unix_nano, Counts::of_exponential(point));
        if let Some((start, gained)) = self.gained(series, last)? {
            point.start_time_unix_nano = start;
            gained.put_exponential(point);
        }
        Ok(())
    }

    /// A series ended; another one may begin in its place.
    pub fn end(&mut self, series: &[u8]) {
        self.by_series.remove(series);
    }

    /// When the gain began and what it is; nothing where the point itself is the gain.
    fn gained(&mut self, series: Vec<u8>, now: Last) -> Result<Option<(u64, Counts)>, &'static str> {
        let Some(last) = self.by_series.get_mut(&series) else {
            return self.first(series, now).map(|()| None);
        };
        if now.unix_nano <= last.unix_nano {
            return Err(OUT_OF_ORDER);
        }
        let is_new_count = now.start_unix_nano != last.start_unix_nano;
        let counts = now.counts.clone();
        let before = std::mem::replace(last, now);
        match counts.minus(before.counts) {
            _ if is_new_count => Ok(None),
            Difference::Gained(gained) => Ok(Some((before.unix_nano, gained))),
            // Something fell: the count began anew, without saying so.
            Difference::Fell => Ok(None),
            Difference::OtherBuckets => Err(FIRST),
        }
    }

    fn first(&mut self, series: Vec<u8>, now: Last) -> Result<(), &'static str> {
        if self.by_series.len() >= SERIES_AT_MOST {
            let forgotten = now.unix_nano.saturating_sub(FORGOTTEN_AFTER.as_nanos() as u64);
            self.by_series.retain(|_, last| last.unix_nano > forgotten);
        }
        if self.by_series.len() >= SERIES_AT_MOST {
            return Err(TOO_MANY);
        }
        let is_whole = now.start_unix_nano >= self.since_unix_nano;
        self.by_series.insert(series, now);
        if is_whole { Ok(()) } else { Err(FIRST) }
    }
}

impl Last {
    fn new(start_unix_nano: u64, unix_nano: u64, counts: Counts) -> Self {
        Self { start_unix_nano, unix_nano, counts }
    }
}
