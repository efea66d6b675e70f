//! Numbers to be encoded, with what choosing an encoding needs to know of them.

use std::borrow::Cow;

use super::word::Word;

/// A sample is at most so many runs of so many neighbours; runs, because differences of neighbours are estimated from
/// it too. Measured (see `COLUMNAR.md`): a quarter of either makes parts 0.02 % larger, four times as much makes them
/// 0.02 % smaller.
const SAMPLE_RUNS: usize = 16;
const SAMPLE_RUN: usize = 256;

/// Smallest and largest value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<N> {
    pub(super) minimum: N,
    pub(super) maximum: N,
}

impl<N: Word> Span<N> {
    pub(super) fn of(values: &[N]) -> Self {
        let (minimum, maximum) = N::ends(values).unwrap_or_default();
        Self { minimum, maximum }
    }

    pub(super) fn range(self) -> u64 {
        self.maximum.minus(self.minimum).to_u64()
    }

    pub(super) fn bits(self) -> u32 {
        64 - self.range().leading_zeros()
    }
}

/// Numbers given as values of type `N`, which stand for values of type `V` in the file.
///
/// A value stands for what is as far above [`Numbers::minimum`] as it is above the smallest of the values.
pub(super) struct Numbers<'v, N: Word, V = N> {
    pub(super) values: &'v [N],
    pub(super) span: Span<N>,
    /// What the smallest value stands for.
    pub(super) minimum: V,
    /// Values from all over.
    pub(super) sample: Cow<'v, [N]>,
}

impl<'v, N: Word> Numbers<'v, N> {
    pub(super) fn of(values: &'v [N]) -> Self {
        Self::within(values, Span::of(values))
    }

    /// Of a span that is known.
    pub(super) fn within(values: &'v [N], span: Span<N>) -> Self {
        Self::standing_for(values, span, span.minimum)
    }
}

impl<'v, N: Word, V: Word> Numbers<'v, N, V> {
    pub(super) fn standing_for(values: &'v [N], span: Span<N>, minimum: V) -> Self {
        Self { values, span, minimum, sample: sample(values) }
    }

    /// How far a value lies above the smallest.
    #[inline(always)]
    pub(super) fn above(&self, value: N) -> u64 {
        value.minus(self.span.minimum).to_u64()
    }

    /// What a value stands for.
    #[inline(always)]
    pub(super) fn meaning(&self, value: N) -> V {
        self.minimum.plus(V::from_u64(self.above(value)))
    }

    /// What the values stand for.
    pub(super) fn meanings(&self) -> Cow<'v, [V]> {
        // Types of the same width are the same type here.
        if N::BITS == V::BITS && self.span.minimum.to_u64() == self.minimum.to_u64() {
            return Cow::Borrowed(bytemuck::cast_slice(self.values));
        }
        self.values.iter().map(|&value| self.meaning(value)).collect()
    }
}

fn sample<N: Word>(values: &[N]) -> Cow<'_, [N]> {
    if values.len() <= SAMPLE_RUNS * SAMPLE_RUN {
        return Cow::Borrowed(values);
    }
    let runs = values.chunks(values.len().div_ceil(SAMPLE_RUNS));
    runs.flat_map(|run| &run[..run.len().min(SAMPLE_RUN)]).copied().collect()
}
