//! The weights of a DistilBERT.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use siphasher::sip::SipHasher24;
use skimlog_runtime::files::write_file;

use super::file::{TensorFile, Tensors, write_tensors};
use super::{Architecture, CONFIG_FILE, DistilBertError, TensorName, WEIGHTS_FILE, check_folder};

/// A masked language model's weights, one after the other in the order of [`Architecture::tensors`].
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    architecture: Architecture,
    ranges: HashMap<TensorName, Range<usize>>,
    values: Vec<f32>,
    new_head: bool,
}

impl Weights {
    fn zero(architecture: Architecture) -> Self {
        let mut end = 0;
        let ranges = architecture.tensors().map(|tensor| {
            let start = end;
            end += architecture.shape(tensor).iter().product::<usize>();
            (tensor, start..end)
        });
        let ranges = ranges.collect();
        Self { architecture, ranges, values: vec![0.0; end], new_head: false }
    }

    /// Weights to train from scratch, as Hugging Face starts them: normal with standard deviation `initializer_range`,
    /// the padding token's vector and all biases 0, normalisations' scales 1.
    pub fn random(architecture: Architecture, seed: u64) -> Self {
        let mut weights = Self::zero(architecture);
        let tensors: Vec<TensorName> = weights.architecture.tensors().collect();
        tensors.into_iter().for_each(|tensor| weights.initialise(tensor, seed));
        weights
    }

    /// Initialises a tensor for training from scratch. Each tensor has a random generator of its own, so that its
    /// values do not depend on the sizes of the others.
    fn initialise(&mut self, tensor: TensorName, seed: u64) {
        let deviation = self.architecture.initializer_range;
        let padding = self.architecture.pad_token_id as usize;
        let width = self.architecture.dim;
        let values = self.tensor_mut(tensor);
        match tensor {
            TensorName::Bias(_) => values.fill(0.0),
            TensorName::Weight(block) if block.is_norm() => values.fill(1.0),
            _ => {
                let of_name = SipHasher24::new().hash(tensor.name().as_bytes());
                let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ of_name);
                values.iter_mut().for_each(|value| {
                    let normal: f64 = StandardNormal.sample(&mut random);
                    *value = (deviation * normal) as f32;
                });
                if tensor == TensorName::WordEmbeddings {
                    values[padding * width..][..width].fill(0.0);
                }
            }
        }
    }

    /// Reads a Hugging Face folder: `config.json` and `model.safetensors` of a DistilBERT, with or without the
    /// masked-language-model head and the prefix `distilbert.`, in single or half precision. Where the head is missing,
    /// it is initialised as in [`Weights::random`], and [`Weights::has_new_head`] is true.
    ///
    /// # Errors
    /// As [`Architecture::read`]; [`DistilBertError::Weights`] for a tensor that is missing, has another shape or type,
    /// or holds what is no finite number.
    pub fn read(folder: &Path) -> Result<Self, DistilBertError> {
        check_folder(folder)?;
        let architecture = Architecture::read(&folder.join(CONFIG_FILE))?;
        let file = TensorFile::open(&folder.join(WEIGHTS_FILE))?;
        let tensors = file.tensors()?;
        refuse_oversized(&architecture, &file, tensors.path())?;
        let mut weights = Self::zero(architecture);
        let all: Vec<TensorName> = weights.architecture.tensors().collect();
        weights.new_head = all.iter().filter(|tensor| tensor.is_head()).all(|head| !tensors.contains(&head.name()));
        for tensor in all {
            if tensor.is_head() && weights.new_head {
                weights.initialise(tensor, 0);
                continue;
            }
            let name = tensor.name();
            let bare = name.strip_prefix("distilbert.").filter(|bare| tensors.contains(bare));
            let shape = weights.architecture.shape(tensor);
            tensors.read(bare.unwrap_or(&name), &shape, weights.tensor_mut(tensor))?;
        }
        weights.refuse_own_output_layer(&tensors)?;
        Ok(weights)
    }

    /// A file may store the output layer's weight too, if it is that of the word embeddings.
    fn refuse_own_output_layer(&self, tensors: &Tensors<'_>) -> Result<(), DistilBertError> {
        const NAME: &str = "vocab_projector.weight";
        if !tensors.contains(NAME) {
            return Ok(());
        }
        let words = self.tensor(TensorName::WordEmbeddings);
        let mut projector = vec![0.0; words.len()];
        tensors.read(NAME, &self.architecture.shape(TensorName::WordEmbeddings), &mut projector)?;
        if projector == words {
            return Ok(());
        }
        let problem = format!("{NAME} is not that of the word embeddings: only tied output layers can be computed");
        Err(DistilBertError::Weights { path: tensors.path().to_owned(), problem })
    }

    /// Writes `config.json` and `model.safetensors` into a folder, for `transformers` and for [`Weights::read`].
    ///
    /// # Errors
    /// [`DistilBertError::Write`].
    pub fn write(&self, folder: &Path) -> Result<(), DistilBertError> {
        self.architecture.write(&folder.join(CONFIG_FILE))?;
        let tensors =
            self.tensors().map(|tensor| (tensor.name(), self.architecture.shape(tensor), self.tensor(tensor)));
        Ok(write_file(&folder.join(WEIGHTS_FILE), |out| write_tensors(out, tensors))?)
    }

    /// The sizes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// All tensors, in the order in which they are stored.
    pub fn tensors(&self) -> impl Iterator<Item = TensorName> + Clone {
        self.architecture.tensors().collect::<Vec<_>>().into_iter()
    }

    /// Whether the file that was read had no masked-language-model head, so that this one is untrained.
    pub fn has_new_head(&self) -> bool {
        self.new_head
    }

    /// A tensor's numbers, row after row, `[outputs, inputs]` for a linear layer.
    ///
    /// # Panics
    /// For a layer that the architecture does not have, and for the projector's weight, which is
    /// [`TensorName::WordEmbeddings`].
    pub fn tensor(&self, tensor: TensorName) -> &[f32] {
        &self.values[self.range(tensor)]
    }

    /// As [`Weights::tensor`], to be changed.
    ///
    /// # Panics
    /// As [`Weights::tensor`].
    pub fn tensor_mut(&mut self, tensor: TensorName) -> &mut [f32] {
        let range = self.range(tensor);
        &mut self.values[range]
    }

    /// The range of a tensor's numbers in [`Weights::values`].
    ///
    /// # Panics
    /// As [`Weights::tensor`].
    pub fn range(&self, tensor: TensorName) -> Range<usize> {
        self.ranges.get(&tensor).cloned().expect("the tensor is one of the architecture's")
    }

    /// All numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All numbers, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

