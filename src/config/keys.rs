//! Every key of the configuration and its allowed values: the one table for checks, messages and suggestions.

/// What a key's value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A whole number from `least` to `most`.
    Whole { least: u64, most: u64 },
    /// A number in a range.
    Number(Range),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The path of a file or folder.
    Path,
    /// A number of bytes, at least so many, with or without a unit.
    Size { least: u64 },
    /// Keys of its own.
    Section,
}

/// The range of a number that need not be whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Range {
    /// From 0 to 1.
    Share,
    /// Above 0, at most 1.
    PositiveShare,
    /// Above 0.
    Positive,
    /// At least 0, and no more than a duration in minutes can hold.
    Amount,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    /// Its sections and its name, with dots between.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// Whether null is a value of its own.
    pub(super) optional: bool,
}

impl Key {
    const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The sections with their dots, and the name.
    pub(super) fn split(&self) -> (&'static str, &'static str) {
        self.path.split_at(self.path.rfind('.').map_or(0, |dot| dot + 1))
    }
}

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, optional: false }
}

/// A number of things that there must be at least one of.
const COUNT: Kind = Kind::Whole { least: 1, most: u32::MAX as u64 };
/// A number of things that may be none.
const ANY: Kind = Kind::Whole { least: 0, most: u32::MAX as u64 };
/// A size in a text model's `config.json`.
const MODEL_SIZE: Kind = Kind::Whole { least: 1, most: 1 << 24 };
/// Any whole number.
const WHOLE: Kind = Kind::Whole { least: 0, most: u64::MAX };
const SHARE: Kind = Kind::Number(Range::Share);
const POSITIVE: Kind = Kind::Number(Range::Positive);
const AMOUNT: Kind = Kind::Number(Range::Amount);

