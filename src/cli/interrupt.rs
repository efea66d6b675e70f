//! Ctrl-C: a training comes to a halt with a checkpoint, everything else ends at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use skimmer::pipeline::Stage;

/// Whether what runs now looks at [`STOP`].
static HEEDED: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

/// What a shell reports of a program that ended on Ctrl-C.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C sets a flag first, while a stage runs that heeds it.
pub(super) fn listen() -> anyhow::Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        let first = !STOP.swap(true, Ordering::Relaxed);
        if !(first && HEEDED.load(Ordering::Relaxed)) {
            process::exit(INTERRUPTED);
        }
        eprintln!("skimmer: one more step and a checkpoint; press Ctrl-C again to end without");
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(&STOP)
}

/// Says which stage runs now.
pub(super) fn during(stage: Stage) {
    HEEDED.store(stage == Stage::Finetune, Ordering::Relaxed);
}
