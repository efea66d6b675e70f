//! The engines against hidden states computed without them, and the means against their definition.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ndarray::{Array2, Array3};
use ndarray_npy::ReadNpyExt;
use siphasher::sip::SipHasher24;
use skimlog_formats::Lists;
use skimlog_runtime::identity::Identity;
use skimlog_runtime::progress::{Progress, Silent, Unit};

use crate::distilbert::Weights;
use crate::onnx::{ElementType, Graph, OnnxModel};
use crate::{
    EncoderModel, EncoderOptions, EngineChoice, MeanOptions, MeanSummary, MeanVectors, Snapshots, TextError,
    TokenBatch, TokenVectors,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-distilbert").join(name)
}

fn open(engine: EngineChoice) -> EncoderModel {
    EncoderModel::open(&fixture(""), &EncoderOptions { engine, ..EncoderOptions::default() }).unwrap()
}

/// tract, and ONNX Runtime where this machine has it.
fn engines() -> Vec<EngineChoice> {
    let options = EncoderOptions { engine: EngineChoice::OnnxRuntime, ..EncoderOptions::default() };
    let runtime = match EncoderModel::open(&fixture(""), &options) {
        Err(TextError::NoOnnxRuntime { .. } | TextError::NotBuilt { .. }) => None,
        _ => Some(EngineChoice::OnnxRuntime),
    };
    [EngineChoice::Tract].into_iter().chain(runtime).collect()
}

fn models() -> Vec<EncoderModel> {
    let models: Vec<EncoderModel> = engines().into_iter().map(open).collect();
    assert!(
        models
            .iter()
            .map(|model| model.engine().engine.as_ref())
            .eq(["tract", "ONNX Runtime"].into_iter().take(models.len()))
    );
    models
}

/// The fixture's batch, each sequence without its padding, and its hidden states `[sequences, length, width]`.
fn expected() -> (Vec<Vec<u32>>, Array3<f32>) {
    let read = |name| Array2::<i64>::read_npy(fs::File::open(fixture(name)).unwrap()).unwrap();
    let (ids, mask) = (read("expected_input_ids.npy"), read("expected_attention_mask.npy"));
    let sequence = |(ids, mask): (ndarray::ArrayView1<'_, i64>, ndarray::ArrayView1<'_, i64>)| {
        ids.iter().zip(mask).filter(|(_, mask)| **mask == 1).map(|(&id, _)| id as u32).collect()
    };
    let sequences: Vec<Vec<u32>> = ids.outer_iter().zip(mask.outer_iter()).map(sequence).collect();
    let hidden = Array3::read_npy(fs::File::open(fixture("expected_hidden_states.npy")).unwrap()).unwrap();
    assert_eq!(hidden.dim(), (sequences.len(), ids.ncols(), 64));
    (sequences, hidden)
}

#[test]
fn engines_agree_with_the_definition() {
    models().iter().for_each(agrees_with_the_definition);
}

#[test]
fn what_we_export_agrees_with_the_definition_in_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("config.json"), folder.path().join("config.json")).unwrap();
    let weights = Weights::read(&fixture("")).unwrap();
    // Once with the weights in the model, once beside it.
    for largest_file in [u64::MAX, 10_000] {
        weights.onnx().largest_file(largest_file).save(&folder.path().join("model.onnx")).unwrap();
        assert_eq!(folder.path().join("model.onnx.data").exists(), largest_file == 10_000);
        for engine in engines() {
            let options = EncoderOptions { engine, ..EncoderOptions::default() };
            agrees_with_the_definition(&EncoderModel::open(folder.path(), &options).unwrap());
        }
    }
}

