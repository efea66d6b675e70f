//! `skimmer inspect`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use skimmer::pipeline::inspect::{describe, first_rows};
use skimmer::text::Decoder;
use skimmer_formats::columnar::Reader;
use skimmer_formats::part::PartReader;
use skimmer_formats::record::Columns;

use super::Common;
use super::output::stdout;

/// Describe a .skim file: its rows and blocks, and each column's type, encodings, size and range.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  skimmer inspect part-00000.skim --rows 3\n  skimmer inspect part-00000.skim --rows 3 --decode tokenizer.json"
)]
pub(super) struct Inspect {
    /// The file.
    #[arg(value_name = "FILE.skim")]
    file: PathBuf,
    /// Show this many rows.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rows: u64,
    /// Show the tweets of these rows as text, with this tokenizer.
    #[arg(long, value_name = "TOKENIZER.JSON")]
    decode: Option<PathBuf>,
    /// Read every byte and compare all checksums.
    #[arg(long)]
    verify: bool,
}

impl Inspect {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let reader = Reader::open(&self.file)?;
        if self.verify {
            reader.verify()?;
        }
        let description = describe(&reader)?;
        let mut out = BufWriter::new(stdout()?);
        if common.json {
            serde_json::to_writer_pretty(&mut out, &description).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{description}")?;
        }
        match &self.decode {
            None if self.rows == 0 => {}
            None => write!(out, "{}", first_rows(&reader, self.rows)?)?,
            Some(tokenizer) => {
                let decoder = Decoder::open(tokenizer)?;
                let part = PartReader::new(reader)?;
                let mut left = self.rows.max(1);
                for block in 0..part.blocks() {
                    let records = part.read(block, Columns::TOKENS)?;
                    for tokens in records.tokens.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                        writeln!(out, "{}", decoder.decode(tokens, false)?)?;
                        left -= 1;
                    }
                    if left == 0 {
                        break;
                    }
                }
            }
        }
        Ok(out.flush()?)
    }
}
