//! Every fuzz target on a fixed number of inputs.
//!
//! `SKIMMER_FUZZ_INPUTS` says how many inputs a target gets (20,000 if not given), `SKIMMER_FUZZ_SEED` which (0), and
//! `SKIMMER_FUZZ_INPUT` runs a single one of them again.

use std::io::Write;
use std::path::Path;

use skimlog_fuzz::TARGETS;
use skimlog_fuzz::measure::CountingAllocator;
use skimlog_fuzz::run::run;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Inputs of a target where nothing else is said.
const INPUTS: u64 = 20_000;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")))
}

fn fuzz(name: &str) {
    let entry = TARGETS.iter().find(|entry| entry.name == name).expect("a target of this name");
    let seed = setting("SKIMMER_FUZZ_SEED").unwrap_or(0);
    let inputs = match setting("SKIMMER_FUZZ_INPUT") {
        Some(input) => input..input + 1,
        None => 0..setting("SKIMMER_FUZZ_INPUTS").unwrap_or(INPUTS),
    };
    let tally = run(entry, seed, inputs);
    let mut report = format!("{name}: {tally}\n");
    for finding in &tally.findings {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{seed}-{}", finding.input));
        let kept = std::fs::write(&file, &finding.bytes)
            .map_or_else(|error| error.to_string(), |()| file.display().to_string());
        report += &format!(
            "  SKIMMER_FUZZ_SEED={seed} SKIMMER_FUZZ_INPUT={} ({} bytes, {kept}): {}\n",
            finding.input,
            finding.bytes.len(),
            finding.what
        );
    }
    // Past the harness, which would keep the figures of a test that passes to itself.
    let _ = std::io::stderr().write_all(report.as_bytes());
    assert_eq!(tally.found, 0, "{report}");
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_is_run() {
            let here = [$(stringify!($name)),*];
            assert!(TARGETS.iter().map(|entry| entry.name).eq(here), "a target is missing here, or in another order");
        }
    };
}

targets! {
    record
    stream
    columns
    part
    ids
    features
    similar
    codes
    totals
    frozen_table
    frozen_similar
    model
    network
    inference
    training
    finetuning
    distilbert
    onnx
    vectors
    snapshot
    tokenizer
    config
    manifest
    split
    predictions
}
