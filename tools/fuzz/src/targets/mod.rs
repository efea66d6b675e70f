//! The targets, in the order of the data flow: records, `.skim` files, counts, networks, text models, settings.

mod evaluation;
mod frozen;
mod ids;
mod model;
mod network;
mod record;
mod sample;
mod settings;
mod skim;
mod text;
mod training;

use crate::Target;

/// A target by name.
#[derive(Clone, Copy)]
pub struct TargetEntry {
    /// Its name.
    pub name: &'static str,
    /// Makes it, with its seeds.
    pub make: fn() -> Box<dyn Target>,
}

const fn entry(name: &'static str, make: fn() -> Box<dyn Target>) -> TargetEntry {
    TargetEntry { name, make }
}

/// All targets.
pub const TARGETS: &[TargetEntry] = &[
    entry("record", || Box::new(record::Records::new())),
    entry("stream", || Box::new(record::Stream::new())),
    entry("columns", || Box::new(skim::Columns::new())),
    entry("part", || Box::new(skim::Part::new())),
    entry("ids", || Box::new(ids::Dictionary::new())),
    entry("features", || Box::new(skim::Features::new())),
    entry("similar", || Box::new(skim::Similar::new())),
    entry("codes", || Box::new(skim::Codes::new())),
    entry("totals", || Box::new(skim::Totals::new())),
    entry("frozen_table", || Box::new(frozen::Table::new())),
    entry("frozen_similar", || Box::new(frozen::Similar::new())),
    entry("model", || Box::new(model::Model::new())),
    entry("network", || Box::new(network::Weights::new())),
    entry("inference", || Box::new(network::Packed::new())),
    entry("training", || Box::new(training::Training::new())),
    entry("finetuning", || Box::new(training::Finetuning::new())),
    entry("distilbert", || Box::new(text::DistilBert::new())),
    entry("onnx", || Box::new(text::Onnx::new())),
    entry("vectors", || Box::new(text::Vectors::new())),
    entry("snapshot", || Box::new(text::Snapshot::new())),
    entry("tokenizer", || Box::new(text::Tokenizer::new())),
    entry("config", || Box::new(settings::Configuration::new())),
    entry("manifest", || Box::new(settings::Manifest::new())),
    entry("split", || Box::new(evaluation::HoldOut::new())),
    entry("predictions", || Box::new(evaluation::Predictions::new())),
];
