//! Quality of codes: how evenly they are used, and whether tokens that share codes are similar.

use std::fmt;

use ndarray::ArrayView2;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::encode::Encoded;
use crate::sketch::SketchShape;

/// Random pairs of tokens that are compared.
const RANDOM_PAIRS: usize = 50_000;
/// Pairs of tokens with the same code that are compared, over all depths.
const SHARING_PAIRS: usize = 50_000;

/// How the codes of one depth spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepthSpread {
    /// Number of different codes in use.
    pub distinct: usize,
    /// Entropy of the codes in bits; at most log2 of the sketch width.
    pub entropy: f64,
}

/// How alike tokens are that share this many codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedCodes {
    /// Number of depths at which both tokens have the same code.
    pub shared: usize,
    /// Pairs looked at.
    pub pairs: usize,
    /// Mean cosine similarity of their standardised vectors.
    pub mean_cosine: f64,
}

/// The quality of a set of token codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Spread of the codes at each depth.
    pub depths: Vec<DepthSpread>,
    /// Similarity by number of shared codes, ascending, for the numbers that occur in a seeded sample of random
    /// pairs and of pairs with a common code.
    pub similarity: Vec<SharedCodes>,
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct = || self.depths.iter().map(|depth| depth.distinct);
        let entropy = || self.depths.iter().map(|depth| depth.entropy);
        write!(
            f,
            "{} to {} different codes a depth, entropy {:.2} to {:.2} bits; mean cosine similarity of two tokens by \
             the number of codes they share:",
            distinct().min().unwrap_or(0),
            distinct().max().unwrap_or(0),
            entropy().fold(f64::INFINITY, f64::min),
            entropy().fold(0.0, f64::max),
        )?;
        for (index, of) in self.similarity.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma} {}: {:.2}", of.shared, of.mean_cosine)?;
        }
        Ok(())
    }
}

impl Quality {
    /// Measures codes against the vectors `[tokens, dimensions]` they were made of.
    pub fn measure<T: Copy + Into<f64> + Sync>(
        vectors: ArrayView2<'_, T>,
        encoded: &Encoded,
        shape: SketchShape,
        seed: u64,
    ) -> Self {
        let tokens = vectors.nrows();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut pairs = Vec::new();
        if tokens > 1 {
            for _ in 0..RANDOM_PAIRS {
                let first = random.random_range(0..tokens);
                let second = random.random_range(0..tokens - 1);
                pairs.push((first, second + usize::from(second >= first)));
            }
        }
        let mut depths = Vec::with_capacity(shape.depth());
        for depth in 0..shape.depth() {
            let code = |token: usize| encoded.codes[token * shape.depth() + depth];
            let mut by_code: Vec<usize> = (0..tokens).collect();
            by_code.sort_by_key(|&token| code(token));
            let runs: Vec<&[usize]> = by_code.chunk_by(|&a, &b| code(a) == code(b)).collect();
            depths.push(DepthSpread { distinct: runs.len(), entropy: entropy(&runs, tokens) });
            let crowded: Vec<&&[usize]> = runs.iter().filter(|run| run.len() > 1).collect();
            for _ in 0..if crowded.is_empty() { 0 } else { SHARING_PAIRS / shape.depth() } {
                let run = crowded[random.random_range(0..crowded.len())];
                let first = random.random_range(0..run.len());
                let second = random.random_range(0..run.len() - 1);
                pairs.push((run[first], run[second + usize::from(second >= first)]));
            }
        }
        Self { depths, similarity: similarity(vectors, encoded, shape, &pairs) }
    }
}

fn entropy(runs: &[&[usize]], tokens: usize) -> f64 {
    let surprise = |run: &&[usize]| {
        let share = run.len() as f64 / tokens as f64;
        -share * share.log2()
    };
    runs.iter().map(surprise).sum::<f64>().max(0.0)
}

fn similarity<T: Copy + Into<f64> + Sync>(
    vectors: ArrayView2<'_, T>,
    encoded: &Encoded,
    shape: SketchShape,
    pairs: &[(usize, usize)],
) -> Vec<SharedCodes> {
    let depth = shape.depth();
    let compare = |&(first, second): &(usize, usize)| {
        let codes = |token: usize| &encoded.codes[token * depth..][..depth];
        let shared = codes(first).iter().zip(codes(second)).filter(|(a, b)| a == b).count();
        (shared, cosine(vectors, encoded, first, second))
    };
    let compared: Vec<(usize, f64)> = pairs.par_iter().map(compare).collect();
    let mut sums = vec![(0usize, 0.0f64); depth + 1];
    for (shared, cosine) in compared {
        sums[shared].0 += 1;
        sums[shared].1 += cosine;
    }
    let summarise = |(shared, (pairs, sum)): (usize, (usize, f64))| {
        (pairs > 0).then(|| SharedCodes { shared, pairs, mean_cosine: sum / pairs as f64 })
    };
    sums.into_iter().enumerate().filter_map(summarise).collect()
}

/// Cosine similarity of two standardised vectors; 0 where one of them is zero.
fn cosine<T: Copy + Into<f64>>(vectors: ArrayView2<'_, T>, encoded: &Encoded, first: usize, second: usize) -> f64 {
    let (mut product, mut squares) = (0.0, (0.0, 0.0));
    let scaling = encoded.scaler.mean().iter().zip(encoded.scaler.scale());
    for ((&a, &b), (mean, scale)) in vectors.row(first).iter().zip(vectors.row(second)).zip(scaling) {
        let (a, b): (f64, f64) = ((a.into() - mean) / scale, (b.into() - mean) / scale);
        product += a * b;
        squares.0 += a * a;
        squares.1 += b * b;
    }
    let norms = (squares.0 * squares.1).sqrt();
    if norms > 0.0 { product / norms } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::sketch::{Projection, encode};

    #[test]
    fn alike_tokens_share_codes() {
        let shape = SketchShape::new(8, 64).unwrap();
        // Pairs of nearly equal vectors: token 2i and 2i + 1.
        let vectors = Array2::from_shape_fn((400, 24), |(token, dimension)| {
            let mixed = crate::key::siphash(&[(token / 2) as u8, dimension as u8]);
            (mixed % 1000) as f64 / 500.0 - 1.0 + 1e-6 * token as f64
        });
        let encoded = encode(vectors.view(), &Projection::gaussian(shape, 24, 1), shape).unwrap();
        let quality = Quality::measure(vectors.view(), &encoded, shape, 1);
        assert_eq!(quality, Quality::measure(vectors.view(), &encoded, shape, 1));
        assert!(quality.depths.iter().all(|depth| depth.distinct > 32 && depth.entropy > 4.0 && depth.entropy <= 6.0));
        let cosine = |shared| quality.similarity.iter().find(|s| s.shared == shared).unwrap().mean_cosine;
        assert!(cosine(0).abs() < 0.1, "{}", cosine(0));
        assert!(cosine(8) > 0.99, "{}", cosine(8));
    }

    #[test]
    fn one_token_has_no_pair() {
        let shape = SketchShape::new(2, 4).unwrap();
        let vectors = Array2::<f32>::ones((1, 3));
        let encoded = encode(vectors.view(), &Projection::gaussian(shape, 3, 1), shape).unwrap();
        let quality = Quality::measure(vectors.view(), &encoded, shape, 1);
        assert!(quality.similarity.is_empty());
        assert_eq!(quality.depths, vec![DepthSpread { distinct: 1, entropy: 0.0 }; 2]);
    }
}
