//! Verdicts to be used again: items whose parts that conditions read are the same bytes are judged alike.

/// So many are known at a time.
const KNOWN: usize = 8;
/// After so many questions at least one in [`WORTH`] must have been answered.
const TRIED: u32 = 64;
const WORTH: u32 = 4;

/// What was judged lately.
#[derive(Debug, Default)]
pub struct Seen {
    known: Vec<(Vec<u8>, bool)>,
    /// The one that is forgotten next.
    oldest: usize,
    asked: u32,
    answered: u32,
}

impl Seen {
    /// The verdict on an item with this excerpt, if there was one.
    pub fn verdict(&mut self, excerpt: &[u8]) -> Option<bool> {
        let known = self.known.iter().find(|(known, _)| known == excerpt).map(|(_, keeps)| *keeps);
        self.asked += 1;
        self.answered += u32::from(known.is_some());
        known
    }

    /// Remembers a verdict, as long as that pays: of values that never repeat it would be in vain.
    pub fn remember(&mut self, excerpt: &[u8], keeps: bool) {
        if self.asked > TRIED && self.answered < self.asked / WORTH {
            self.known.clear();
            return;
        }
        match self.known.get_mut(self.oldest) {
            Some((known, verdict)) => {
                known.clear();
                known.extend_from_slice(excerpt);
                *verdict = keeps;
            }
            None => self.known.push((excerpt.to_vec(), keeps)),
        }
        self.oldest = (self.oldest + 1) % KNOWN;
    }

    /// Forgets all: what is around the items is another.
    pub fn forget(&mut self) {
        self.known.clear();
        self.oldest = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, Seen};

    #[test]
    fn the_last_verdicts_are_known_and_older_ones_are_not() {
        let mut seen = Seen::default();
        for number in 0..=KNOWN as u8 {
            assert_eq!(seen.verdict(&[number]), None);
            seen.remember(&[number], number % 2 == 0);
        }
        let known: Vec<_> = (0..=KNOWN as u8).map(|number| seen.verdict(&[number])).collect();
        let expected = (0..=KNOWN as u8).map(|number| (number > 0).then_some(number % 2 == 0));
        assert_eq!(known, expected.collect::<Vec<_>>());
        seen.forget();
        assert_eq!(seen.verdict(&[1]), None);
    }

    #[test]
    fn what_never_repeats_is_not_remembered_any_more() {
        let mut seen = Seen::default();
        for number in 0..200_u8 {
            assert_eq!(seen.verdict(&[number]), None);
            seen.remember(&[number], true);
        }
        assert!(seen.known.is_empty());
    }
}
