//! The values a network starts from.

use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimlog_formats::{PerReaction, Reaction};

use super::parameters::{ParameterLayout, TensorKind};
use super::tiles::Row;

/// Standard deviation of the embeddings before they are folded.
const EMBEDDING_DEVIATION: f64 = 0.01;
/// Where the embeddings' normal distribution is folded, in standard deviations.
const EMBEDDING_FOLD: f64 = 2.0;

/// Fills a zeroed buffer. Every tensor draws from its own generator, so that one's size does not change another's
/// values.
pub(super) fn initialise(layout: &ParameterLayout, buffer: &mut [Row], seed: u64, output_bias: PerReaction<f32>) {
    for (number, tensor) in (0u64..).zip(&layout.tensors) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..number).for_each(|_| random.jump());
        let len = tensor.len();
        match tensor.kind {
            TensorKind::Weight | TensorKind::Bias { .. } => {
                let bound = 1.0 / (tensor.fan_in() as f64).sqrt();
                tensor.write(buffer, (0..len).map(|_| uniform(&mut random, bound)));
            }
            TensorKind::Scale | TensorKind::RunningVariance => tensor.write(buffer, std::iter::repeat_n(1.0, len)),
            TensorKind::Shift | TensorKind::RunningMean => tensor.write(buffer, std::iter::repeat_n(0.0, len)),
            TensorKind::Embedding => tensor.write(buffer, (0..len).map(|_| folded_normal(&mut random))),
        }
    }
    if let Some(bias) = layout.tensor("l_output.bias") {
        bias.write(buffer, output_bias.in_order(Reaction::NETWORK_ORDER));
    }
}

/// Uniform in `[-bound, bound)`.
fn uniform(random: &mut Xoshiro256PlusPlus, bound: f64) -> f32 {
    let unit = f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0);
    ((2.0 * unit - 1.0) * bound) as f32
}

fn folded_normal(random: &mut Xoshiro256PlusPlus) -> f32 {
    let normal: f64 = StandardNormal.sample(random);
    (normal % EMBEDDING_FOLD * EMBEDDING_DEVIATION) as f32
}

#[cfg(test)]
mod tests {
    use skimlog_features::input::Layout;
    use skimlog_formats::{PerReaction, Reaction};

    use crate::{Network, Shape};

    #[test]
    fn starts_as_the_method_says() {
        let shape =
            Shape { layout: Layout { sketch_depth: 2, sketch_width: 16, logarithms: false, languages: 3 }, hidden: 40 };
        let bias = PerReaction::from_fn(|reaction| reaction as u8 as f32);
        let network = Network::new(shape, 7, bias);
        let values = |name| network.tensor(name).expect("a tensor").values;

        let bound = 1.0 / (shape.layout.width() as f32).sqrt();
        for name in ["l1.weight", "projection.weight", "l1.bias"] {
            let largest = values(name).iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            assert!(largest <= bound && largest > 0.8 * bound, "{name}: {largest}, bound {bound}");
        }
        let largest = values("hour.weight").iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(largest < 0.02 && largest > 0.015, "{largest}");
        assert!(values("bn3.weight").iter().all(|&value| value == 1.0));
        assert!(values("bn3.bias").iter().all(|&value| value == 0.0));
        let expected = Reaction::NETWORK_ORDER.map(|reaction| reaction as u8 as f32);
        assert_eq!(values("l_output.bias"), expected);
        assert_ne!(values("l1.weight"), values("projection.weight"));
        assert_eq!(Network::new(shape, 7, bias).values, network.values);
        assert_ne!(Network::new(shape, 8, bias).values, network.values);
    }
}
