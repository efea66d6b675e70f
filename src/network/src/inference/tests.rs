//! Inference in every precision on random networks of odd sizes.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use skimlog_features::input::Layout;
use skimlog_formats::{PerReaction, Reaction};

use super::*;
use crate::tests::{random_batch, random_network, reference::Reference, selected, shapes};

fn calibrated(batch: &Batch) -> Calibration {
    let mut calibration = Calibration::default();
    for begin in (0..batch.rows).step_by(7) {
        calibration.push(selected(batch, begin..batch.rows.min(begin + 7)));
    }
    calibration
}

fn logits(inference: &mut Inference, batch: &Batch) -> Vec<PerReaction<f32>> {
    let mut logits = Vec::new();
    inference.logits(batch, &mut logits).unwrap();
    logits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(2), ..ProptestConfig::default() })]

    /// The networks' weights are far larger than trained ones' (layers of a few inputs), so the limits are wide; a
    /// wrong order of weights or a forgotten bias is far beyond them.
    #[test]
    fn every_precision_is_near_the_reference(shape in shapes(), rows in 1usize..70, seed in 0u64..1000) {
        let (network, batch) = (random_network(shape, seed), random_batch(shape.layout, rows, seed));
        let calibration = calibrated(&batch);
        prop_assert_eq!(calibration.records(), rows);
        let expected = Reference::of(&network).evaluate(&batch);
        let largest = expected.iter().flatten().fold(1.0f64, |largest, value| largest.max(value.abs()));
        for (precision, allowed) in [(Precision::F32, 1e-5), (Precision::Bf16, 0.02), (Precision::Int8, 0.04)] {
            for instructions in DotInstructions::available() {
                let mut inference = Inference::with_instructions(&network, precision, Some(&calibration), instructions);
                for (ours, theirs) in logits(&mut inference, &batch).into_iter().zip(&expected) {
                    for (a, b) in ours.in_order(Reaction::NETWORK_ORDER).into_iter().zip(theirs) {
                        let (difference, name) = ((f64::from(a) - b).abs(), instructions.name());
                        prop_assert!(difference <= allowed * largest, "{precision} {name}: {a}, reference {b}");
                    }
                }
            }
        }
    }
}

const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 4, sketch_width: 70, logarithms: true, languages: 3 }, hidden: 150 };

#[test]
fn threads_and_batch_size_never_show() {
    let (network, batch) = (random_network(SHAPE, 5), random_batch(SHAPE.layout, 150, 5));
    let calibration = calibrated(&batch);
    let two_threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for precision in Precision::ALL {
        for instructions in DotInstructions::available() {
            let mut inference = Inference::with_instructions(&network, precision, Some(&calibration), instructions);
            let whole = two_threads.install(|| logits(&mut inference, &batch));
            let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            for together in [1, 2, 3, 7, 13, 33, 65, 150] {
                let parts: Vec<_> = (0..batch.rows)
                    .step_by(together)
                    .map(|begin| selected(&batch, begin..batch.rows.min(begin + together)))
                    .flat_map(|part| one_thread.install(|| logits(&mut inference, &part)))
                    .collect();
                assert_eq!(whole, parts, "{precision}, {}, {together} together", instructions.name());
            }
        }
    }
}

#[test]
fn calibrated_logits_have_the_exact_ones_mean() {
    let (network, batch) = (random_network(SHAPE, 7), random_batch(SHAPE.layout, 200, 7));
    let calibration = calibrated(&batch);
    let mean = |precision| {
        let mut inference = Inference::with_precision(&network, precision, Some(&calibration)).unwrap();
        let logits = logits(&mut inference, &batch);
        PerReaction::from_fn(|reaction| logits.iter().map(|logits| f64::from(logits[reaction])).sum::<f64>() / 200.0)
    };
    let exact = mean(Precision::F32);
    for precision in [Precision::Bf16, Precision::Int8] {
        let found = mean(precision);
        for reaction in Reaction::ALL {
            let difference = (found[reaction] - exact[reaction]).abs();
            assert!(difference < 1e-5, "{precision} {reaction}: {difference}");
        }
    }
    let unfit = random_batch(Layout { languages: 9, ..SHAPE.layout }, 60, 1);
    let refused = Inference::with_precision(&network, Precision::Bf16, Some(&calibrated(&unfit)));
    assert!(matches!(refused, Err(NetError::Batch { .. })));
    let none = Inference::with_precision(&network, Precision::Int8, Some(&Calibration::default()));
    assert!(matches!(none, Err(NetError::Uncalibrated)));
}

#[test]
fn a_packed_network_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (network, batch) = (random_network(SHAPE, 5), random_batch(SHAPE.layout, 9, 5));
    let calibration = calibrated(&batch);
    for precision in Precision::ALL {
        let path = folder.path().join(precision.name());
        let mut made = Inference::with_precision(&network, precision, Some(&calibration)).unwrap();
        made.save(&path).unwrap();
        let mut mapped = Inference::open(&path, SHAPE, precision).unwrap();
        assert_eq!(mapped.precision(), precision);
        assert_eq!(logits(&mut made, &batch), logits(&mut mapped, &batch));
    }
}

#[test]
fn damaged_and_unfit_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.bf16");
    let network = random_network(SHAPE, 5);
    Inference::with_precision(&network, Precision::Bf16, None).unwrap().save(&path).unwrap();
    let error = |shape, precision| Inference::open(&path, shape, precision).err().unwrap().to_string();
    assert!(error(SHAPE, Precision::F32).contains("network of this shape"));
    let layout = Layout { sketch_depth: 70, sketch_width: 4, ..SHAPE.layout };
    assert!(error(Shape { layout, ..SHAPE }, Precision::Bf16).contains("shape than the model's"));
    let bytes = std::fs::read(&path).unwrap();
    for offset in [3, 20, 50, 128, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[offset] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert!(error(SHAPE, Precision::Bf16).contains("network.bf16: no intact packed network"));
    }
    std::fs::write(&path, &bytes[..bytes.len() - 128]).unwrap();
    assert!(error(SHAPE, Precision::Bf16).contains("bytes"));
    assert!(matches!(Inference::open(&folder.path().join("none"), SHAPE, Precision::F32), Err(NetError::File { .. })));
    assert!(matches!(Inference::with_precision(&network, Precision::Int8, None), Err(NetError::Uncalibrated)));
}

#[test]
fn unfit_batches_are_refused_and_empty_ones_have_no_logits() {
    let mut inference = Inference::new(&random_network(SHAPE, 1));
    assert_eq!(logits(&mut inference, &Batch::default()), []);
    let mut batch = random_batch(SHAPE.layout, 3, 1);
    batch.hour[1] = 24;
    let error = inference.logits(&batch, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("hour 24"));
}

#[test]
fn a_network_cut_while_it_is_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.f32");
    Inference::new(&random_network(SHAPE, 5)).save(&path).unwrap();
    let mut mapped = Inference::open(&path, SHAPE, Precision::F32).unwrap();
    let batch = random_batch(SHAPE.layout, 3, 1);
    mapped.logits(&batch, &mut Vec::new()).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    for left in [length / 2, 0] {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
        let said = mapped.logits(&batch, &mut Vec::new()).unwrap_err().to_string();
        assert!(said.contains("network.f32 became shorter while it was read"), "{said}");
    }
}
