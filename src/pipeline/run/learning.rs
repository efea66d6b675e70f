//! The stages of the network: training and evaluation.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use skimlog_features::counts::Table;
use skimlog_features::input::{InputBuilder, Layout};
use skimlog_features::similar::SimilarAuthors;
use skimlog_features::sketch::TokenCodes;
use skimlog_model::bundle::{self, BUNDLE_VERSION, Bundle, BundleWriter, Verify};
use skimlog_model::bundle::{COUNTS_FOLDER, ONNX};
use skimlog_network::metrics::Scores;
use skimlog_network::{Precision, Shape};
use skimlog_runtime::files::write_file;

use super::Stages;
use crate::config::{self, BiasInit, Config};
use crate::pipeline::evaluate::{PrecisionTable, calibrate, evaluate_inference};
use crate::pipeline::examples::{Portion, StoredExamples, StoredPart};
use crate::pipeline::onnx::save_onnx;
use crate::pipeline::task::Task;
use crate::pipeline::{PipelineError, Stage, freeze, train};

impl<'s> Stages<'s> {
    pub(super) fn stored(&self, part: PathBuf) -> Result<StoredPart, PipelineError> {
        let features = self.workspace.features().join(part.file_name().unwrap_or_default());
        Ok(StoredPart { features: self.made(features, Stage::Features)?, part })
    }

    pub(super) fn train(self) -> Result<Task<'s>, PipelineError> {
        let training =
            self.training_parts()?.into_iter().map(|part| self.stored(part)).collect::<Result<Vec<_>, _>>()?;
        let validation = self.validation_part()?.map(|part| self.stored(part)).transpose()?;
        let codes = self.made(self.workspace.codes(), Stage::Sketch)?;
        let similar = self.made(self.workspace.similar(), Stage::Similar)?;
        for table in Table::ALL {
            // Better to miss one now than after the training.
            self.made(self.workspace.counts().join(format!("{}.skim", table.name())), Stage::Features)?;
        }
        let files = training.iter().chain(&validation).flat_map(|stored| [&stored.part, &stored.features]);
        let mut fingerprint = self.made_from(files.chain([&codes]))?.with("the model's layout", BUNDLE_VERSION);
        let Self { config, workspace, progress, .. } = self;
        let recipe = recipe(config);
        fingerprint = fingerprint.with("train.hidden_size", config.train.hidden_size);
        for (key, value) in settings(&recipe) {
            fingerprint = fingerprint.with(key, value);
        }
        let checkpoint = train::Checkpointing {
            folder: workspace.checkpoint(),
            fingerprint: serde_json::to_string(&fingerprint.identity())?,
            every: Duration::from_secs_f64(config.train.checkpoint_minutes * 60.0),
        };
        let (target, log) = (workspace.model(), workspace.training_log());
        let outputs = vec![target.clone(), log.clone()];
        let work = move || {
            let examples = StoredExamples::open(training, validation)?;
            let codes = TokenCodes::read(&codes)?;
            let layout = Layout {
                sketch_depth: codes.shape().depth(),
                sketch_width: codes.shape().width(),
                logarithms: recipe.logarithms,
                languages: examples.languages().len(),
            };
            let shape = Shape { layout, hidden: config.train.hidden_size };
            let options = train::Options {
                recipe,
                memory_budget: config.memory_budget(),
                threads: config.threads(),
                scratch: workspace.scratch("train")?,
                checkpoint: Some(checkpoint),
            };
            let train::Trained { network, summary, curve } =
                train::train(&examples, codes.clone(), shape, &options, progress)?;
            let bundle = BundleWriter::begin(&target)?;
            let similar = SimilarAuthors::open(&similar)?;
            freeze::freeze(&workspace.counts(), &similar, &bundle.path(COUNTS_FOLDER)?, progress)?;
            let calibration = calibrate(&examples, &InputBuilder::new(codes.clone(), layout))?;
            save_onnx(&network, &bundle.path(ONNX)?)?;
            bundle.finish(&network, Some(&calibration), &codes, examples.languages())?;
            write_file(&log, |out| {
                curve.iter().try_for_each(|point| writeln!(out, "{}", serde_json::to_string(point)?))
            })?;
            workspace.remove_checkpoint()?;
            Ok(serde_json::to_value(summary)?)
        };
        Ok(Task { name: "train".into(), fingerprint, outputs, work: Box::new(work) })
    }

    /// Room for predictions and labels within the memory budget, then on disk.
    pub(super) fn scores(&self) -> Result<Scores, PipelineError> {
        Ok(Scores::within(self.config.memory_budget(), &self.workspace.scratch("evaluate")?))
    }

    pub(super) fn precisions(&self) -> Result<PrecisionTable, PipelineError> {
        let Some(validation) = self.validation_part()? else { return Err(PipelineError::NoValidationPart) };
        let validation = self.stored(validation)?;
        let model = self.workspace.model();
        self.made(model.join(bundle::MANIFEST), Stage::Train)?;
        let bundle = Bundle::open(&model, Verify::Sizes)?;
        let examples = StoredExamples::validation(validation, bundle.languages().clone())?;
        let builder = bundle.inputs()?;
        let mut table = PrecisionTable(Vec::new());
        for precision in Precision::ALL {
            let inference = bundle.inference(precision)?;
            let (scores, portion) = (self.scores()?, Portion::HoldOut);
            let report = evaluate_inference(inference, &examples, portion, &builder, scores, self.progress, |_, _| {})?;
            table.0.extend(report.map(|report| (precision, report)));
        }
        Ok(table)
    }

    pub(super) fn evaluate(self) -> Result<Task<'s>, PipelineError> {
        let Some(validation) = self.validation_part()? else { return Err(PipelineError::NoValidationPart) };
        let validation = self.stored(validation)?;
        let model = self.workspace.model();
        let manifest = self.made(model.join(bundle::MANIFEST), Stage::Train)?;
        let fingerprint = self.made_from([&validation.part, &validation.features, &manifest])?;
        let output = self.workspace.evaluation();
        let target = output.clone();
        let work = move || {
            let bundle = Bundle::open(&model, Verify::Sizes)?;
            let examples = StoredExamples::validation(validation, bundle.languages().clone())?;
            let builder = bundle.inputs()?;
            let inference = bundle.inference(Precision::F32)?;
            let (scores, portion) = (self.scores()?, Portion::HoldOut);
            let report = evaluate_inference(inference, &examples, portion, &builder, scores, self.progress, |_, _| {})?;
            let report = json!({ "hold_out": report });
            let text = serde_json::to_vec_pretty(&report)?;
            write_file(&target, |out| out.write_all(&text))?;
            Ok(report)
        };
        Ok(Task { name: "evaluate".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }
}

