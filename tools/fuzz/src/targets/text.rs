//! Files of text models: a Hugging Face folder, ONNX, token vectors, snapshots, tokenizers.

use std::path::Path;

use skimlog::workspace::Fingerprint;
use skimlog_runtime::progress::Silent;
use skimlog_text::distilbert::{DistilBertError, Weights};
use skimlog_text::finetune::SpecialTokens;
use skimlog_text::{
    Decoder, EncoderModel, EncoderOptions, EngineChoice, MappedVectors, MeanOptions, MeanVectors, Snapshots, TextError,
    TokenBatch, TokenVectors, VectorPaths,
};

use super::sample;
use super::training::tiny;
use crate::random::Random;
use crate::scratch::{ManyFiles, Scratch};
use crate::{Exact, Target, Verdict, digest, sealed};

/// `config.json` and `model.safetensors` of a DistilBERT.
pub(super) struct DistilBert {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
}

impl DistilBert {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        Weights::random(tiny(), 1).write(scratch.path()).expect("the weights are written");
        let files = ManyFiles::new(scratch, ["config.json", "model.safetensors"].map(str::to_owned));
        let seeds = files.seeds();
        Self { files, seeds }
    }
}

impl Target for DistilBert {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| {
            let weights = Weights::read(folder)?;
            weights.onnx().write(&mut std::io::sink()).expect("a sink takes everything");
            let tensors = weights.tensors().map(|tensor| digest(&weights.tensor(tensor)));
            Ok::<_, DistilBertError>(digest(&(weights.architecture(), tensors.collect::<Vec<_>>())))
        };
        match self.files.with(input, read) {
            Ok(values) => Verdict::Accepted(values),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        "/"
    }
}

/// An ONNX file and the `config.json` beside it, run by the engine that is always there.
pub(super) struct Onnx {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
}

const MODEL: &str = "model.onnx";

fn options() -> EncoderOptions {
    EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() }
}

impl Onnx {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let weights = Weights::random(tiny(), 1);
        weights.write(scratch.path()).expect("the weights are written");
        weights.onnx().save(&scratch.path().join(MODEL)).expect("the model is written");
        let files = ManyFiles::new(scratch, [MODEL, "config.json"].map(str::to_owned));
        let seeds = files.seeds();
        Self { files, seeds }
    }
}

impl Target for Onnx {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| {
            let model = EncoderModel::open(&folder.join(MODEL), &options())?;
            let length = model.max_length().min(4);
            let sequences = [[1u32, 2, 3, 109], [1, 109, 2, 0]];
            let batch = TokenBatch::new(sequences.iter().map(|sequence| &sequence[..length]));
            model.encoder()?.encode(&batch)
        };
        match self.files.with(input, read) {
            Ok(hidden) => Verdict::Accepted(digest(&hidden)),
            Err::<_, TextError>(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        "/"
    }
}

/// Token vectors and their ids, as numpy writes them.
pub(super) struct Vectors {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
}

impl Vectors {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let tokens: Vec<u32> = (0..9).map(|token| token * token).collect();
        let vectors = ndarray::Array2::from_shape_fn((9, 3), |(row, column)| (row * 3 + column) as f32);
        let vectors = TokenVectors { counts: vec![1; tokens.len()], tokens, vectors };
        let paths = VectorPaths::in_directory(scratch.path());
        let write = |path: &Path, write: &dyn Fn(std::fs::File) -> std::io::Result<()>| {
            std::fs::File::create(path).and_then(write).expect("the temporary file is written");
        };
        write(&paths.tokens, &|out| vectors.write_tokens(out));
        write(&paths.vectors, &|out| vectors.write_vectors(out));
        let files = ManyFiles::new(scratch, ["token_embeddings.npy", "token_ids.npy"].map(str::to_owned));
        let seeds = files.seeds();
        Self { files, seeds }
    }
}

impl Target for Vectors {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| {
            let mapped = MappedVectors::open(&VectorPaths::in_directory(folder))?;
            let view = mapped.view()?;
            assert_eq!(view.nrows(), mapped.tokens().len(), "as many vectors as ids");
            Ok::<_, TextError>(digest(&(mapped.tokens(), view)))
        };
        match self.files.with(input, read) {
            Ok(values) => Verdict::Accepted(values),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        ".npy"
    }
}

/// What a computation of token vectors had come to.
pub(super) struct Snapshot {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
    model: EncoderModel,
}

impl Snapshot {
    const NAME: &str = "embed.snapshot";

    fn snapshots(scratch: &Scratch) -> Snapshots {
        let path = scratch.path().join(Self::NAME);
        Snapshots { path, identity: Fingerprint::new().identity(), every: std::time::Duration::ZERO }
    }

    fn computation<'m>(model: &'m EncoderModel, scratch: &Scratch) -> MeanVectors<'m> {
        let options = MeanOptions { batch_tokens: Some(8), window_tokens: 24, ..MeanOptions::default() };
        let computation = MeanVectors::new(model, options).expect("the model was tried out");
        computation.resumed(Self::snapshots(scratch))
    }

    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let weights = Weights::random(tiny(), 1);
        weights.write(scratch.path()).expect("the weights are written");
        let model = EncoderModel::open(scratch.path(), &options()).expect("the model is sound");
        let records: Vec<Vec<u32>> =
            (0..20u32).map(|row| (0..4).map(|place| (row * 3 + place) % 40).collect()).collect();
        let mut computation = Self::computation(&model, &scratch);
        computation.add(records.iter().map(Vec::as_slice), &Silent).expect("the tokens are known");
        computation.finish(&Silent).expect("there are records");
        let seeds = vec![std::fs::read(scratch.path().join(Self::NAME)).expect("a snapshot was kept")];
        Self { scratch, seeds, model }
    }
}

impl Target for Snapshot {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        self.scratch.write(Self::NAME, input);
        let computation = Self::computation(&self.model, &self.scratch);
        let standing = (computation.skip(), computation.resumed_records());
        if standing == (0, 0) {
            return Verdict::Rejected("as good as none".into());
        }
        let vectors = computation.finish(&Silent).map_err(|error| error.to_string());
        Verdict::Accepted(digest(&(standing, vectors)))
    }

    fn exact(&self) -> Exact {
        Exact::Always
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        Some(sealed::mutant(&self.seeds, random, sealed::trailing))
    }
}

/// A `tokenizer.json`, for decoding and for its special tokens.
pub(super) struct Tokenizer {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl Tokenizer {
    const NAME: &str = "tokenizer.json";

    pub(super) fn new() -> Self {
        let text = sample::read("tokenizer/tokenizer.json");
        let mut tree: serde_json::Value = serde_json::from_slice(&text).expect("the fixture is JSON");
        // A few hundred tokens are enough, and fast to read.
        if let Some(vocabulary) = tree.pointer_mut("/model/vocab").and_then(serde_json::Value::as_object_mut) {
            vocabulary.retain(|_, id| id.as_u64().is_some_and(|id| id < 160));
        }
        Self { scratch: Scratch::new(), seeds: vec![serde_json::to_vec(&tree).expect("a tree is written")] }
    }
}

impl Target for Tokenizer {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(Self::NAME, input);
        let read = || {
            let special = SpecialTokens::read(&path)?;
            let decoder = Decoder::open(&path)?;
            let texts = (0..200).map(|token| decoder.decode(&[101, token, 102], token % 2 == 0).ok());
            Ok::<_, TextError>(digest(&(special, texts.collect::<Vec<_>>())))
        };
        match read() {
            Ok(values) => Verdict::Accepted(values),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        Self::NAME
    }
}
