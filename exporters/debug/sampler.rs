//! How often the same line is shown.

use std::time::{Duration, Instant};

/// Lines that look alike are counted together, in so many classes.
const CLASSES: usize = 4096;
const TICK: Duration = Duration::from_secs(1);

/// In every second, shows the first lines of a kind and then one of several, as the Collector's logger does.
#[derive(Debug)]
pub struct Sampler {
    initial: u64,
    thereafter: u64,
    seen: Vec<Option<Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    until: Instant,
    lines: u64,
}

impl Sampler {
    /// Shows `initial` lines, then every `thereafter`th; 0 shows no more.
    pub fn new(initial: u64, thereafter: u64) -> Self {
        Self { initial, thereafter, seen: vec![None; CLASSES] }
    }

    /// Whether this line is shown.
    pub fn shows(&mut self, line: &str, now: Instant) -> bool {
        let seen = &mut self.seen[class(line)];
        let lines = match seen {
            Some(seen) if seen.until > now => {
                seen.lines += 1;
                seen.lines
            }
            _ => {
                *seen = Some(Seen { until: now + TICK, lines: 1 });
                1
            }
        };
        lines <= self.initial || (self.thereafter > 0 && (lines - self.initial).is_multiple_of(self.thereafter))
    }
}

/// FNV-1a.
fn class(line: &str) -> usize {
    let hash = line.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % CLASSES
}
