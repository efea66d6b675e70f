//! `skimmer demo`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use skimlog::amounts;
use skimlog::config::{Config, Finetune, FromScratch, Override};
use skimlog::pipeline::Stage;
use skimlog::pipeline::evaluate::evaluate_predictions;
use skimlog::stages::evaluate::EvaluateSummary;
use skimlog::stages::{self, STAGES};
use skimlog::workspace::Layout;
use skimlog_formats::Reaction;
use skimlog_model::bundle::Verify;
use skimlog_model::predict::{EngagementModel, PipeInput, PredictSummary, StreamOptions, predict_stream};
use skimlog_network::Precision;
use skimlog_network::metrics::Report;
use skimlog_runtime::files::{AtomicFile, write_file};
use skimlog_runtime::machine;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_synth::{SetTruth, SynthOptions, Truth};

use super::output::{path_text, print};
use super::running::run_stages;
use super::values::whole;
use super::{Common, Terminal, report};

/// Take synthetic parts through everything: raw parts, features, token codes, training, evaluation, prediction.
///
/// Ends with average precision (AP) and relative cross entropy (RCE) of the predictions beside those of the planted
/// model, which no learner can beat but by luck. DIR then holds the raw parts, a config.yaml to play with, all
/// artefacts, and predictions.csv. Run again, it goes on where it stopped.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer demo
  skimmer demo --rows 20000 --out small-demo")]
pub(super) struct Demo {
    /// Training records; a fifth as many validation records and a tenth as many test records come on top.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = whole::<u64>(LEAST_ROWS..=1 << 40),
        allow_negative_numbers = true)]
    rows: u64,
    /// Where to work.
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    /// Another seed gives other records.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(0..=u64::MAX),
        allow_negative_numbers = true)]
    seed: u64,
}

/// Fewer records are too few to learn anything from.
const LEAST_ROWS: u64 = 1_000;
/// Token ids of the demo's records and of its text model.
const VOCABULARY: u32 = 2_000;
/// Steps of the text model's training.
const TEXT_STEPS: u64 = 100;

/// What the raw parts in the folder were made from.
#[derive(PartialEq, Serialize, Deserialize)]
struct Made {
    rows: u64,
    seed: u64,
}

/// What the demo came to.
#[derive(Serialize)]
struct DemoSummary {
    hold_out: Option<Report>,
    test: Option<Report>,
    truth: Truth,
    prediction: PredictSummary,
    #[serde(serialize_with = "path_text")]
    predictions: PathBuf,
    #[serde(serialize_with = "path_text")]
    report: PathBuf,
}

impl Demo {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let terminal = common.terminal();
        let data = self.out.join("recsys_data");
        self.generate(&data, &terminal)?;
        let config = self.configure(&data, &common.set)?;
        // The stages' own JSON would come before the demo's.
        let stages_common = Common { config: None, set: Vec::new(), json: false, ..common.clone() };
        let chosen = stages::chosen(&config, STAGES[0], STAGES[STAGES.len() - 1])?;
        let reports = run_stages(&stages_common, &config, &chosen, false)?.reports;
        let evaluation = reports.iter().find(|report| report.task == stages::Evaluate.name());
        let evaluation = evaluation.map(|report| report.read_summary::<EvaluateSummary>()).transpose()?;
        let hold_out = evaluation.and_then(|summary| summary.hold_out);
        let report = report::write(&config, None)?;

