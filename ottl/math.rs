//! Arithmetic: ints stay ints, a double makes a double, times and durations can be added and subtracted.

use super::Failure;
use super::value::Val;

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Operator {
    /// The operator that is written so.
    pub fn parse(text: &str) -> Self {
        match text {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            _ => Self::Divide,
        }
    }

    /// The result for two values. Ints wrap around, as in Go.
    ///
    /// # Errors
    /// Division by zero, and kinds that cannot be calculated with.
    pub fn apply<'a>(self, left: &Val<'_>, right: &Val<'_>) -> Result<Val<'a>, Failure> {
        match (left, right) {
            (Val::Int(a), Val::Int(b)) => self.ints(*a, *b).map(Val::Int),
            (Val::Int(a), Val::Double(b)) => self.doubles(*a as f64, *b).map(Val::Double),
            (Val::Double(a), Val::Int(b)) => self.doubles(*a, *b as f64).map(Val::Double),
            (Val::Double(a), Val::Double(b)) => self.doubles(*a, *b).map(Val::Double),
            _ => self.times(left, right),
        }
    }

    fn ints(self, a: i64, b: i64) -> Result<i64, Failure> {
        Ok(match self {
            Self::Add => a.wrapping_add(b),
            Self::Subtract => a.wrapping_sub(b),
            Self::Multiply => a.wrapping_mul(b),
            Self::Divide if b == 0 => return Err(Failure::from("division by zero")),
            Self::Divide => a.wrapping_div(b),
        })
    }

    fn doubles(self, a: f64, b: f64) -> Result<f64, Failure> {
        Ok(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide if b == 0.0 => return Err(Failure::from("division by zero")),
            Self::Divide => a / b,
        })
    }

    fn times<'a>(self, left: &Val<'_>, right: &Val<'_>) -> Result<Val<'a>, Failure> {
        let range = |_| Failure::from("a time out of range");
        let too_long = || Failure::from("a duration out of range");
        match (left, self, right) {
            (Val::Time(time), Self::Add, Val::Duration(by)) | (Val::Duration(by), Self::Add, Val::Time(time)) => {
                time.checked_add(*by).map(|time| Val::Time(time.into())).map_err(range)
            }
            (Val::Time(time), Self::Subtract, Val::Duration(by)) => {
                time.checked_sub(*by).map(|time| Val::Time(time.into())).map_err(range)
            }
            (Val::Time(a), Self::Subtract, Val::Time(b)) => {
                Ok(Val::Duration(a.timestamp().duration_since(b.timestamp())))
            }
            (Val::Duration(a), Self::Add, Val::Duration(b)) => {
                a.checked_add(*b).map(Val::Duration).ok_or_else(too_long)
            }
            (Val::Duration(a), Self::Subtract, Val::Duration(b)) => {
                a.checked_sub(*b).map(Val::Duration).ok_or_else(too_long)
            }
            _ => Err(Failure::from(format!("cannot calculate with {} and {}", left.kind(), right.kind()))),
        }
    }
}
