//! The four reactions, and values that exist once per reaction.
//!
//! Three orders are in use and none is ever indexed by hand: counts (like, reply, retweet, quote), the raw record's
//! columns (reply, retweet, quote, like) and the network's outputs (like, retweet, quote, reply).

use std::fmt;
use std::ops::{Index, IndexMut};

/// What a reader did with a tweet. The discriminants are the order of the count features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reaction {
    /// Liked it.
    Like = 0,
    /// Replied to it.
    Reply = 1,
    /// Retweeted it without a comment.
    Retweet = 2,
    /// Retweeted it with a comment.
    Quote = 3,
}

impl Reaction {
    /// All four, in the order of the count features.
    pub const ALL: [Self; 4] = [Self::Like, Self::Reply, Self::Retweet, Self::Quote];
    /// All four, in the order of the raw record's last columns and of the challenge's CSV.
    pub const RECORD_ORDER: [Self; 4] = [Self::Reply, Self::Retweet, Self::Quote, Self::Like];
    /// All four, in the order of the network's outputs.
    pub const NETWORK_ORDER: [Self; 4] = [Self::Like, Self::Retweet, Self::Quote, Self::Reply];

    /// The reaction's name, as in column names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Reply => "reply",
            Self::Retweet => "retweet",
            Self::Quote => "quote",
        }
    }
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One value for each reaction, indexed by [`Reaction`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerReaction<T>([T; 4]);

impl<T> PerReaction<T> {
    /// Calls `value` for every reaction.
    pub fn from_fn(mut value: impl FnMut(Reaction) -> T) -> Self {
        Self(Reaction::ALL.map(&mut value))
    }

    /// From the values in the order of the count features (like, reply, retweet, quote).
    pub const fn from_count_order(values: [T; 4]) -> Self {
        Self(values)
    }

    /// The values in the order of the count features (like, reply, retweet, quote).
    pub const fn as_count_order(&self) -> &[T; 4] {
        &self.0
    }

    /// Every reaction with its value, in the order of the count features.
    pub fn iter(&self) -> impl Iterator<Item = (Reaction, &T)> {
        Reaction::ALL.into_iter().zip(&self.0)
    }

    /// Turns every value into another.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> PerReaction<U> {
        PerReaction(self.0.map(change))
    }
}

impl<T: Copy> PerReaction<T> {
    /// The values in the order given, for example [`Reaction::NETWORK_ORDER`].
    pub fn in_order(&self, order: [Reaction; 4]) -> [T; 4] {
        order.map(|reaction| self[reaction])
    }

    /// The inverse of [`PerReaction::in_order`]: `values[i]` belongs to `order[i]`.
    pub fn from_order(order: [Reaction; 4], values: [T; 4]) -> Self {
        let mut all = Self(values);
        order.into_iter().zip(values).for_each(|(reaction, value)| all[reaction] = value);
        all
    }
}

impl<T> Index<Reaction> for PerReaction<T> {
    type Output = T;

    #[inline]
    fn index(&self, reaction: Reaction) -> &T {
        &self.0[reaction as usize]
    }
}

impl<T> IndexMut<Reaction> for PerReaction<T> {
    #[inline]
    fn index_mut(&mut self, reaction: Reaction) -> &mut T {
        &mut self.0[reaction as usize]
    }
}

/// Which of the four reactions a record has: bit `reaction as u8` is set for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReactionSet(u8);

impl ReactionSet {
    /// No reaction.
    pub const NONE: Self = Self(0);

    /// From the four bits; bits above them are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0xF)
    }

    /// The four bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether there is no reaction.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `reaction` is among them.
    pub const fn contains(self, reaction: Reaction) -> bool {
        self.0 >> reaction as u8 & 1 == 1
    }

    /// Adds a reaction.
    pub fn insert(&mut self, reaction: Reaction) {
        self.0 |= 1 << reaction as u8;
    }
}

impl FromIterator<Reaction> for ReactionSet {
    fn from_iter<I: IntoIterator<Item = Reaction>>(reactions: I) -> Self {
        let mut set = Self::NONE;
        reactions.into_iter().for_each(|reaction| set.insert(reaction));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_inverse() {
        for order in [Reaction::ALL, Reaction::RECORD_ORDER, Reaction::NETWORK_ORDER] {
            let all = PerReaction::from_fn(|reaction| reaction as u8 * 10);
            assert_eq!(PerReaction::from_order(order, all.in_order(order)), all);
        }
    }
}
