//! The training step, and its state as a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use skimlog_features::input::Batch;
use skimlog_formats::PerReaction;

use super::activations::{Activations, Gradients};
use super::adamw::{AdamW, Trainable};
use super::backward::Backward;
use super::error::NetError;
use super::forward;
use super::inputs::Inputs;
use super::kernels::{Instructions, WeightedSum};
use super::loss::{by_reaction, cross_entropy};
use super::network::{DENSE_AT_ZERO, Network, Tensor};
use super::parameters::ParameterLayout;
use super::shape::Shape;
use super::tensor_file::{TensorFile, TensorSource, write_tensors};
use super::tiles::{Row, zeroed};

const STEPS: &str = "adamw.steps";
const FIRST_MOMENT: &str = "adamw.first_moment.";
const SECOND_MOMENT: &str = "adamw.second_moment.";

/// Time spent in the stages of the training step, summed over all steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Listing the inputs that are not zero.
    pub inputs: Duration,
    /// First layer forward.
    pub first_forward: Duration,
    /// Other layers forward, and the loss.
    pub hidden_forward: Duration,
    /// Other layers backward, their AdamW included.
    pub hidden_backward: Duration,
    /// First layer and embeddings backward, their AdamW included.
    pub first_backward: Duration,
}

/// Trains a network with AdamW, a batch a step, on the current rayon thread pool.
///
/// The result of a step is the same bit for bit for any number of threads. Memory is allocated by the first step and
/// kept.
pub struct Trainer {
    network: Network,
    optimizer: AdamW,
    first_moments: Vec<Row>,
    second_moments: Vec<Row>,
    steps: u64,
    instructions: Instructions,
    /// What the gradients of the first layer's weights see of the inputs at zero: nothing, if they are centred.
    at_zero: Vec<f32>,
    centred: bool,
    inputs: Inputs,
    values: Activations,
    gradients: Gradients,
    times: StageTimes,
}

impl Trainer {
    /// Starts training a network: moments zero, no step taken.
    pub fn new(network: Network, optimizer: AdamW) -> Self {
        Self::with_instructions(network, optimizer, Instructions::best())
    }

    pub(super) fn with_instructions(network: Network, optimizer: AdamW, instructions: Instructions) -> Self {
        Self {
            at_zero: Network::inputs_at_zero(network.shape),
            centred: false,
            first_moments: zeroed(network.layout.rows),
            second_moments: zeroed(network.layout.rows),
            network,
            optimizer,
            steps: 0,
            instructions,
            inputs: Inputs::default(),
            values: Activations::default(),
            gradients: Gradients::default(),
            times: StageTimes::default(),
        }
    }

    /// Trains the first layer on x − x(0), where x(0) are the inputs of a record whose numbers are all zero, and not on
    /// x.
    ///
    /// The network and its file mean the same; only the way through their weights is another. The cosines of zero are
    /// hundreds of inputs that are one in nearly all records: their weights are as many copies of the bias, move
    /// together, and do so whatever it does to the few records in which they are not one. On x − x(0), the weights of a
    /// number that is zero rest.
    #[must_use]
    pub fn centred(mut self) -> Self {
        self.centred = true;
        self.at_zero.fill(0.0);
        self
    }

    /// Takes one step and gives the batch's loss before it: binary cross-entropy, mean over records and reactions.
    ///
    /// # Errors
    ///
    /// [`NetError::Batch`] for a batch that does not fit the network, lacks labels, or has fewer than two records
    /// (batch normalisation needs two). [`NetError::Diverged`] if the loss is not finite; the weights are as before
    /// then.
    pub fn step(&mut self, batch: &Batch, learning_rate: f32) -> Result<f32, NetError> {
        if batch.labels.len() != batch.rows {
            return Err(NetError::Batch { rows: batch.rows, reason: format!("{} labels", batch.labels.len()) });
        }
        let mut watch = Instant::now();
        let mut lap = move || std::mem::replace(&mut watch, Instant::now()).elapsed();
        self.forward(batch, &mut lap)?;
        let Network { shape, layout, values } = &mut self.network;
        let tables = layout.embeddings.map(|region| region.rows);
        self.gradients.resize(*shape, self.inputs.padded(), tables);
        let loss = cross_entropy(&self.values.logits, &batch.labels, &mut self.gradients.logits);
        self.times.hidden_forward += lap();
        if !loss.is_finite() {
            return Err(NetError::Diverged { step: self.steps + 1, loss });
        }

        self.steps += 1;
        let sums_before =
            if self.centred { first_layer_at_zero(self.instructions, *shape, layout, values) } else { Vec::new() };
        let mut parameters =
            Trainable { weight: values, first: &mut self.first_moments, second: &mut self.second_moments };
        let backward = Backward {
            instructions: self.instructions,
            shape: *shape,
            layout,
            inputs: &self.inputs,
            values: &self.values,
            update: &self.optimizer.update(learning_rate, self.steps),
            at_zero: &self.at_zero,
        };
        backward.hidden_layers(&mut parameters, &mut self.gradients);
        self.times.hidden_backward += lap();
        backward.first_layer(&mut parameters, &mut self.gradients);
        if self.centred {
            // The bias takes up what the changed weights do to the inputs at zero.
            let sums = first_layer_at_zero(self.instructions, *shape, layout, values);
            for ((bias, before), now) in values[layout.first.bias.range()].iter_mut().zip(sums_before).zip(sums) {
                bias.0
                    .iter_mut()
                    .zip(before.0.iter().zip(now.0))
                    .for_each(|(bias, (before, now))| *bias += before - now);
            }
        }
        self.times.first_backward += lap();
        Ok(loss)
    }

