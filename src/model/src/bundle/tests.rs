//! A bundle is read as it was written, and everything else is refused.

use std::fs;
use std::path::PathBuf;

use skimlog_features::sketch::SketchShape;
use skimlog_formats::{Id, PerReaction};

use super::*;

pub(super) struct Model {
    /// Keeps the files.
    directory: tempfile::TempDir,
    network: Network,
    codes: Option<TokenCodes>,
    languages: Languages,
}

impl Model {
    pub(super) fn new() -> Self {
        Self::of(Some(TokenCodes::new(SketchShape::new(2, 8).unwrap(), 4, &[7, 9], &[0, 7, 3, 3]).unwrap()))
    }

    fn of(codes: Option<TokenCodes>) -> Self {
        let languages: Languages = [Id([3; 16]), Id([1; 16])].into_iter().collect();
        let (sketch_depth, sketch_width) = if codes.is_some() { (2, 8) } else { (0, 0) };
        let layout = Layout { sketch_depth, sketch_width, logarithms: false, languages: languages.len() };
        let network = Network::new(Shape { layout, hidden: 5 }, 3, PerReaction::default());
        Self { directory: tempfile::tempdir().unwrap(), network, codes, languages }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("model")
    }

    pub(super) fn write(&self) {
        let writer = BundleWriter::begin(self.path()).unwrap();
        fs::write(writer.path("counts/pair.frozen").unwrap(), b"a table").unwrap();
        fs::write(writer.path(ONNX).unwrap(), b"a graph").unwrap();
        writer.finish(&self.network, None, self.codes.as_ref(), &self.languages).unwrap();
    }

    fn error(&self, verify: Verify) -> String {
        Bundle::open(self.path(), verify).unwrap_err().to_string()
    }
}

#[test]
fn a_bundle_comes_back_as_it_was_written() {
    let model = Model::new();
    model.write();
    let bundle = Bundle::open(model.path(), Verify::Checksums).unwrap();
    assert_eq!(bundle.shape(), model.network.shape());
    assert_eq!((bundle.languages(), bundle.codes().unwrap()), (&model.languages, model.codes.clone()));
    let network = bundle.network().unwrap();
    for name in model.network.tensor_names() {
        assert_eq!(network.tensor(name), model.network.tensor(name));
    }
    assert_eq!(bundle.inference(Precision::Bf16).unwrap().precision(), Precision::Bf16);
    assert!(matches!(bundle.inference(Precision::Int8), Err(BundleError::NoFile { .. })), "nothing calibrated it");
    assert_eq!(fs::read(bundle.path("counts/pair.frozen").unwrap()).unwrap(), b"a table");
    assert!(matches!(bundle.path("counts/hashtag.frozen"), Err(BundleError::NoFile { .. })));
}

#[test]
fn a_bundle_says_what_the_network_sees_of_the_text() {
    let shape = SketchShape::new(2, 8).unwrap();
    for (codes, text, size) in [
        (None, TextMode::None, 0),
        (Some(TokenCodes::hashed(shape, 4, 200).unwrap()), TextMode::Hashed, 8),
        (Some(TokenCodes::new(shape, 4, &[], &[]).unwrap()), TextMode::DistilBert, 8),
    ] {
        let model = Model::of(codes);
        model.write();
        let bundle = Bundle::open(model.path(), Verify::Checksums).unwrap();
        assert_eq!((bundle.manifest().text, bundle.manifest().sketch_width), (text, size));
        assert_eq!(bundle.manifest().files.contains_key(CODES), text != TextMode::None);
        assert_eq!((bundle.shape(), bundle.codes().unwrap()), (model.network.shape(), model.codes.clone()));
        bundle.network().unwrap();
        bundle.inference(Precision::F32).unwrap();
        bundle.inputs().unwrap();
        let manifest = fs::read_to_string(model.path().join(MANIFEST)).unwrap();
        assert!(manifest.contains(&format!("\"text\": \"{text}\"")), "{manifest}");
    }
}

#[test]
fn a_bundle_that_says_nothing_of_the_text_has_token_vectors() {
    let model = Model::new();
    model.write();
    let path = model.path().join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    let old = text.replacen("  \"text\": \"distilbert\",\n", "", 1);
    assert_ne!(old, text);
    fs::write(&path, old).unwrap();
    let bundle = Bundle::open(model.path(), Verify::Checksums).unwrap();
    assert_eq!((bundle.manifest().text, bundle.codes().unwrap()), (TextMode::DistilBert, model.codes));
}

#[test]
fn where_a_model_comes_from_is_kept_and_may_be_missing() {
    let model = Model::new();
    model.write();
    let manifest = model.path().join(MANIFEST);
    assert!(!fs::read_to_string(&manifest).unwrap().contains("origin"));
    assert_eq!(Bundle::open(model.path(), Verify::Checksums).unwrap().manifest().origin, None);

    let days = [("2021-02-04".to_owned(), 7), ("2021-02-06".to_owned(), 5)].into_iter().collect();
    let trained = TrainedOn { days, ..TrainedOn::default() };
    assert_eq!((trained.range(), trained.records()), (Some(["2021-02-04", "2021-02-06"]), 12));
    let origin = Origin { trained: Some(trained), ..Origin::default() };
    let writer = BundleWriter::begin(model.path()).unwrap().with_origin(origin.clone());
    writer.finish(&model.network, None, model.codes.as_ref(), &model.languages).unwrap();
    assert_eq!(Bundle::open(model.path(), Verify::Checksums).unwrap().manifest().origin, Some(origin));

    // A later version may say less, or more.
    let mut text: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    text["origin"] = serde_json::json!({ "trained": { "days": { "2021-02-04": 7 } }, "further": [1] });
    fs::write(&manifest, text.to_string()).unwrap();
    let origin = Bundle::open(model.path(), Verify::Checksums).unwrap().manifest().origin.clone().unwrap();
    assert_eq!((origin.trained.unwrap().records(), origin.counted), (7, None));
}

