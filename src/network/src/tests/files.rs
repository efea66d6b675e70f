//! Networks and checkpoints in files.

use skimlog_features::input::Layout;
use skimlog_formats::PerReaction;

use super::random_batch;
use crate::{AdamW, NetError, Network, Shape, Trainer};

const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 3, sketch_width: 10, logarithms: true, languages: 2 }, hidden: 37 };

#[test]
fn a_network_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let network = Network::new(SHAPE, 1, PerReaction::from_fn(|reaction| reaction as u8 as f32));
    network.save(&path).unwrap();
    assert!(Network::load(&path, SHAPE).unwrap().values == network.values);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");

    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("projection.weight").unwrap().shape(), [37, SHAPE.layout.width()]);
    assert_eq!(tensors.tensor("l_output.weight").unwrap().shape(), [4, 37]);
    assert_eq!(tensors.tensor("language.weight").unwrap().shape(), [3, 20]);
    // 23 trained tensors and 8 running statistics.
    assert_eq!(tensors.len(), 31);
}

#[test]
fn a_table_of_languages_grows_and_nothing_else_changes() {
    let network = Network::new(SHAPE, 1, PerReaction::default());
    // Two languages and the unknown one; a new language between them begins as the unknown one.
    let grown = network.with_language_rows(&[0, 2, 1, 2]);
    assert_eq!(grown.shape().layout, Layout { languages: 3, ..SHAPE.layout });
    for name in network.tensor_names().filter(|&name| name != "language.weight") {
        assert_eq!(grown.tensor(name), network.tensor(name), "{name}");
    }
    let rows = |network: &Network| -> Vec<Vec<f32>> {
        network.tensor("language.weight").unwrap().values.chunks(Layout::EMBEDDING).map(<[f32]>::to_vec).collect()
    };
    let before = rows(&network);
    assert_eq!(rows(&grown), [0, 2, 1, 2].map(|row: usize| before[row].clone()));
    assert!(network.with_language_rows(&[0, 1, 2]).values == network.values);
}

#[test]
fn unfit_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let network = Network::new(SHAPE, 1, PerReaction::default());
    network.save(&path).unwrap();

    let other = Shape { layout: Layout { sketch_width: 11, ..SHAPE.layout }, ..SHAPE };
    let error = Network::load(&path, other).unwrap_err();
    assert!(matches!(&error, NetError::WrongShape { tensor, .. } if tensor == "l1.weight"), "{error}");
    assert!(error.to_string().contains("another sketch_width"), "{error}");
    let error = Trainer::load(&path, SHAPE, AdamW::default()).err().unwrap();
    assert!(matches!(error, NetError::MissingTensor { .. }), "{error}");

    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 5, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = Network::load(&path, SHAPE).unwrap_err();
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
    let missing = Network::load(&folder.path().join("none"), SHAPE).unwrap_err();
    assert!(matches!(missing, NetError::File { .. }));
    // A file is where there should be a folder.
    assert!(matches!(network.save(&path.join("model")), Err(NetError::Write(_))));
}

#[test]
fn an_interrupted_training_goes_on_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let batch = |number| random_batch(SHAPE.layout, 20 + number as usize, number);
    let mut whole = Trainer::new(Network::new(SHAPE, 1, PerReaction::default()), AdamW::default());
    for number in 0..3 {
        whole.step(&batch(number), 1e-3).unwrap();
    }
    whole.save(&path).unwrap();
    let mut resumed = Trainer::load(&path, SHAPE, AdamW::default()).unwrap();
    assert_eq!(resumed.steps(), 3);
    for number in 3..6 {
        assert_eq!(whole.step(&batch(number), 1e-3).unwrap(), resumed.step(&batch(number), 1e-3).unwrap());
    }
    assert!(whole.network().values == resumed.network().values);
    assert!(Network::load(&path, SHAPE).is_ok(), "a checkpoint holds a network");

    resumed.reset_moments();
    assert_eq!(resumed.steps(), 0);
    whole.step(&batch(6), 1e-3).unwrap();
    resumed.step(&batch(6), 1e-3).unwrap();
    assert!(whole.network().values != resumed.network().values);
}