/// The fixture's batch, padded, and each of its sequences alone, give the hidden states computed without an engine.
fn agrees_with_the_definition(model: &EncoderModel) {
    let (sequences, expected) = expected();
    let mut encoder = model.encoder().unwrap();
    let mut compare = |chosen: &[usize]| {
        let batch = TokenBatch::new(chosen.iter().map(|&number| &*sequences[number]));
        let hidden = encoder.encode(&batch).unwrap();
        assert_eq!(hidden.dim(), (chosen.len(), batch.length(), 64));
        for (hidden, &number) in hidden.outer_iter().zip(chosen) {
            for position in 0..sequences[number].len() {
                for (a, b) in hidden.row(position).iter().zip(expected.slice(ndarray::s![number, position, ..])) {
                    // Half of what two engines may differ.
                    assert!((a - b).abs() < 5e-5, "{}: {a} {b}", model.engine().engine);
                }
            }
        }
    };
    compare(&[0, 1, 2, 3]);
    (0..4).for_each(|number| compare(&[number]));
}

#[test]
fn a_model_that_asks_for_token_types_gets_zeros() {
    let words = Array2::from_shape_fn((50, 4), |(token, column)| (10 * token + column) as f32);
    let types = ndarray::array![[0.5f32, 0.25, 0.0, -0.5], [100.0; 4]];
    let mut graph = Graph::new("words and types");
    let shape = ["batch".into(), "length".into()];
    // In an order that is not ours.
    let names = ["token_type_ids", "attention_mask", "input_ids"];
    let [token_types, mask, ids] = names.map(|name| graph.input(name, ElementType::I64, &shape));
    let tables = [graph.weight("words", words.view()), graph.weight("types", types.view())];
    let found = [(tables[0], ids), (tables[1], token_types)].map(|(table, of)| graph.node("Gather", &[table, of]));
    let sum = graph.node("Add", &found);
    let mask = graph.node_with("Cast", &[mask], &[("to", ElementType::F32.number().into())]);
    let last = graph.integers(&[2]);
    let mask = graph.node("Unsqueeze", &[mask, last]);
    let hidden = graph.node("Mul", &[sum, mask]);
    graph.output("hidden", hidden, ElementType::F32, &["batch".into(), "length".into(), 4.into()]);
    let folder = tempfile::tempdir().unwrap();
    OnnxModel::new(graph).save(&folder.path().join("model.onnx")).unwrap();

    for engine in engines() {
        let model = EncoderModel::open(folder.path(), &EncoderOptions { engine, ..EncoderOptions::default() }).unwrap();
        let batch = TokenBatch::new([&[7, 49][..], &[3]]);
        let hidden = model.encoder().unwrap().encode(&batch).unwrap();
        for (position, token) in [([0, 0], 7), ([0, 1], 49), ([1, 0], 3)] {
            let found = hidden.slice(ndarray::s![position[0], position[1], ..]);
            assert_eq!(found, &words.row(token) + &types.row(0), "{engine:?}");
        }
    }
}

#[test]
fn what_is_no_model_is_refused_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.onnx");
    let tract = EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() };
    let refuse = |options: &EncoderOptions| {
        let found = EncoderModel::open(&path, options).and_then(|model| model.encoder().map(|_| ())).unwrap_err();
        assert!(
            found.to_string().contains("model.onnx") || matches!(found, TextError::NoOnnxRuntime { .. }),
            "{found}"
        );
        found
    };
    for options in [&tract, &EncoderOptions::default()] {
        let _ = fs::remove_file(&path);
        assert!(matches!(refuse(options), TextError::File { .. }));
        fs::write(&path, "<html>not found</html>").unwrap();
        assert!(matches!(refuse(options), TextError::Load { .. }));
        let whole = fs::read(fixture("model.onnx")).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(refuse(options), TextError::Load { .. }));
        // Both the declaration and the uses of an input carry its name; the new name is as long.
        fs::write(&path, replace(&whole, b"attention_mask", b"attention_musk")).unwrap();
        let found = refuse(options).to_string();
        assert!(found.contains("no input attention_mask"), "{found}");
    }
    fs::write(directory.path().join("config.json"), "{").unwrap();
    assert!(matches!(EncoderModel::open(&path, &tract), Err(TextError::Config { .. })));
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let starts: Vec<usize> = (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    starts.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[test]
fn without_a_configuration_the_graph_tells_the_vocabulary() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.onnx");
    fs::copy(fixture("model.onnx"), &path).unwrap();
    let options = EncoderOptions { engine: EngineChoice::Tract, max_length: Some(1000), ..EncoderOptions::default() };
    let model = EncoderModel::open(&path, &options).unwrap();
    assert_eq!(model.max_length(), 1000);
    let found = model.encoder().unwrap().encode(&TokenBatch::new([&[101, 2000, 102][..]])).unwrap_err();
    assert!(matches!(found, TextError::Token { token: 2000, vocabulary: 2000, .. }), "{found}");
}

