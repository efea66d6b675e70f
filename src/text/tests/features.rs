//! An engine or a training that this build lacks is an error that names the feature. With all features there is nothing
//! to test here: `cargo test -p skimlog-text --no-default-features --features "…" --test features`.

#[cfg(not(all(feature = "onnxruntime", feature = "tract")))]
mod engines {
    use std::path::Path;

    use skimlog_text::{EncoderModel, EncoderOptions, EngineChoice, TextError};

    fn open(engine: EngineChoice) -> Result<EncoderModel, TextError> {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-distilbert");
        // A file that is no library, so that the results are the same where ONNX Runtime is installed.
        let library = Some(model.join("config.json"));
        EncoderModel::open(&model, &EncoderOptions { engine, library, max_length: None })
    }

    #[cfg(not(feature = "onnxruntime"))]
    #[test]
    fn onnx_runtime_is_not_built() {
        let found = open(EngineChoice::OnnxRuntime).err().unwrap().to_string();
        assert!(found.contains("ONNX Runtime") && found.contains("`--features onnxruntime`"), "{found}");
    }

    #[cfg(not(feature = "tract"))]
    #[test]
    fn tract_is_not_built() {
        let found = open(EngineChoice::Tract).err().unwrap().to_string();
        assert!(found.contains("the engine tract") && found.contains("`--features tract`"), "{found}");
    }

    #[cfg(all(feature = "tract", not(feature = "onnxruntime")))]
    #[test]
    fn tract_alone_is_chosen() {
        let model = open(EngineChoice::Auto).unwrap();
        assert_eq!((model.engine().engine.as_ref(), model.engine().fallback.as_deref()), ("tract", None));
    }

    #[cfg(all(feature = "onnxruntime", not(feature = "tract")))]
    #[test]
    fn without_a_library_and_without_tract_there_is_no_engine() {
        let found = open(EngineChoice::Auto).err().unwrap().to_string();
        assert!(found.contains("config.json") && found.contains("`--features tract`"), "{found}");
    }

    #[cfg(not(any(feature = "onnxruntime", feature = "tract")))]
    #[test]
    fn without_engines_there_is_none_to_choose() {
        let found = open(EngineChoice::Auto).err().unwrap().to_string();
        assert!(found.contains("`--features tract`"), "{found}");
    }
}

#[cfg(not(feature = "finetune"))]
#[test]
fn fine_tuning_is_not_built() {
    use std::path::PathBuf;

    use skimlog_runtime::progress::Silent;
    use skimlog_text::finetune::{Start, TrainingOptions, finetune};

    let folder = tempfile::tempdir().unwrap();
    let start = Start::Folder(PathBuf::from("model"));
    let found = finetune(&[], &start, &TrainingOptions::default(), folder.path(), &Silent).unwrap_err().to_string();
    assert!(found.contains("`--features finetune`"), "{found}");
}
