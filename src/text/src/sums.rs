//! Sums of hidden states by token.

use ndarray::{Array2, ArrayView1};

use crate::TokenVectors;

/// Sum of hidden states and number of occurrences of each token.
#[derive(Default)]
pub(super) struct Sums {
    /// By token id; nothing for a token not seen.
    tokens: Vec<Option<Sum>>,
}

struct Sum {
    count: u64,
    vector: Box<[f64]>,
}

impl Sums {
    /// Adds a token's hidden state, which occurred `weight` times.
    pub(super) fn add(&mut self, token: u32, weight: u64, hidden: ArrayView1<'_, f32>) {
        let new = || Sum { count: 0, vector: vec![0.0; hidden.len()].into() };
        let sum = self.sum(token).get_or_insert_with(new);
        sum.count += weight;
        let weight = weight as f64;
        sum.vector.iter_mut().zip(hidden).for_each(|(sum, &value)| *sum += weight * f64::from(value));
    }

    /// Sets a token's count and sum.
    pub(super) fn set(&mut self, token: u32, count: u64, vector: Box<[f64]>) {
        *self.sum(token) = Some(Sum { count, vector });
    }

    /// Each token seen, by ascending id, with its count and sum.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64, &[f64])> {
        let sums = (0..).zip(&self.tokens);
        sums.filter_map(|(token, sum)| sum.as_ref().map(|sum| (token, sum.count, &*sum.vector)))
    }

    /// Number of tokens seen, and numbers in a vector.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.iter().count(), self.iter().next().map_or(0, |(.., sum)| sum.len()))
    }

    /// The means, by ascending token id.
    pub(super) fn into_vectors(self) -> TokenVectors {
        let mut vectors = Array2::zeros(self.size());
        for (mut mean, (_, count, sum)) in vectors.rows_mut().into_iter().zip(self.iter()) {
            mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = (sum / count as f64) as f32);
        }
        let (tokens, counts) = self.iter().map(|(token, count, _)| (token, count)).unzip();
        TokenVectors { tokens, counts, vectors }
    }

    fn sum(&mut self, token: u32) -> &mut Option<Sum> {
        let index = token as usize;
        if index >= self.tokens.len() {
            self.tokens.resize_with(index + 1, || None);
        }
        &mut self.tokens[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted() {
        let mut sums = Sums::default();
        sums.add(7, 1, ndarray::array![1.0, 4.0].view());
        sums.add(7, 3, ndarray::array![5.0, 0.0].view());
        sums.add(2, 2, ndarray::array![0.5, 0.25].view());
        let vectors = sums.into_vectors();
        assert_eq!((vectors.tokens, vectors.counts), (vec![2, 7], vec![2, 4]));
        assert_eq!(vectors.vectors, ndarray::array![[0.5, 0.25], [4.0, 1.0]]);
    }
}