#[test]
fn a_token_beyond_the_vocabulary_is_named() {
    for model in models() {
        let found = model.encoder().unwrap().encode(&TokenBatch::new([&[101, 1999, 119_546, 102][..]])).unwrap_err();
        assert!(found.to_string().starts_with("token 119546 is beyond the vocabulary of "), "{found}");
    }
}

#[cfg(feature = "onnxruntime")]
#[test]
fn a_library_that_is_none_is_an_error_or_a_fallback() {
    // Only where no library was loaded before: there can be but one in a process.
    if engines().contains(&EngineChoice::OnnxRuntime) {
        return;
    }
    let library = Some(fixture("config.json"));
    let forced = EncoderOptions { engine: EngineChoice::OnnxRuntime, library: library.clone(), max_length: None };
    assert!(matches!(EncoderModel::open(&fixture(""), &forced), Err(TextError::NoOnnxRuntime { .. })));
    let chosen = EncoderOptions { engine: EngineChoice::Auto, library, max_length: None };
    let model = EncoderModel::open(&fixture(""), &chosen).unwrap();
    assert_eq!(model.engine().engine, "tract");
    assert!(model.engine().fallback.as_ref().unwrap().contains("config.json"));
}

/// Records with repeats, of many lengths, some longer than `max_length` 20.
fn records() -> Lists<u32> {
    let mut records = Lists::default();
    for record in 0..120u64 {
        let tweet = record % 50;
        let length = 2 + SipHasher24::new().hash(&[tweet as u8]) % 23;
        records.push_value(101);
        for position in 1..length - 1 {
            let mixed = SipHasher24::new().hash(&[tweet as u8, position as u8]);
            records.push_value(104 + (mixed % (1 + mixed % 300)) as u32);
        }
        records.push_value(102);
        records.close();
    }
    records
}

fn mean(model: &EncoderModel, options: MeanOptions, progress: &dyn Progress) -> (TokenVectors, MeanSummary) {
    let mut mean = MeanVectors::new(model, options).unwrap();
    let records = records();
    // In pieces, as a reader of parts gives them.
    for start in (0..records.len()).step_by(37) {
        mean.add(records.iter().skip(start).take(37), progress).unwrap();
    }
    mean.finish(progress).unwrap()
}

fn limited(engine: EngineChoice) -> EncoderModel {
    EncoderModel::open(&fixture(""), &EncoderOptions { engine, library: None, max_length: Some(20) }).unwrap()
}

