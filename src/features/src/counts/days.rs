//! Days as 16-bit numbers, because a visit has 16 bits for them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::error::CountsError;

const SECONDS: i64 = 86_400;
/// Days from 1 January 1970 on that are their own numbers: those up to 2059. Others get the numbers above, as they
/// come.
const USUAL: i64 = 1 << 15;
/// How many other days there may be.
const MOST_UNUSUAL: usize = (1 << 16) - USUAL as usize;

/// Numbers days, plausible or not: equal days get equal numbers, others others. Which number an unusual day gets
/// depends on who asks first, and nothing depends on the number.
#[derive(Default)]
pub(super) struct DayNumbers {
    unusual: Mutex<HashMap<i64, u16>>,
}

impl DayNumbers {
    /// The number of the UTC day of a time in unix seconds.
    ///
    /// # Errors
    /// [`CountsError::TooManyDays`].
    #[inline]
    pub(super) fn of(&self, seconds: i64) -> Result<u16, CountsError> {
        let day = seconds.div_euclid(SECONDS);
        if (0..USUAL).contains(&day) { Ok(day as u16) } else { self.unusual(day) }
    }

    #[cold]
    fn unusual(&self, day: i64) -> Result<u16, CountsError> {
        let mut unusual = self.unusual.lock().unwrap_or_else(PoisonError::into_inner);
        let next = unusual.len();
        match unusual.get(&day) {
            Some(&number) => Ok(number),
            None if next == MOST_UNUSUAL => Err(CountsError::TooManyDays { most: MOST_UNUSUAL }),
            None => {
                let number = (USUAL as usize + next) as u16;
                unusual.insert(day, number);
                Ok(number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_days_have_equal_numbers_and_others_have_others() {
        let numbers = DayNumbers::default();
        let times = [0, -1, i64::MIN, i64::MAX, 1_612_400_000, USUAL * SECONDS, USUAL * SECONDS - 1];
        let of = |seconds: i64| numbers.of(seconds).unwrap();
        let mut found = times.map(of);
        assert_eq!(found, times.map(of));
        assert_eq!(of(SECONDS - 1), of(0));
        assert_eq!(of(-SECONDS), of(-1));
        found.sort_unstable();
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
    }

    #[test]
    fn too_many_unusual_days_are_refused() {
        let numbers = DayNumbers::default();
        for day in 1..=MOST_UNUSUAL as i64 {
            numbers.of(-day * SECONDS).unwrap();
        }
        assert!(numbers.of(i64::MAX).unwrap_err().to_string().contains("outside 1970 to 2059"));
        assert!(numbers.of(-SECONDS).is_ok());
    }
}
