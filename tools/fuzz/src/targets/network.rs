//! A network's weights, and the network packed for prediction.

use skimlog_features::input::{Batch, Example, InputBuilder, Languages, Layout};
use skimlog_formats::PerReaction;
use skimlog_network::{AdamW, Calibration, Inference, Network, Precision, Shape, Trainer};

use super::sample;
use super::skim::token_codes;
use crate::random::Random;
use crate::scratch::Scratch;
use crate::{Exact, Target, Verdict, digest, sealed};

/// The networks of all targets.
pub(super) const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 2, sketch_width: 8, logarithms: true, languages: 3 }, hidden: 5 };

/// A network that has learnt nothing.
pub(super) fn network() -> Network {
    Network::new(SHAPE, 3, PerReaction::default())
}

/// Languages that the networks know.
pub(super) fn languages() -> Languages {
    let mut ids = sample::records("test/part-00000", 0, 50).language;
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().take(SHAPE.layout.languages).collect()
}

/// What the network sees of some records.
pub(super) fn batch() -> Batch {
    let builder = InputBuilder::new(token_codes(), SHAPE.layout);
    let (mut batch, languages) = (Batch::default(), languages());
    for row in 0..8u32 {
        let mut example = Example { language: row % 4, tokens: vec![101, 100 + 7 * row, 102], ..Example::default() };
        example.numbers[row as usize] = f64::from(row);
        builder.push(&example, &mut batch);
    }
    assert_eq!(languages.len(), SHAPE.layout.languages);
    batch
}

/// Records to fit lower precisions to.
pub(super) fn calibration() -> Calibration {
    let mut calibration = Calibration::default();
    calibration.push(batch());
    calibration
}

/// Weights as they are stored in a model and in a checkpoint.
pub(super) struct Weights {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl Weights {
    const NAME: &str = "weights.safetensors";

    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let network = scratch.written(Self::NAME, |path| network().save(path));
        Self { scratch, seeds: vec![network] }
    }
}

impl Target for Weights {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(Self::NAME, input);
        if let Ok(trainer) = Trainer::load(&path, SHAPE, AdamW::default()) {
            drop(trainer);
        }
        match Network::load(&path, SHAPE) {
            Ok(network) => {
                let tensors: Vec<_> = network.tensor_names().map(|name| network.tensor(name)).collect();
                Verdict::Accepted(digest(&tensors))
            }
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        // Files of PyTorch's, and of older versions, carry no checksum.
        Exact::OneChange
    }

    fn named(&self) -> &str {
        Self::NAME
    }
}

/// The network packed for prediction, in each precision.
pub(super) struct Packed {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
    batch: Batch,
}

impl Packed {
    const NAME: &str = "network.packed";

    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let pack = |precision| {
            let packed = Inference::with_precision(&network(), precision, Some(&calibration()));
            scratch.written(Self::NAME, |path| packed.and_then(|packed| packed.save(path)))
        };
        let seeds = Precision::ALL.map(pack).to_vec();
        Self { scratch, seeds, batch: batch() }
    }
}

impl Target for Packed {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(Self::NAME, input);
        let mut refused = String::new();
        for precision in Precision::ALL {
            match Inference::open(&path, SHAPE, precision) {
                Ok(mut network) => {
                    let mut logits = Vec::new();
                    network.logits(&self.batch, &mut logits).expect("the batch fits the shape");
                    return Verdict::Accepted(digest(&logits));
                }
                Err(error) => refused = error.to_string(),
            }
        }
        Verdict::Rejected(refused)
    }

    fn exact(&self) -> Exact {
        Exact::Always
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        Some(sealed::mutant(&self.seeds, random, sealed::packed))
    }

    fn named(&self) -> &str {
        Self::NAME
    }
}
