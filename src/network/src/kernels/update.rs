//! AdamW on weights whose gradient has just been computed.

use std::ops::Range;

use rayon::prelude::*;

use super::{Kernel, Lanes};
use crate::tiles::Row;

/// The numbers of one AdamW step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update {
    /// What the decay leaves of a weight: 1 − learning rate × weight decay.
    pub(crate) keep: f32,
    /// 1 − β₁.
    pub(crate) first_share: f32,
    /// β₂.
    pub(crate) second_keep: f32,
    /// 1 − β₂.
    pub(crate) second_share: f32,
    /// Learning rate / (1 − β₁ᵗ).
    pub(crate) step: f32,
    /// 1 / √(1 − β₂ᵗ).
    pub(crate) root_scale: f32,
    /// ε.
    pub(crate) epsilon: f32,
}

/// An [`Update`] in every lane.
#[derive(Clone, Copy)]
pub(super) struct UpdateLanes<V> {
    keep: V,
    first_share: V,
    second_keep: V,
    second_share: V,
    step: V,
    root_scale: V,
    epsilon: V,
}

impl<V: Copy> UpdateLanes<V> {
    #[inline(always)]
    pub(super) fn new<L: Lanes<Vector = V>>(lanes: L, update: &Update) -> Self {
        Self {
            keep: lanes.splat(update.keep),
            first_share: lanes.splat(update.first_share),
            second_keep: lanes.splat(update.second_keep),
            second_share: lanes.splat(update.second_share),
            step: lanes.splat(update.step),
            root_scale: lanes.splat(update.root_scale),
            epsilon: lanes.splat(update.epsilon),
        }
    }

    /// Steps one part of a row: weight and both moments.
    #[inline(always)]
    pub(super) fn apply<L: Lanes<Vector = V>>(&self, lanes: L, gradient: V, rows: [&mut Row; 3], part: usize) {
        let [weight, first, second] = rows;
        let old = lanes.load(first, part);
        let mean = lanes.mul_add(lanes.sub(gradient, old), self.first_share, old);
        let square = lanes.mul(lanes.mul(gradient, gradient), self.second_share);
        let square = lanes.mul_add(lanes.load(second, part), self.second_keep, square);
        let root = lanes.mul_add(lanes.sqrt(square), self.root_scale, self.epsilon);
        let change = lanes.div(lanes.mul(mean, self.step), root);
        let kept = lanes.mul(lanes.load(weight, part), self.keep);
        lanes.store(first, part, mean);
        lanes.store(second, part, square);
        lanes.store(weight, part, lanes.sub(kept, change));
    }
}

/// Weights and their two moments, as many rows of each.
pub(crate) struct Slots<'a> {
    pub(crate) weight: &'a mut [Row],
    pub(crate) first: &'a mut [Row],
    pub(crate) second: &'a mut [Row],
}

impl<'a> Slots<'a> {
    /// Pieces of `rows` rows, one after the other; the last one may have fewer.
    pub(crate) fn tiles(self, rows: usize) -> impl IndexedParallelIterator<Item = Slots<'a>> {
        let moments = self.first.par_chunks_mut(rows).zip(self.second.par_chunks_mut(rows));
        let tiles = self.weight.par_chunks_mut(rows).zip(moments);
        tiles.map(|(weight, (first, second))| Slots { weight, first, second })
    }

    /// The first `rows` rows, and the rest.
    pub(crate) fn split_at(self, rows: usize) -> (Self, Self) {
        let (weight, weight_rest) = self.weight.split_at_mut(rows);
        let (first, first_rest) = self.first.split_at_mut(rows);
        let (second, second_rest) = self.second.split_at_mut(rows);
        (Slots { weight, first, second }, Slots { weight: weight_rest, first: first_rest, second: second_rest })
    }

    /// Some of the rows.
    pub(crate) fn range(&mut self, rows: Range<usize>) -> Slots<'_> {
        Slots {
            weight: &mut self.weight[rows.clone()],
            first: &mut self.first[rows.clone()],
            second: &mut self.second[rows],
        }
    }

    #[inline(always)]
    pub(super) fn prefetch<L: Lanes>(&self, lanes: L, row: usize) {
        lanes.prefetch(&self.weight[row]);
        lanes.prefetch(&self.first[row]);
        lanes.prefetch(&self.second[row]);
    }

    #[inline(always)]
    pub(super) fn row(&mut self, row: usize) -> [&mut Row; 3] {
        [&mut self.weight[row], &mut self.first[row], &mut self.second[row]]
    }

    pub(super) fn assert_rows(&self, rows: usize) {
        assert!(self.weight.len() == rows && self.first.len() == rows && self.second.len() == rows);
    }
}

/// Steps parameters whose gradient is stored.
pub(crate) struct UpdateRows<'a> {
    pub(crate) gradient: &'a [Row],
    pub(crate) slots: Slots<'a>,
    pub(crate) update: &'a Update,
}

impl Kernel for UpdateRows<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        self.slots.assert_rows(self.gradient.len());
        let update = UpdateLanes::new(lanes, self.update);
        for row in 0..self.gradient.len() {
            for part in 0..L::PARTS {
                update.apply(lanes, lanes.load(&self.gradient[row], part), self.slots.row(row), part);
            }
        }
    }
}

/// `out = a + b`, row by row.
pub(crate) struct AddRows<'a> {
    pub(crate) terms: [&'a [Row]; 2],
    pub(crate) out: &'a mut [Row],
}

impl Kernel for AddRows<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let [a, b] = self.terms;
        assert!(a.len() == self.out.len() && b.len() == self.out.len());
        for row in 0..self.out.len() {
            for part in 0..L::PARTS {
                lanes.store(&mut self.out[row], part, lanes.add(lanes.load(&a[row], part), lanes.load(&b[row], part)));
            }
        }
    }
}

/// Terms summed on their own in a [`WeightedSum`].
const CHUNK: usize = 32;

/// `out = start + Σ scalars[i] × rows[i]`.
pub(crate) struct WeightedSum<'a> {
    pub(crate) start: &'a Row,
    pub(crate) scalars: &'a [f32],
    pub(crate) rows: &'a [Row],
    pub(crate) out: &'a mut Row,
}

impl Kernel for WeightedSum<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        assert_eq!(self.scalars.len(), self.rows.len());
        *self.out = *self.start;
        // Summed a chunk at a time: short sums round less than one long sum.
        for (scalars, rows) in self.scalars.chunks(CHUNK).zip(self.rows.chunks(CHUNK)) {
            for part in 0..L::PARTS {
                let mut sum = lanes.splat(0.0);
                for index in 0..scalars.len() {
                    sum = lanes.mul_add(lanes.splat(scalars[index]), lanes.load(&rows[index], part), sum);
                }
                lanes.store(self.out, part, lanes.add(sum, lanes.load(self.out, part)));
            }
        }
    }
}
