//! Five groups of records by the popularity of their authors.

/// Number of groups.
pub const GROUPS: usize = 5;

/// Borders between five groups of about as many records each, by the number of accounts that follow the author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Popularity {
    borders: [u32; GROUPS - 1],
}

impl Popularity {
    /// The groups of `records` records; `at_rank` gives the number of followers at a 0-based rank in ascending order;
    /// `None` without records.
    ///
    /// Border k is the nearest-rank quantile: the `⌈k n / 5⌉`-th smallest value. A value equal to a border belongs to
    /// the group below it. Equal values stay together, so a group may be larger than a fifth, or empty.
    pub fn of(records: u64, mut at_rank: impl FnMut(u64) -> u32) -> Option<Self> {
        let groups = GROUPS as u64;
        let mut border = |index: usize| at_rank(((index as u64 + 1) * records).div_ceil(groups) - 1);
        (records > 0).then(|| Self { borders: std::array::from_fn(&mut border) })
    }

    /// The 0-based group, from the least to the most popular, of a record whose author has so many followers.
    pub fn group(&self, author_followers: u32) -> usize {
        self.borders.partition_point(|&border| border < author_followers)
    }

    /// Largest number of followers in a group; `None` for the last one, which has no upper border.
    pub fn upper_border(&self, group: usize) -> Option<u32> {
        self.borders.get(group).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(mut followers: Vec<u32>) -> Option<Popularity> {
        followers.sort_unstable();
        Popularity::of(followers.len() as u64, |rank| followers[rank as usize])
    }

    #[test]
    fn ten_records_make_five_pairs() {
        let followers: Vec<u32> = (1..=10).map(|value| value * 10).collect();
        let popularity = of(followers.clone()).unwrap();
        let groups: Vec<usize> = followers.iter().map(|&value| popularity.group(value)).collect();
        assert_eq!(groups, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!((popularity.upper_border(0), popularity.upper_border(4)), (Some(20), None));
        assert_eq!(of(Vec::new()), None);
    }

    #[test]
    fn equal_authors_stay_together() {
        let popularity = of(vec![7; 9]).unwrap();
        assert_eq!([6, 7, 8].map(|value| popularity.group(value)), [0, 0, 4]);
    }

    proptest! {
        #[test]
        fn groups_follow_the_definition(followers in prop::collection::vec(0u32..40, 1..60)) {
            let popularity = of(followers.clone()).unwrap();
            for &value in &followers {
                // All records up to the border below its group have fewer followers.
                let smaller = followers.iter().filter(|&&other| other < value).count();
                let group = (0..GROUPS).rev().find(|g| smaller >= (g * followers.len()).div_ceil(GROUPS)).unwrap();
                prop_assert_eq!(popularity.group(value), group);
            }
        }
    }
}
