//! A full-size model without its training: real count tables and input, weights at their start.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimlog::config::Config;
use skimlog::pipeline::Pipeline;
use skimlog::pipeline::evaluate::calibrate;
use skimlog::pipeline::examples::{StoredExamples, StoredPart};
use skimlog::stages::STAGES;
use skimlog::stages::train::freeze::freeze;
use skimlog_features::input::{InputBuilder, Layout};
use skimlog_features::similar::SimilarAuthors;
use skimlog_features::sketch::{SketchShape, TokenCodes};
use skimlog_formats::PerReaction;
use skimlog_model::bundle::BundleWriter;
use skimlog_model::bundle::COUNTS_FOLDER;
use skimlog_network::{Network, Shape};
use skimlog_runtime::progress::Silent;
use skimlog_synth::SynthOptions;

/// Where everything is.
pub(crate) struct Made {
    pub(crate) model: PathBuf,
    pub(crate) test: PathBuf,
}

/// Makes records, counts and a model in a directory, or finds them there.
pub(crate) fn make(directory: &Path, train_rows: u64, test_rows: u64, hidden: usize) -> Result<Made> {
    let data = directory.join(format!("data-{train_rows}-{test_rows}"));
    let test = data.join("test/part-00000");
    let model = data.join(format!("model-{hidden}"));
    if !test.exists() {
        eprintln!("making {train_rows} training and {test_rows} test records …");
        let valid_rows = train_rows / 10;
        let options =
            SynthOptions { out: data.clone(), rows: train_rows, valid_rows, test_rows, ..SynthOptions::default() };
        skimlog_synth::generate(&options, &|_| {})?;
    }
    if !model.exists() {
        eprintln!("counting, and making a model of hidden size {hidden} …");
        let config = Config {
            working_dir: data.join("working_dir"),
            recsys_data: data.join("train"),
            validation_part: Some(data.join("validation/part-00000")),
            ..Config::default()
        };
        let mut pipeline = Pipeline::open(&config, &Silent)?;
        for stage in STAGES.into_iter().take(3) {
            pipeline.run(stage, false, &mut |_| {})?;
        }
        bundle(&pipeline, &model, &config, hidden).context("the model")?;
    }
    Ok(Made { model, test })
}

fn bundle(pipeline: &Pipeline<'_>, model: &Path, config: &Config, hidden: usize) -> Result<()> {
    let workspace = pipeline.workspace();
    let stored =
        |name: &str| StoredPart { part: workspace.parts().join(name), features: workspace.features().join(name) };
    let training = vec![stored("part-00000.skim"), stored("part-00001.skim")];
    let examples = StoredExamples::open(training, Some(stored("validation.skim")))?;

    let (depth, width) = (config.sketch_depth as usize, config.sketch_width as usize);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let tokens: Vec<u32> = (0..config.vocabulary_size).collect();
    let code = |_| (random.next_u32() % config.sketch_width) as u16;
    let codes: Vec<u16> = (0..tokens.len() * depth).map(code).collect();
    let codes = TokenCodes::new(SketchShape::new(depth, width)?, 1, &tokens, &codes)?;

    let layout =
        Layout { sketch_depth: depth, sketch_width: width, logarithms: true, languages: examples.languages().len() };
    let network = Network::new(Shape { layout, hidden }, 1, PerReaction::default());
    let calibration = calibrate(&examples, &InputBuilder::new(codes.clone(), layout))?;
    let writer = BundleWriter::begin(model)?;
    let similar = SimilarAuthors::open(&workspace.similar())?;
    freeze(&workspace.counts(), &similar, &writer.path(COUNTS_FOLDER)?, &Silent)?;
    Ok(writer.finish(&network, Some(&calibration), Some(&codes), examples.languages())?)
}