pub(super) const KEYS: &[Key] = &[
    key("working_dir", Kind::Path),
    key("recsys_data", Kind::Path),
    key("validation_part", Kind::Path).optional(),
    key("mapping", Kind::Path).optional(),
    key("max_n_parts", COUNT).optional(),
    key("max_n_parts_in_memory", COUNT),
    key("authors_similarity_top_N", COUNT),
    key("authors_similarity_threshold", Kind::Number(Range::PositiveShare)),
    key("validation_percentage", SHARE),
    key("num_validation_chunks", Kind::Whole { least: 1, most: u16::MAX as u64 }),
    // Codes have 16 bits.
    key("sketch_width", Kind::Whole { least: 1, most: 1 << 16 }),
    key("sketch_depth", Kind::Whole { least: 1, most: 1024 }),
    key("validation_split", Kind::Path).optional(),
    key("vocabulary_size", COUNT),
    key("seed", WHOLE),
    key("threads", COUNT).optional(),
    key("memory_budget", Kind::Size { least: 64 << 20 }).optional(),
    key("bad_records", Kind::Choice(&["stop", "quarantine"])),
    key("max_bad_records", WHOLE),
    key("text", Kind::Choice(&["none", "hashed", "distilbert"])).optional(),
    key("distilbert", Kind::Section),
    key("distilbert.model", Kind::Path).optional(),
    key("distilbert.tokenizer", Kind::Path).optional(),
    key("distilbert.onnx", Kind::Path).optional(),
    key("distilbert.max_n_parts", COUNT),
    key("distilbert.batch_tokens", COUNT).optional(),
    key("distilbert.engine", Kind::Choice(&["auto", "onnxruntime", "tract"])),
    key("distilbert.onnxruntime", Kind::Path).optional(),
    key("distilbert.snapshot_seconds", ANY),
    key("distilbert.device", Kind::Choice(&["cpu", "cuda"])),
    key("distilbert.from_scratch", Kind::Section).optional(),
    key("distilbert.from_scratch.vocab_size", MODEL_SIZE).optional(),
    key("distilbert.from_scratch.dim", MODEL_SIZE),
    key("distilbert.from_scratch.hidden_dim", MODEL_SIZE),
    key("distilbert.from_scratch.n_layers", MODEL_SIZE),
    key("distilbert.from_scratch.n_heads", MODEL_SIZE),
    key("distilbert.from_scratch.max_position_embeddings", MODEL_SIZE),
    key("distilbert.from_scratch.initializer_range", POSITIVE).optional(),
    key("distilbert.finetune", Kind::Section),
    key("distilbert.finetune.epochs", ANY),
    key("distilbert.finetune.max_steps", ANY).optional(),
    key("distilbert.finetune.batch_size", COUNT),
    key("distilbert.finetune.max_length", COUNT),
    key("distilbert.finetune.masked", SHARE),
    key("distilbert.finetune.learning_rate", POSITIVE),
    key("distilbert.finetune.warmup_steps", ANY),
    key("distilbert.finetune.weight_decay", AMOUNT),
    key("distilbert.finetune.max_gradient_norm", POSITIVE),
    key("distilbert.finetune.held_out", SHARE),
    key("distilbert.finetune.held_out_records", ANY),
    key("distilbert.finetune.evaluate_steps", ANY),
    key("distilbert.finetune.log_steps", ANY),
    key("distilbert.finetune.save_steps", ANY),
    key("distilbert.finetune.save_total_limit", COUNT),
    key("train", Kind::Section),
    // Wider layers than this have more weights than any memory.
    key("train.hidden_size", Kind::Whole { least: 1, most: 1 << 17 }),
    key("train.warm_start", Kind::Flag),
    key("train.recipe", Kind::Choice(&["tuned", "original"])),
    // The batch normalisations need a second record.
    key("train.batch_size", Kind::Whole { least: 2, most: u32::MAX as u64 }).optional(),
    key("train.learning_rate", POSITIVE).optional(),
    key("train.day_decay", SHARE).optional(),
    key("train.warm_up", SHARE).optional(),
    key("train.last_rate", SHARE).optional(),
    key("train.weight_decay", AMOUNT).optional(),
    key("train.num_validation_epochs", ANY).optional(),
    key("train.finetune_learning_rate", POSITIVE).optional(),
    key("train.validation_decay", SHARE).optional(),
    key("train.reset_optimizer_each_day", Kind::Flag).optional(),
    key("train.settle_batches", ANY).optional(),
    key("train.centred", Kind::Flag).optional(),
    key("train.logarithms", Kind::Flag).optional(),
    key("train.bias_init", Kind::Choice(&["base_rate", "zero"])).optional(),
    key("train.seed", WHOLE).optional(),
    key("train.checkpoint_minutes", AMOUNT),
    key("predict", Kind::Section),
    key("predict.batch_size", COUNT),
    key("predict.precision", Kind::Choice(&["f32", "bf16", "int8"])),
];

/// The key of this path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Config, FromScratch};

    fn paths(value: &Value, above: &str, found: &mut BTreeSet<String>) {
        let Value::Object(map) = value else { return };
        for (name, value) in map {
            let path = format!("{above}{name}");
            paths(value, &format!("{path}."), found);
            found.insert(path);
        }
    }

    #[test]
    fn the_table_holds_just_the_keys_there_are() {
        let mut config = Config::default();
        config.distilbert.from_scratch = Some(FromScratch::default());
        let mut there = BTreeSet::new();
        paths(&serde_json::to_value(config).unwrap(), "", &mut there);
        let listed: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(listed.len(), KEYS.len(), "a key is listed twice");
        assert_eq!(listed, there);
    }

    #[test]
    fn what_the_table_allows_is_read() {
        for key in KEYS {
            let mut values = match key.kind {
                Kind::Whole { least, most } => vec![json!(least), json!(most)],
                Kind::Number(Range::Share) => vec![json!(0), json!(1)],
                Kind::Number(_) => vec![json!(0.5)],
                Kind::Flag => vec![json!(true), json!(false)],
                Kind::Choice(words) => words.iter().map(|word| json!(word)).collect(),
                Kind::Path => vec![json!("some/path")],
                Kind::Size { least } => vec![json!(least), json!("2GiB")],
                Kind::Section => vec![json!({})],
            };
            if key.optional {
                values.push(Value::Null);
            }
            for value in values {
                let tree = key.path.rsplit('.').fold(value, |tree, name| json!({ name: tree }));
                let read = serde_json::from_value::<Config>(tree.clone());
                assert!(read.is_ok(), "{tree}: {}", read.unwrap_err());
            }
        }
    }
}
