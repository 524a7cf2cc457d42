//! Numbers of 56 bits: what is random about an item, and how much randomness it takes to stay.

use super::Malformed;

/// One more than the largest randomness.
const ALL: u64 = 1 << 56;
/// Hexadecimal digits of 56 bits.
const DIGITS: u32 = 14;

/// What is random about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randomness(u64);

impl Randomness {
    /// Passes every threshold but [`Threshold::NEVER`].
    pub const MOST: Self = Self(ALL - 1);

    /// The low 56 bits.
    pub fn of_bits(bits: u64) -> Self {
        Self(bits & (ALL - 1))
    }

    /// That of a trace: the last seven bytes of its id.
    pub fn of_trace(id: &[u8]) -> Self {
        let last = id.iter().rev().take(7).rev();
        Self(last.fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// Reads exactly 14 hexadecimal digits.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() != DIGITS as usize {
            return Err(if text.len() > DIGITS as usize { Malformed::TooLong } else { Malformed::Syntax });
        }
        hexadecimal(text).map(Self)
    }

    /// All 14 digits.
    pub fn text(self) -> String {
        format!("{:014x}", self.0)
    }
}

/// How much randomness it takes to stay: from 0 (all stay) to 2^56 (none does).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// All stay.
    pub const ALWAYS: Self = Self(0);
    /// None stays.
    pub const NEVER: Self = Self(ALL);
    /// The smallest probability that is more than none.
    pub const LEAST_PROBABILITY: f64 = 1.0 / ALL as f64;

    /// The threshold that this part of all items pass, of so many digits that count; more where the digits before are all
    /// `0` or `f`. `None` for a probability out of range.
    pub fn of_probability(probability: f64, precision: u32) -> Option<Self> {
        if !(Self::LEAST_PROBABILITY..=1.0).contains(&probability) {
            return None;
        }
        if probability == 1.0 {
            return Some(Self::ALWAYS);
        }
        let precision = precision + (leading(probability)).max(leading(1.0 - probability));
        let exact = ALL - (probability * ALL as f64).round() as u64;
        let shift = 4 * DIGITS.saturating_sub(precision);
        if shift == 0 {
            return Some(Self(exact));
        }
        Some(Self((exact + (1 << (shift - 1))) >> shift << shift))
    }

    /// The threshold that `14 bits` of a hash below `accepted` pass, counted from the top.
    pub fn of_14_bits(accepted: u32) -> Self {
        Self(u64::from(0x4000_u32.saturating_sub(accepted)) << 42)
    }

    /// Reads up to 14 hexadecimal digits; those that are missing at the end are 0.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let missing = (DIGITS as usize).checked_sub(text.len()).ok_or(Malformed::TooLong)?;
        hexadecimal(text).map(|digits| Self(digits << (4 * missing)))
    }

    /// The digits without the zeros at the end; nothing for [`Threshold::NEVER`].
    pub fn text(self) -> String {
        match self {
            Self::ALWAYS => "0".to_owned(),
            Self::NEVER => String::new(),
            Self(digits) => format!("{digits:014x}").trim_end_matches('0').to_owned(),
        }
    }

    /// Which part of all items pass.
    pub fn probability(self) -> f64 {
        (ALL - self.0) as f64 / ALL as f64
    }

    /// Of so many items so many pass; none for [`Threshold::NEVER`].
    pub fn ratio(self) -> Option<(u64, u64)> {
        Some((ALL, ALL - self.0)).filter(|(_, passing)| *passing > 0)
    }

    /// Whether an item of this randomness passes.
    pub fn lets_pass(self, randomness: Randomness) -> bool {
        self.0 <= randomness.0
    }
}

/// How many hexadecimal digits behind the point of a number below 1 are 0.
fn leading(fraction: f64) -> u32 {
    // The exponent e of fraction = m * 2^e with m in [1/2, 1).
    let exponent = if fraction == 0.0 { 0 } else { ((fraction.to_bits() >> 52) & 0x7ff) as i64 - 1022 };
    u32::try_from(-exponent / 4).unwrap_or(0)
}

fn hexadecimal(text: &str) -> Result<u64, Malformed> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Malformed::Syntax);
    }
    u64::from_str_radix(text, 16).map_err(|_| Malformed::Syntax)
}
