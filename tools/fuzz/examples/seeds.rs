//! Writes the seeds of every target into folders that cargo-fuzz takes for corpora: `seeds FOLDER`.

use std::fs;
use std::path::PathBuf;

use skimlog_fuzz::TARGETS;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds FOLDER");
        std::process::exit(2);
    };
    for entry in TARGETS {
        let corpus = folder.join(entry.name);
        fs::create_dir_all(&corpus)?;
        for (number, seed) in (entry.make)().seeds().iter().enumerate() {
            fs::write(corpus.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
