//! The masked-language-model loss of a stored DistilBERT on a given batch, before and after a few training steps: for
//! `tools/checks/finetune.py`, which compares it with what transformers computes.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use skimlog_text::distilbert::Weights;
use skimlog_text::finetune::{CpuTrainer, MaskedBatch, TrainingOptions};

/// Computes a loss, takes steps, stores the model and computes the loss again; prints both losses.
#[derive(Parser)]
struct Arguments {
    /// Folder with config.json and model.safetensors.
    model: PathBuf,
    /// JSON: a list each of input_ids, attention_mask and labels (-100 where nothing is to be guessed), a list a
    /// record.
    batch: PathBuf,
    /// Where the model goes after the steps.
    out: PathBuf,
    /// Steps.
    #[arg(long, default_value_t = 2)]
    steps: u64,
}

fn read(arguments: &Arguments) -> Result<MaskedBatch, Box<dyn Error>> {
    let [ids, mask, labels]: [Vec<Vec<i64>>; 3] = serde_json::from_slice(&fs::read(&arguments.batch)?)?;
    let labels = labels.concat();
    let hidden = (0..labels.len()).filter(|&position| labels[position] >= 0);
    Ok(MaskedBatch {
        rows: ids.len(),
        length: ids.first().map_or(0, Vec::len),
        ids: ids.concat().into_iter().map(u32::try_from).collect::<Result<_, _>>()?,
        attention: mask.concat().into_iter().map(|attended| attended == 1).collect(),
        positions: hidden.clone().map(|position| position as u32).collect(),
        targets: hidden.map(|position| labels[position] as u32).collect(),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let batch = read(&arguments)?;
    let mut trainer = CpuTrainer::new(Weights::read(&arguments.model)?, &Default::default());
    let before = trainer.loss(&batch);
    let options = TrainingOptions { warmup_steps: 0, ..TrainingOptions::default() };
    for step in 0..arguments.steps {
        trainer.step(&batch, step, arguments.steps, &options);
    }
    fs::create_dir_all(&arguments.out)?;
    trainer.weights().write(&arguments.out)?;
    println!("{before} {}", trainer.loss(&batch));
    Ok(())
}