#[test]
fn a_new_bundle_replaces_the_old_one_and_leaves_nothing_beside_it() {
    let model = Model::new();
    model.write();
    // What a killed run may leave.
    let killed = BundleWriter::begin(model.path()).unwrap();
    fs::write(killed.path("leftover").unwrap(), b"x").unwrap();
    std::mem::forget(killed);
    assert_eq!(fs::read_dir(model.directory.path()).unwrap().count(), 2);
    model.write();
    let bundle = Bundle::open(model.path(), Verify::Checksums).unwrap();
    assert!(!bundle.manifest().files.contains_key("leftover"));
    assert_eq!(fs::read_dir(model.directory.path()).unwrap().count(), 1);
}

#[test]
fn a_bundle_put_aside_by_a_killed_run_comes_back() {
    let model = Model::new();
    model.write();
    fs::rename(model.path(), model.path().with_file_name(".replaced-model")).unwrap();
    drop(BundleWriter::begin(model.path()).unwrap());
    Bundle::open(model.path(), Verify::Checksums).unwrap();
}

#[test]
fn an_unfinished_bundle_changes_nothing() {
    let model = Model::new();
    model.write();
    let writer = BundleWriter::begin(model.path()).unwrap();
    let wide = TokenCodes::new(SketchShape::new(2, 9).unwrap(), 4, &[7], &[0, 8]).unwrap();
    let error = writer.finish(&model.network, None, Some(&wide), &model.languages).unwrap_err().to_string();
    assert!(error.contains("sketch_depth 2 and sketch_width 9"), "{error}");
    Bundle::open(model.path(), Verify::Checksums).unwrap().codes().unwrap();
}

#[test]
fn before_prediction_what_it_reads_is_compared() {
    let model = Model::new();
    model.write();
    let damage = |name: &str| {
        let path = model.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
    };
    for name in ["counts/pair.frozen", CODES, LANGUAGES] {
        damage(name);
        let error = model.error(Verify::Prediction);
        assert!(error.contains(name) && error.contains("the checksum differs"), "{error}");
        damage(name);
    }
    for name in [WEIGHTS, ONNX, &network_file(Precision::Bf16)] {
        damage(name);
        Bundle::open(model.path(), Verify::Prediction).unwrap().inference(Precision::F32).unwrap();
        assert!(model.error(Verify::Checksums).contains(name));
        damage(name);
    }
    damage(&network_file(Precision::F32));
    let bundle = Bundle::open(model.path(), Verify::Prediction).unwrap();
    let error = bundle.inference(Precision::F32).err().unwrap().to_string();
    assert!(error.contains("network.f32") && error.contains("the checksum differs"), "{error}");
}

#[test]
fn what_is_wrong_is_said() {
    let model = Model::new();
    assert!(model.error(Verify::Sizes).contains("no manifest.json"));
    model.write();

    let weights = model.path().join(WEIGHTS);
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, &bytes).unwrap();
    let damaged = Bundle::open(model.path(), Verify::Sizes).unwrap().network().unwrap_err().to_string();
    assert!(damaged.contains(WEIGHTS) && damaged.contains("the checksum differs"), "{damaged}");
    assert!(model.error(Verify::Checksums).ends_with("the file is damaged, take it from its source again"));
    fs::write(&weights, &bytes[1..]).unwrap();
    assert!(model.error(Verify::Sizes).contains("the copy is incomplete"));
    fs::remove_file(&weights).unwrap();
    assert!(model.error(Verify::Sizes).contains(WEIGHTS));

    model.write();
    let languages = model.path().join(LANGUAGES);
    let text = fs::read_to_string(&languages).unwrap();
    fs::write(&languages, text.replacen("0303", "0302", 1)).unwrap();
    assert!(model.error(Verify::Sizes).contains("languages.txt: the checksum differs"));

    model.write();
    let manifest = model.path().join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        fs::write(&manifest, text.replacen(from, to, 1)).unwrap();
        let bundle = Bundle::open(model.path(), Verify::Checksums);
        bundle.and_then(|bundle| bundle.codes().map(drop)).unwrap_err().to_string()
    };
    assert!(with("\"format_version\": 3", "\"format_version\": 9").contains("format version 9"));
    assert!(with("\"feature_version\": 1", "\"feature_version\": 2").contains("feature version 2"));
    assert!(with("\"sketch_width\": 8", "\"sketch_width\": 4").contains("sketch_width 8"));
    for size in ["1000000000000", "18446744073709551615"] {
        assert!(with("\"hidden\": 5", &format!("\"hidden\": {size}")).contains("hidden is"));
        assert!(with("\"languages\": 2", &format!("\"languages\": {size}")).contains("languages is"));
    }
    assert!(with("\"languages\": 2", "\"languages\": 3").contains("2 languages, the network was made for 3"));
    assert!(
        with("\"text\": \"distilbert\"", "\"text\": \"none\"")
            .contains("sketch_depth is 2, it must be 0 with text: none")
    );
    assert!(with("\"text\": \"distilbert\"", "\"text\": \"bert\"").contains("unknown variant `bert`"));
    assert!(with("\"sketch_depth\": 2", "\"sketch_depth\": 0").contains("sketch_depth is 0, it must be between 1 and"));
    assert!(with("\"like\",", "\"reply\",").contains("outputs"));
    assert!(with("counts/pair.frozen", "../pair.frozen").contains("outside the model"));
    assert!(with("{", "").contains("manifest.json"));
}