    /// Runs a batch forward with its own statistics, which enter the running ones of the batch normalisations. Nothing
    /// else changes.
    ///
    /// # Errors
    ///
    /// [`NetError::Batch`] for a batch that does not fit the network or has fewer than two records.
    pub fn settle(&mut self, batch: &Batch) -> Result<(), NetError> {
        self.forward(batch, &mut || Duration::ZERO)
    }

    fn forward(&mut self, batch: &Batch, lap: &mut impl FnMut() -> Duration) -> Result<(), NetError> {
        if batch.rows < 2 {
            let reason = "batch normalisation needs at least two records".to_owned();
            return Err(NetError::Batch { rows: batch.rows, reason });
        }
        self.inputs.fill(batch, self.network.shape, true)?;
        self.times.inputs += lap();
        forward::first_layer(self.instructions, &self.network, &self.inputs, &mut self.values);
        self.times.first_forward += lap();
        forward::hidden_layers(self.instructions, &mut self.network, &self.inputs, &mut self.values);
        Ok(())
    }

    /// The gradients that a step on this batch would use, by tensor name; changes nothing. Costs a copy of the network:
    /// it is meant for tests.
    ///
    /// # Errors
    ///
    /// As [`Trainer::step`].
    pub fn gradients(&self, batch: &Batch) -> Result<BTreeMap<&'static str, Tensor>, NetError> {
        // With β₁ = 0, AdamW's first moment is the gradient itself; with a learning rate of 0 the weights stay.
        let optimizer = AdamW { learning_rate: 0.0, beta1: 0.0, ..self.optimizer };
        let mut probe = Self::with_instructions(self.network.clone(), optimizer, self.instructions);
        (probe.centred, probe.at_zero) = (self.centred, self.at_zero.clone());
        probe.step(batch, 0.0)?;
        let trained = probe.network.layout.tensors.iter().filter(|tensor| tensor.kind.is_trained());
        let gradient = |values: &[Row], tensor: &super::parameters::TensorLayout| Tensor {
            shape: tensor.shape(),
            values: tensor.read(values),
        };
        Ok(trained.map(|tensor| (tensor.name, gradient(&probe.first_moments, tensor))).collect())
    }

    /// Forgets AdamW's moments and step count, as a new optimiser would start.
    pub fn reset_moments(&mut self) {
        self.first_moments.fill(Row::ZERO);
        self.second_moments.fill(Row::ZERO);
        self.steps = 0;
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network as it is now, without the rest.
    pub fn into_network(self) -> Network {
        self.network
    }

    /// Settings of AdamW.
    pub fn optimizer(&self) -> &AdamW {
        &self.optimizer
    }

    /// Steps taken since the moments were zero.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The logits of the last step's batch, in training mode and before its update.
    pub fn logits(&self) -> impl Iterator<Item = PerReaction<f32>> {
        by_reaction(&self.values.logits[..self.inputs.records])
    }

    /// Time spent in the stages so far.
    pub fn stage_times(&self) -> StageTimes {
        self.times
    }

    /// Name of the instruction set in use.
    pub fn instruction_set(&self) -> &'static str {
        self.instructions.name()
    }

    /// Writes the whole state (network, moments, step count) to one safetensors file; [`Network::load`] reads it, too.
    ///
    /// # Errors
    ///
    /// [`NetError::Write`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NetError> {
        let layouts = &self.network.layout.tensors;
        let mut tensors = vec![TensorSource::number(STEPS, self.steps)];
        tensors.extend(
            layouts.iter().map(|layout| TensorSource::rows(layout.name.to_owned(), layout, &self.network.values)),
        );
        for (prefix, moments) in [(FIRST_MOMENT, &self.first_moments), (SECOND_MOMENT, &self.second_moments)] {
            let trained = layouts.iter().filter(|layout| layout.kind.is_trained());
            tensors
                .extend(trained.map(|layout| TensorSource::rows(format!("{prefix}{}", layout.name), layout, moments)));
        }
        write_tensors(path, &tensors)
    }

    /// Reads a state written by [`Trainer::save`]. Training goes on exactly as it would have without the interruption.
    ///
    /// # Errors
    ///
    /// [`NetError`] if the file is not readable, not intact, lacks a tensor or has one of another shape.
    pub fn load(path: &Path, shape: Shape, optimizer: AdamW) -> Result<Self, NetError> {
        let file = TensorFile::open(path)?;
        let mut trainer = Self::new(Network::read(&file, shape)?, optimizer);
        trainer.steps = file.number(STEPS)?;
        for layout in trainer.network.layout.tensors.iter().filter(|layout| layout.kind.is_trained()) {
            file.read(&format!("{FIRST_MOMENT}{}", layout.name), layout, &mut trainer.first_moments)?;
            file.read(&format!("{SECOND_MOMENT}{}", layout.name), layout, &mut trainer.second_moments)?;
        }
        Ok(trainer)
    }
}

/// What the first layer makes of the inputs at zero, without its bias: a row a tile.
fn first_layer_at_zero(instructions: Instructions, shape: Shape, layout: &ParameterLayout, values: &[Row]) -> Vec<Row> {
    let weights = values[layout.first.weight.range()].par_chunks_exact(layout.first.weight.rows);
    let sums = weights.map(|tile| {
        let (rows, mut out) = (&tile[shape.layout.sparse()..shape.sparse_inputs()], Row::ZERO);
        instructions.run(WeightedSum { start: &Row::ZERO, scalars: &DENSE_AT_ZERO, rows, out: &mut out });
        out
    });
    sums.collect()
}