/// Refuses sizes for which the file is too small, before memory is allocated for them. The head may be missing; it is
/// smaller than the rest.
fn refuse_oversized(architecture: &Architecture, file: &TensorFile, path: &Path) -> Result<(), DistilBertError> {
    let needed = architecture.encoder_values();
    let most = file.bytes() / size_of::<u16>();
    if needed <= most as u64 {
        return Ok(());
    }
    let problem = format!("it has room for {most} numbers, config.json wants {needed}");
    Err(DistilBertError::Weights { path: path.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use half::{bf16, f16};
    use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

    use super::*;
    use crate::distilbert::Block;

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-distilbert")
    }

    /// Stores the fixture's tensors changed: `change` gives each its name and numbers, or leaves it out.
    fn stored(folder: &Path, change: impl Fn(TensorName, &[f32]) -> Option<(String, Dtype, Vec<u8>)>) {
        let weights = Weights::read(&fixture()).unwrap();
        weights.architecture().write(&folder.join(CONFIG_FILE)).unwrap();
        let tensors: Vec<_> = weights
            .tensors()
            .filter_map(|tensor| Some((weights.architecture().shape(tensor), change(tensor, weights.tensor(tensor))?)))
            .collect();
        let views = tensors.iter().map(|(shape, (name, dtype, bytes))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        serialize_to_file(views, None, &folder.join(WEIGHTS_FILE)).unwrap();
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let read = Weights::read(&fixture()).unwrap();
        assert!(!read.has_new_head());
        read.write(folder.path()).unwrap();
        assert_eq!(Weights::read(folder.path()).unwrap(), read);
    }

    #[test]
    fn an_encoder_alone_gets_a_new_head() {
        let folder = tempfile::tempdir().unwrap();
        stored(folder.path(), |tensor, values| {
            let name = tensor.name().strip_prefix("distilbert.")?.to_owned();
            Some((name, Dtype::F32, bytes(values)))
        });
        let (whole, read) = (Weights::read(&fixture()).unwrap(), Weights::read(folder.path()).unwrap());
        assert!(read.has_new_head());
        for tensor in whole.tensors() {
            assert_eq!(whole.tensor(tensor) == read.tensor(tensor), !tensor.is_head(), "{}", tensor.name());
        }
    }

    #[test]
    fn half_precision_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let whole = Weights::read(&fixture()).unwrap();
        type Half = (Dtype, fn(f32) -> u16, fn(u16) -> f32);
        let halves: [Half; 2] = [
            (Dtype::BF16, |value| bf16::from_f32(value).to_bits(), |bits| bf16::from_bits(bits).to_f32()),
            (Dtype::F16, |value| f16::from_f32(value).to_bits(), |bits| f16::from_bits(bits).to_f32()),
        ];
        for (dtype, narrow, widen) in halves {
            stored(folder.path(), |tensor, values| {
                let bytes = values.iter().flat_map(|&value| narrow(value).to_le_bytes());
                Some((tensor.name(), dtype, bytes.collect()))
            });
            let read = Weights::read(folder.path()).unwrap();
            assert!(whole.values().iter().map(|&value| widen(narrow(value))).eq(read.values().iter().copied()));
            for (a, b) in whole.values().iter().zip(read.values()) {
                assert!((a - b).abs() <= a.abs() / 256.0 + 1e-7, "{dtype:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn weights_that_do_not_fit_are_refused_with_the_tensor() {
        let folder = tempfile::tempdir().unwrap();
        let refuse = |expected: &str| {
            let found = Weights::read(folder.path()).unwrap_err().to_string();
            assert!(found.contains(WEIGHTS_FILE) && found.contains(expected), "{found}");
        };
        let spoilt = TensorName::Weight(Block::Key(1));
        let store = |change: &dyn Fn(&mut Vec<f32>) -> Option<Dtype>| {
            stored(folder.path(), |tensor, values| {
                let mut values = values.to_vec();
                let dtype = if tensor == spoilt { change(&mut values)? } else { Dtype::F32 };
                Some((tensor.name(), dtype, bytes(&values)))
            });
        };
        store(&|_| None);
        refuse("layer.1.attention.k_lin.weight is missing");
        store(&|_| Some(Dtype::I32));
        refuse("layer.1.attention.k_lin.weight has numbers of type I32");
        store(&|values| {
            values[7] = f32::NAN;
            Some(Dtype::F32)
        });
        refuse("layer.1.attention.k_lin.weight holds NaN");
        store(&|_| Some(Dtype::F32));
        let mut architecture = Architecture::read(&folder.path().join(CONFIG_FILE)).unwrap();
        architecture.vocab_size = 1 << 24;
        architecture.write(&folder.path().join(CONFIG_FILE)).unwrap();
        refuse("numbers, config.json wants 107");
        architecture.vocab_size = 2000;
        architecture.hidden_dim = 96;
        architecture.write(&folder.path().join(CONFIG_FILE)).unwrap();
        refuse("layer.0.ffn.lin1.weight has shape [128, 64], config.json wants [96, 64]");
        let whole = fs::read(folder.path().join(WEIGHTS_FILE)).unwrap();
        fs::write(folder.path().join(WEIGHTS_FILE), &whole[..whole.len() - 4]).unwrap();
        refuse("not a whole safetensors file");
    }

    #[test]
    fn random_weights_start_as_hugging_face_starts_them() {
        let architecture = Architecture::new(300, 32, 48, 3, 4);
        let weights = Weights::random(architecture.clone(), 5);
        assert_eq!(weights, Weights::random(architecture.clone(), 5));
        assert_ne!(weights, Weights::random(architecture, 6));
        let words = weights.tensor(TensorName::WordEmbeddings);
        assert!(words[..32].iter().all(|&value| value == 0.0));
        let square = words[32..].iter().map(|value| f64::from(value * value)).sum::<f64>() / (words.len() - 32) as f64;
        assert!((square.sqrt() - 0.02).abs() < 1e-3, "{square}");
        assert!(weights.tensor(TensorName::Bias(Block::Query(2))).iter().all(|&value| value == 0.0));
        assert!(weights.tensor(TensorName::Weight(Block::OutputNorm(1))).iter().all(|&value| value == 1.0));
        assert_ne!(
            weights.tensor(TensorName::Weight(Block::Query(0))),
            weights.tensor(TensorName::Weight(Block::Key(0)))
        );
    }
}
