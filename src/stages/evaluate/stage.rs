//! What the stage says of itself.

use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skimlog_model::bundle::{Bundle, Verify};
use skimlog_network::Precision;
use skimlog_network::metrics::{Report, Scores};
use skimlog_runtime::files::write_file;
use thiserror::Error;

use crate::config::Config;
use crate::pipeline::evaluate::{EvaluateError, PrecisionTable, evaluate_inference};
use crate::pipeline::examples::{Portion, StoredExamples, StoredPart};
use crate::pipeline::{Context, Findings, PipelineError, Stage, StageError, Task, TaskReport, TaskRunner};
use crate::stages::convert::validation_part;
use crate::stages::features::stored_part;
use crate::stages::train::model_manifest;
use crate::workspace::Layout;

/// The measures on the hold-out records → `evaluation.json`.
pub struct Evaluate;

pub(super) const NAME: &str = "evaluate";

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluateSummary {
    /// The measures; `None` if there is no hold-out record.
    // Else serde takes a missing key for `None`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub hold_out: Option<Report>,
}

/// There are no hold-out records to measure on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("validation_part is not set in the configuration: there are no hold-out records to measure on")]
pub struct NoValidationPart;

impl StageError for NoValidationPart {}
impl StageError for EvaluateError {}

/// The converted validation part with its counts, which must be there.
fn hold_out_part(context: &Context<'_>) -> Result<StoredPart, PipelineError> {
    stored_part(context, validation_part(context)?.ok_or(NoValidationPart)?)
}

/// Measures the model in every precision given.
fn measure(
    context: &Context<'_>,
    validation: StoredPart,
    precisions: &[Precision],
) -> Result<Vec<(Precision, Option<Report>)>, PipelineError> {
    let Context { config, workspace, progress, .. } = *context;
    let bundle = Bundle::open(workspace.model(), Verify::Sizes)?;
    let examples = StoredExamples::validation(validation, bundle.languages().clone())?;
    let builder = bundle.inputs()?;
    let reports = precisions.iter().map(|&precision| {
        let inference = bundle.inference(precision)?;
        // Room for predictions and labels within the memory budget, then on disk.
        let scores = Scores::within(config.memory_budget(), &workspace.scratch(NAME)?);
        let portion = Portion::HoldOut;
        let report = evaluate_inference(inference, &examples, portion, &builder, scores, progress, |_, _| {})?;
        Ok((precision, report))
    });
    reports.collect()
}

/// Measures the model on the hold-out records in every precision it has.
///
/// # Errors
/// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
pub fn precisions(context: &Context<'_>) -> Result<PrecisionTable, PipelineError> {
    let validation = hold_out_part(context)?;
    model_manifest(context)?;
    let reports = measure(context, validation, &Precision::ALL)?;
    let measured = reports.into_iter().filter_map(|(precision, report)| Some((precision, report?)));
    Ok(PrecisionTable(measured.collect()))
}

impl Stage for Evaluate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Measure average precision and relative cross entropy of the model on the hold-out records (evaluation.json)"
    }

    fn is_part_of(&self, config: &Config) -> bool {
        config.validation_part.is_some()
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.evaluation(), layout.model_evaluation()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let validation = hold_out_part(context)?;
        let manifest = model_manifest(context)?;
        let fingerprint = context.made_from([&validation.part, &validation.features, &manifest])?;
        let outputs = self.makes(context.workspace);
        let written = outputs.clone();
        let work = move || {
            let reports = measure(context, validation, &[Precision::F32])?;
            let summary = EvaluateSummary { hold_out: reports.into_iter().find_map(|(_, report)| report) };
            // By way of a value, in which keys are in order.
            let text = serde_json::to_vec_pretty(&serde_json::to_value(&summary)?)?;
            for output in &written {
                write_file(output, |out| out.write_all(&text))?;
            }
            Ok(summary)
        };
        tasks.run(Task::new(NAME, fingerprint, outputs, work))
    }

    fn findings(&self, report: &TaskReport) -> Result<Option<Findings>, PipelineError> {
        let EvaluateSummary { hold_out } = report.read_summary()?;
        Ok(hold_out.map(|report| Findings { subject: "hold-out records", table: report.to_string() }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report(summary: Value) -> TaskReport {
        let task = NAME.to_owned();
        TaskReport { task, because: None, seconds: 0.0, cpu_seconds: 0.0, peak_memory: None, summary }
    }

    #[test]
    fn a_summary_that_lacks_its_key_is_an_error() {
        assert_eq!(Evaluate.findings(&report(json!({ "hold_out": null }))).unwrap(), None);
        let renamed = Evaluate.findings(&report(json!({ "held_out": null }))).unwrap_err().to_string();
        assert!(renamed.contains("the summary of evaluate") && renamed.contains("hold_out"), "{renamed}");
    }
}
