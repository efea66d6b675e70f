//! A network packed for prediction, in one of three precisions.
//!
//! Every batch normalisation `scale × u + shift` is folded into the weights and the bias of the linear layer after it;
//! only the skip connection from `h1` keeps its own scale and shift. The first layer gathers the weights of inputs that
//! are not zero, two inputs at a time (`lists`); what language, hour and day give is a row of a table each. The three
//! hidden layers are products of words: floats, bfloat16, or bytes.

mod calibration;
mod engine;
mod file;
mod layout;
mod lists;
mod pack;
mod precision;
mod small;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use calibration::Calibration;
pub use engine::InferenceTimes;
pub use precision::Precision;

use calibration::{correct_biases, fit_columns, means};
use engine::Engine;
use file::Packed;
use layout::PackedLayout;
use skimlog_features::input::Batch;
use skimlog_formats::PerReaction;

use super::check::check;
use super::error::NetError;
use super::kernels::DotInstructions;
use super::network::Network;
use super::shape::Shape;

/// A network made ready for prediction, with the memory that a batch needs.
///
/// Runs on the current rayon thread pool, and on the calling thread alone if that pool has one thread. A record's
/// logits are the same for any number of threads and any batch around it.
pub struct Inference {
    packed: Arc<Packed>,
    engine: Engine,
}

impl Inference {
    /// Makes a network ready in single precision.
    pub fn new(network: &Network) -> Self {
        Self::with_instructions(network, Precision::F32, None, DotInstructions::best())
    }

    /// Makes a network ready in some precision, fitted to a calibration's records where that is given.
    ///
    /// # Errors
    ///
    /// [`NetError::Uncalibrated`] for [`Precision::Int8`] without a record to calibrate on; [`NetError::Batch`] if the
    /// calibration's records do not fit the network.
    pub fn with_precision(
        network: &Network,
        precision: Precision,
        calibration: Option<&Calibration>,
    ) -> Result<Self, NetError> {
        let calibration = calibration.filter(|calibration| calibration.records() > 0);
        if precision == Precision::Int8 && calibration.is_none() {
            return Err(NetError::Uncalibrated);
        }
        for batch in calibration.iter().flat_map(|calibration| calibration.batches()) {
            check(batch, network.shape()).map_err(|reason| NetError::Batch { rows: batch.rows, reason })?;
        }
        Ok(Self::with_instructions(network, precision, calibration, DotInstructions::best()))
    }

    pub(super) fn with_instructions(
        network: &Network,
        precision: Precision,
        calibration: Option<&Calibration>,
        instructions: DotInstructions,
    ) -> Self {
        let layout = PackedLayout::new(network.shape(), precision);
        let mut engine = Engine::new(layout, instructions, false);
        let rows = match calibration.filter(|_| precision != Precision::F32) {
            None => pack::pack(network, &layout, None),
            Some(calibration) => {
                let exact = PackedLayout::new(network.shape(), Precision::F32);
                let exact_rows = pack::pack(network, &exact, None);
                let mut exact = Engine::new(exact, instructions, false);
                let columns = fit_columns(&mut exact, &exact_rows, calibration);
                let means = means(&mut exact, &exact_rows, calibration);
                drop(exact_rows);
                let mut rows = pack::pack(network, &layout, Some(&columns));
                correct_biases(&layout, &mut rows, &mut engine, &means, calibration);
                rows
            }
        };
        Self { packed: Arc::new(Packed::new(layout, rows)), engine }
    }

    /// Maps a file written by [`Inference::save`] and checks that it is whole; nothing of it is copied.
    ///
    /// # Errors
    ///
    /// [`NetError`] if the file is not readable, not intact, of another version or for another shape or precision.
    pub fn open(path: &Path, shape: Shape, precision: Precision) -> Result<Self, NetError> {
        let layout = PackedLayout::new(shape, precision);
        let packed = Arc::new(Packed::open(path, layout)?);
        Ok(Self { packed, engine: Engine::new(layout, DotInstructions::best(), false) })
    }

    /// Another one with the same packed network and its own memory for batches, which the calling thread alone works
    /// for.
    pub fn another_on_one_thread(&self) -> Self {
        let engine = Engine::new(*self.packed.layout(), self.engine.instructions(), true);
        Self { packed: self.packed.clone(), engine }
    }

    /// Writes the packed network to a file that [`Inference::open`] maps.
    ///
    /// # Errors
    ///
    /// [`NetError::Write`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NetError> {
        self.packed.save(path)
    }

    /// The precision.
    pub fn precision(&self) -> Precision {
        self.packed.layout().precision
    }

    /// Name of the instruction set in use.
    pub fn instruction_set(&self) -> &'static str {
        self.engine.instructions().name()
    }

    /// Time spent so far in each part.
    pub fn times(&self) -> InferenceTimes {
        self.engine.times()
    }

    /// The logits of a batch's records, one after the other, in place of what `out` held.
    ///
    /// # Errors
    ///
    /// [`NetError::Batch`] for a batch that does not fit the network, [`NetError::Lost`] if the mapped network lost
    /// bytes.
    pub fn logits(&mut self, batch: &Batch, out: &mut Vec<PerReaction<f32>>) -> Result<(), NetError> {
        out.clear();
        let shape = self.packed.layout().shape;
        check(batch, shape).map_err(|reason| NetError::Batch { rows: batch.rows, reason })?;
        self.engine.run(self.packed.rows(), batch, None, out);
        self.packed.intact()
    }
}