        let predictions = self.out.join("predictions.csv");
        let prediction =
            predict(&Layout::of(&config.working_dir).model(), &data.join("test/part-00000"), &predictions)?;
        let test = evaluate_predictions(&predictions, &data.join("test_labels.tsv"))?;
        let truth: Truth = read_json(&data.join("truth.json"))?;
        if !common.json {
            return Ok(print(format_args!(
                "{}\npredictions of the {} test records: {}\nreport, to be opened in a browser: {}\n",
                table(hold_out.as_ref(), test.as_ref(), &truth),
                amounts::count(prediction.records),
                predictions.display(),
                report.display()
            ))?);
        }
        common.summarize(&DemoSummary { hold_out, test, truth, prediction, predictions, report }, String::new)
    }

    /// Makes the raw parts, unless they are there already.
    fn generate(&self, data: &Path, terminal: &Terminal) -> anyhow::Result<()> {
        let made_path = self.out.join("demo.json");
        let wanted = Made { rows: self.rows, seed: self.seed };
        if made_path.exists() {
            if read_json::<Made>(&made_path)? == wanted {
                return Ok(());
            }
            bail!("{} holds a demo with other options; give another --out, or delete it", self.out.display());
        }
        let options = SynthOptions {
            out: data.to_owned(),
            parts: 2,
            rows: self.rows,
            valid_rows: self.rows / 5,
            test_rows: self.rows / 10,
            vocabulary: VOCABULARY,
            seed: self.seed,
            threads: machine::threads().get(),
            ..SynthOptions::default()
        };
        let total = options.rows + options.valid_rows + options.test_rows;
        terminal.begin("synth", Some(total), Unit::Records);
        let shown = AtomicU64::new(0);
        skimlog_synth::generate(&options, &|written| {
            let before = shown.fetch_max(written, Ordering::Relaxed);
            terminal.advance(written.saturating_sub(before));
        })?;
        terminal.end();
        let text = serde_json::to_vec(&wanted)?;
        Ok(write_file(&made_path, |out| out.write_all(&text))?)
    }

    /// Writes the configuration, unless it is there already, and reads it, with what `--set` changes.
    fn configure(&self, data: &Path, overrides: &[Override]) -> anyhow::Result<Config> {
        let path = self.out.join("config.yaml");
        if !path.exists() {
            let relative = |path: &Path| path.strip_prefix(&self.out).unwrap_or(path).to_owned();
            let mut config = Config {
                recsys_data: relative(&data.join("train")),
                validation_part: Some(relative(&data.join("validation/part-00000"))),
                vocabulary_size: VOCABULARY,
                ..Config::default()
            };
            let sizes = FromScratch { dim: 64, hidden_dim: 128, n_layers: 2, n_heads: 4, ..FromScratch::default() };
            config.distilbert.from_scratch = Some(sizes);
            config.distilbert.finetune = Finetune {
                max_steps: Some(TEXT_STEPS),
                learning_rate: 2e-3,
                warmup_steps: 10,
                held_out_records: 200,
                evaluate_steps: TEXT_STEPS,
                log_steps: 20,
                ..Finetune::default()
            };
            // A few thousand steps have to do what the full data's millions do: a narrow network and larger steps.
            config.train.hidden_size = 256;
            config.train.learning_rate = Some(1e-3);
            let text = config.to_yaml();
            let (_, keys) = text.split_once('\n').unwrap_or_default();
            write_file(&path, |out| {
                writeln!(out, "# The demo's configuration: a small, quick run. Every key is optional.")?;
                out.write_all(keys.as_bytes())
            })?;
        }
        Ok(Config::load_with(&path, overrides)?)
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> anyhow::Result<T> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| path.display().to_string())
}

fn predict(model: &Path, test: &Path, predictions: &Path) -> anyhow::Result<PredictSummary> {
    let model = Arc::new(EngagementModel::open(model, Precision::F32, Verify::Sizes)?);
    let input = PipeInput::open(test).with_context(|| test.display().to_string())?;
    let mut output = BufWriter::new(AtomicFile::create(predictions)?);
    let summary = predict_stream(&model, input, &mut output, &StreamOptions::default(), |_| {})?;
    output.into_inner().map_err(std::io::IntoInnerError::into_error)?.commit()?;
    Ok(summary)
}

/// AP and RCE of each reaction: ours on hold-out and test records, and the planted model's.
fn table(hold_out: Option<&Report>, test: Option<&Report>, truth: &Truth) -> String {
    let number = |value: Option<f64>, decimals| value.map_or("–".into(), |value| format!("{value:.decimals$}"));
    let pair = |ap, rce| format!("{:>8} {:>7}", number(ap, 4), number(rce, 2));
    let ours = |report: Option<&Report>, reaction: Reaction| {
        let measures = report.map(|report| report.overall[reaction]).unwrap_or_default();
        pair(measures.average_precision, measures.relative_cross_entropy)
    };
    let planted = |set: &Option<SetTruth>, reaction: Reaction| {
        let truth = set.as_ref().map(|set| set.of(reaction));
        pair(truth.and_then(|truth| truth.ap), truth.and_then(|truth| truth.rce))
    };
    let mut text = format!(
        "\n{:<9}{:>17}{:>19}{:>19}{:>19}\n{:<9}{}\n",
        "",
        "hold-out",
        "its true model",
        "test",
        "its true model",
        "reaction",
        format!(" {:>8} {:>7}  ", "AP", "RCE").repeat(4).trim_end(),
    );
    for reaction in Reaction::ALL {
        let columns = [
            ours(hold_out, reaction),
            planted(&truth.validation, reaction),
            ours(test, reaction),
            planted(&truth.test, reaction),
        ];
        text += &format!("{:<9} {}\n", reaction.name(), columns.join("   "));
    }
    text
}