/// What a training's weights depend on, by the keys of the configuration.
fn settings(recipe: &train::Recipe) -> [(&'static str, String); 17] {
    let train::Recipe {
        batch,
        days,
        validation_epochs,
        finetuning,
        weight_decay,
        reset_optimizer_each_day,
        settle_batches,
        centred,
        logarithms,
        bias_init,
        seed,
    } = recipe;
    let train::Rates { peak, decay, warm_up, last } = days;
    [
        ("train.batch_size", batch.to_string()),
        ("train.learning_rate", peak.to_string()),
        ("train.day_decay", decay.to_string()),
        ("train.warm_up", warm_up.to_string()),
        ("train.last_rate", last.to_string()),
        ("train.num_validation_epochs", validation_epochs.to_string()),
        ("train.finetune_learning_rate", finetuning.peak.to_string()),
        ("train.validation_decay", finetuning.decay.to_string()),
        ("train.warm_up of the finetune records", finetuning.warm_up.to_string()),
        ("train.last_rate of the finetune records", finetuning.last.to_string()),
        ("train.weight_decay", weight_decay.to_string()),
        ("train.reset_optimizer_each_day", reset_optimizer_each_day.to_string()),
        ("train.settle_batches", settle_batches.to_string()),
        ("train.centred", centred.to_string()),
        ("train.logarithms", logarithms.to_string()),
        ("train.bias_init", format!("{bias_init:?}")),
        ("train.seed", seed.to_string()),
    ]
}

/// The recipe of the configuration, with what it sets itself.
pub(in crate::pipeline) fn recipe(config: &Config) -> train::Recipe {
    let set = &config.train;
    let mut recipe = match set.recipe {
        config::Recipe::Original => train::Recipe::original(),
        config::Recipe::Tuned => train::Recipe::tuned(),
    };
    fn put<T: Copy>(to: &mut T, value: Option<T>) {
        *to = value.unwrap_or(*to);
    }
    put(&mut recipe.batch, set.batch_size);
    put(&mut recipe.days.peak, set.learning_rate);
    put(&mut recipe.days.decay, set.day_decay);
    put(&mut recipe.finetuning.peak, set.finetune_learning_rate.or(set.learning_rate));
    put(&mut recipe.finetuning.decay, set.validation_decay);
    for rates in [&mut recipe.days, &mut recipe.finetuning] {
        put(&mut rates.warm_up, set.warm_up);
        put(&mut rates.last, set.last_rate);
    }
    put(&mut recipe.weight_decay, set.weight_decay);
    put(&mut recipe.validation_epochs, set.num_validation_epochs);
    put(&mut recipe.reset_optimizer_each_day, set.reset_optimizer_each_day);
    put(&mut recipe.settle_batches, set.settle_batches);
    put(&mut recipe.centred, set.centred);
    put(&mut recipe.logarithms, set.logarithms);
    let bias_init = set.bias_init.map(|bias_init| match bias_init {
        BiasInit::BaseRate => train::BiasInit::BaseRate,
        BiasInit::Zero => train::BiasInit::Zero,
    });
    put(&mut recipe.bias_init, bias_init);
    recipe.seed = set.seed.unwrap_or(config.seed);
    recipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_configuration_says_of_training_replaces_the_recipes_own() {
        let made = |train: config::Train| recipe(&Config { seed: 3, train, ..Config::default() });
        let tuned = made(config::Train::default());
        assert_eq!(
            tuned,
            train::Recipe { seed: 3, ..train::Recipe::tuned() },
            "the configuration's seed is training's too"
        );
        let one_start = made(config::Train { seed: Some(7), ..config::Train::default() });
        assert_eq!(one_start, train::Recipe { seed: 7, ..train::Recipe::tuned() }, "but for train.seed");
        let original =
            config::Train { recipe: config::Recipe::Original, batch_size: Some(64), ..config::Train::default() };
        assert_eq!(made(original), train::Recipe { seed: 3, batch: 64, ..train::Recipe::original() });
    }
}
