//! The stages, a room each, and their order. A further stage is a room and a line of [`STAGES`].
//!
//! A room holds what the stage says of itself (`stage`: what it reads and makes, what that depends on, which
//! configurations have it, how it runs), what it will cost (`cost`), its work, its summary and its errors. Later stages
//! ask it for what it made.

pub mod convert;
pub mod embed;
pub mod evaluate;
pub mod features;
pub mod finetune;
pub mod similar;
pub mod sketch;
pub mod train;

use crate::config::Config;
use crate::pipeline::{PipelineError, Stage};
use crate::trial::Planned;

pub use convert::Convert;
pub use embed::Embed;
pub use evaluate::Evaluate;
pub use features::Features;
pub use finetune::Finetune;
pub use similar::Similar;
pub use sketch::Sketch;
pub use train::Train;

/// One of [`STAGES`].
pub type StageRef = &'static dyn Planned;

/// All stages, in the order in which they run.
pub static STAGES: [StageRef; 8] = [&Convert, &Similar, &Features, &Finetune, &Embed, &Sketch, &Train, &Evaluate];

/// The stage of this name.
pub fn named(name: &str) -> Option<StageRef> {
    STAGES.into_iter().find(|stage| stage.name() == name)
}

/// The position of a stage in the order.
///
/// # Panics
/// For a stage that is not one of [`STAGES`].
pub fn position(stage: &dyn Stage) -> usize {
    let position = STAGES.iter().position(|one| one.name() == stage.name());
    position.expect("every stage is in the list")
}

/// The position of the stage that a task of the manifest is of, if there is one: `convert part-00000` is of `convert`.
pub fn position_of_task(task: &str) -> Option<usize> {
    STAGES.iter().position(|stage| task.split(' ').next() == Some(stage.name()))
}

/// The names of all stages in the order in which they run, for messages.
pub fn order() -> String {
    STAGES.map(|stage| stage.name()).join(", ")
}

/// The stages that a configuration has, in their order: the one rule for runs and plans.
pub fn of(config: &Config) -> impl Iterator<Item = StageRef> {
    STAGES.into_iter().filter(|stage| stage.is_part_of(config))
}

/// The stages that a configuration has of those from `from` to `to`, in their order; a single stage that is asked for
/// is run whatever the configuration has.
///
/// # Errors
/// [`PipelineError`]: what the configuration lacks for one of them, so that it is known before hours of work.
pub fn chosen(config: &Config, from: StageRef, to: StageRef) -> Result<Vec<StageRef>, PipelineError> {
    let asked = position(from)..=position(to);
    let chosen: Vec<StageRef> = if asked.start() == asked.end() {
        vec![from]
    } else {
        of(config).filter(|&stage| asked.contains(&position(stage))).collect()
    };
    chosen.iter().try_for_each(|stage| stage.check(config))?;
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use skimlog_features::sketch::TextMode;

    use super::embed::NoTextModel;
    use super::*;
    use crate::config::FromScratch;

    #[test]
    fn stages_are_those_the_configuration_has() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("part-00000"), "a record").unwrap();
        let names = |config: &Config, from, to| {
            let stages = chosen(config, from, to);
            stages.map(|stages| stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(" "))
        };
        let bare = Config {
            working_dir: "/no such folder".into(),
            recsys_data: folder.path().to_owned(),
            ..Config::default()
        };
        assert_eq!(names(&bare, &Convert, &Features).unwrap(), "convert similar features");
        // Without a text model, the text is hashed.
        assert_eq!(names(&bare, &Convert, &Evaluate).unwrap(), "convert similar features sketch train");
        let with = |text| Config { text: Some(text), ..bare.clone() };
        let lacking = names(&with(TextMode::DistilBert), &Convert, &Evaluate).unwrap_err();
        assert_eq!(lacking.stage_error(), Some(&NoTextModel::NotSet));
        // What was made with another configuration may be gone on from.
        assert_eq!(names(&with(TextMode::DistilBert), &Sketch, &Evaluate).unwrap(), "sketch train");
        assert_eq!(names(&bare, &Evaluate, &Evaluate).unwrap(), "evaluate");
        assert_eq!(names(&with(TextMode::None), &Convert, &Evaluate).unwrap(), "convert similar features train");
        let alone = names(&with(TextMode::None), &Sketch, &Sketch).unwrap_err();
        assert!(alone.to_string().starts_with("with text: none there are no token codes to make"), "{alone}");
        let large = Config { vocabulary_size: u32::MAX, ..bare.clone() };
        assert!(names(&large, &Convert, &Evaluate).unwrap_err().to_string().starts_with("vocabulary_size: "));
        let mut full = Config { validation_part: Some("v".into()), ..bare.clone() };
        full.distilbert.from_scratch = Some(FromScratch::default());
        full.distilbert.finetune.epochs = 1;
        assert_eq!(names(&full, &Convert, &Evaluate).unwrap(), order().replace(", ", " "));
        full.text = Some(TextMode::Hashed);
        assert_eq!(names(&full, &Convert, &Evaluate).unwrap(), "convert similar features sketch train evaluate");
        let nothing = Config { recsys_data: "/no such folder".into(), ..bare };
        assert!(matches!(names(&nothing, &Convert, &Features), Err(PipelineError::Stream(_))));
    }

    #[test]
    fn a_task_is_of_its_stage() {
        assert_eq!(position_of_task("convert part-00000"), Some(0));
        assert_eq!(position_of_task("similar"), Some(1));
        assert_eq!(position_of_task("similarity"), None);
        assert!(STAGES.iter().all(|stage| named(stage.name()).is_some_and(|one| one.name() == stage.name())));
    }
}