#[test]
fn means_equal_a_naive_mean_over_records() {
    let model = limited(EngineChoice::Tract);
    let mut encoder = model.encoder().unwrap();
    let mut naive: BTreeMap<u32, (u64, Vec<f64>)> = BTreeMap::new();
    let mut cut = 0;
    for tokens in records().iter() {
        cut += u64::from(tokens.len() > 20);
        let tokens = &tokens[..tokens.len().min(20)];
        let hidden = encoder.encode(&TokenBatch::new([tokens])).unwrap();
        for (&token, hidden) in tokens.iter().zip(hidden.index_axis(ndarray::Axis(0), 0).outer_iter()) {
            let (count, sum) = naive.entry(token).or_insert_with(|| (0, vec![0.0; 64]));
            *count += 1;
            sum.iter_mut().zip(hidden).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }
    assert!(cut > 0);
    for window_tokens in [1, 400, 1 << 20] {
        let options = MeanOptions { threads: 2, batch_tokens: Some(64), window_tokens };
        let (vectors, summary) = mean(&model, options, &Silent);
        assert_eq!((summary.records, summary.cut), (120, cut));
        assert!(if window_tokens == 1 { summary.computed == 120 } else { summary.computed < 120 });
        assert!(vectors.tokens.iter().eq(naive.keys()));
        assert!(vectors.counts.iter().eq(naive.values().map(|(count, _)| count)));
        for (vector, (count, sum)) in vectors.vectors.outer_iter().zip(naive.values()) {
            for (&ours, sum) in vector.iter().zip(sum) {
                assert!((f64::from(ours) - sum / *count as f64).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn threads_never_show() {
    for engine in engines() {
        let model = limited(engine);
        let run = |threads| mean(&model, MeanOptions { threads, batch_tokens: Some(50), window_tokens: 300 }, &Silent);
        let one = run(1);
        assert_eq!(one, run(3), "{engine:?}");
        assert_eq!(one, run(2), "{engine:?}");
    }
}

/// Ends every worker after so many batches, as a killed process would.
struct Killed(AtomicI64);

impl Progress for Killed {
    fn begin(&self, _: &str, _: Option<u64>, _: Unit) {}
    fn advance(&self, _: u64) {
        if self.0.fetch_sub(1, Ordering::Relaxed) <= 0 {
            // Unlike a panic of its own it prints nothing.
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
    fn remark(&self, _: &str) {}
    fn end(&self) {}
}

#[test]
fn killed_again_and_again_the_means_are_the_same() {
    let model = limited(EngineChoice::Tract);
    for window_tokens in [300, 1 << 20] {
        let options = MeanOptions { threads: 2, batch_tokens: Some(50), window_tokens };
        let undisturbed = mean(&model, options, &Silent);
        let folder = tempfile::tempdir().unwrap();
        let snapshots = Snapshots {
            path: folder.path().join("snapshot"),
            identity: Identity::default(),
            every: std::time::Duration::ZERO,
        };
        let records = records();
        let mut skipped = Vec::new();
        let attempt = |progress: &dyn Progress, skipped: &mut Vec<u64>| {
            let mut mean = MeanVectors::new(&model, options).unwrap().resumed(snapshots.clone());
            skipped.push(mean.resumed_records());
            mean.add(records.iter().skip(mean.skip() as usize), progress).unwrap();
            mean.finish(progress).unwrap()
        };
        for _ in 0..6 {
            let killed = Killed(AtomicI64::new(2));
            let attempt = std::panic::AssertUnwindSafe(|| attempt(&killed, &mut skipped));
            assert!(std::panic::catch_unwind(attempt).is_err());
        }
        assert_eq!(attempt(&Silent, &mut skipped), undisturbed);
        assert!(skipped.is_sorted_by(|a, b| a < b), "{skipped:?}");
    }
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Progress for Counting {
    fn begin(&self, _: &str, _: Option<u64>, _: Unit) {}
    fn advance(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
    fn remark(&self, _: &str) {}
    fn end(&self) {}
}

#[test]
fn progress_counts_every_record() {
    let progress = Counting::default();
    mean(&limited(EngineChoice::Tract), MeanOptions { window_tokens: 200, ..MeanOptions::default() }, &progress);
    assert_eq!(progress.0.into_inner(), 120);
}

#[test]
fn an_unknown_token_stops_all_workers() {
    let model = open(EngineChoice::Tract);
    let mut mean =
        MeanVectors::new(&model, MeanOptions { threads: 3, batch_tokens: Some(1), window_tokens: 1 << 20 }).unwrap();
    let known: Lists<u32> =
        (200u32..240).map(|token| vec![101, token, 102]).fold(Lists::default(), |mut all, tweet| {
            all.push(&tweet);
            all
        });
    mean.add(known.iter(), &Silent).unwrap();
    mean.add([&[101, 9999, 102][..]], &Silent).unwrap();
    assert!(matches!(mean.finish(&Silent), Err(TextError::Token { token: 9999, .. })));
}

#[test]
fn no_record_is_an_error() {
    let model = open(EngineChoice::Tract);
    let mean = MeanVectors::new(&model, MeanOptions::default()).unwrap();
    assert!(matches!(mean.finish(&Silent), Err(TextError::NoTokens)));
}
