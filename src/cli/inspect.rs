//! `skimmer inspect`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::{Serialize, Serializer};
use skimlog::pipeline::inspect::{Encodings, FileDescription, Row, describe, first_rows, is_model, model_card};
use skimlog_formats::columnar::Reader;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;
use skimlog_import::ids::{Dictionaries, IdDictionary, KIND};
use skimlog_model::bundle::Verify;
use skimlog_text::Decoder;

use super::output::{StandardOutput, print, print_json};
use super::own_ids::{self, IdForm};
use super::{Common, skim, values};

/// Rows of a dictionary of ids that are shown where nothing else is said.
const DICTIONARY_ROWS: u64 = 5;

/// Describe a .skim file: its rows and blocks, and each column's type, size and range. Or a model folder: what it was
/// trained on, what it counts, its configuration and measures.
///
/// Of a dictionary of ids (FILE.ids), which an import leaves beside a part, the first own ids are shown, too.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer inspect part-00000.skim
  skimmer inspect part-00000.skim --rows 3 --encodings
  skimmer inspect part-00000.ids --rows 20
  skimmer inspect part-00000.skim --rows 3 \\
      --decode tokenizer.json
  skimmer inspect working_dir/model")]
pub(super) struct Inspect {
    /// The file, or the model folder.
    #[arg(value_name = "FILE.skim|MODEL_DIR")]
    file: PathBuf,
    /// Show this many rows [default: 0, or 5 of a dictionary of ids].
    #[arg(long, value_name = "N", value_parser = values::whole::<u64>(0..=u64::MAX), allow_negative_numbers = true)]
    rows: Option<u64>,
    /// What ids are shown as [default: own, where a dictionary stands beside the file].
    #[arg(long, value_enum, value_name = "FORM")]
    ids: Option<IdForm>,
    /// Show the tweets of these rows as text, with this tokenizer.
    #[arg(long, value_name = "TOKENIZER.JSON")]
    decode: Option<PathBuf>,
    /// Show how each column is encoded, too; lines may be long.
    #[arg(long)]
    encodings: bool,
    /// Read every byte and compare all checksums.
    #[arg(long)]
    verify: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    description: &'a FileDescription,
    /// With `--rows`: each row's columns and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_rows: Option<Vec<RowMap>>,
    /// With `--decode`: each row's tweet.
    #[serde(skip_serializing_if = "Option::is_none")]
    tweets: Option<Vec<String>>,
}

/// A row as a map, in the columns' order.
struct RowMap(Row);

impl Serialize for RowMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Inspect {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if is_model(&self.file) {
            return self.model(common);
        }
        let reader = skim::open(&self.file)?;
        if self.verify {
            match reader.schema().kind == KIND {
                true => IdDictionary::open(&self.file)?.verify()?,
                false => reader.verify()?,
            }
        }
        let description = describe(&reader)?;
        if common.json { self.as_json(reader, &description) } else { self.as_text(reader, &description) }
    }

    /// How many rows are shown.
    fn rows(&self, description: &FileDescription) -> u64 {
        self.rows.unwrap_or(if description.kind == KIND { DICTIONARY_ROWS } else { 0 })
    }

    /// Calls `show` with the first rows, ids as `--ids` says.
    fn first_rows(
        &self,
        reader: &Reader,
        description: &FileDescription,
        show: impl FnMut(u64, Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let rows = self.rows(description);
        let dictionaries =
            if rows > 0 { own_ids::dictionaries(&self.file, self.ids)? } else { Dictionaries::default() };
        first_rows(reader, &dictionaries, rows, show)
    }

    fn model(&self, common: &Common) -> anyhow::Result<()> {
        if self.rows.is_some() || self.encodings || self.decode.is_some() {
            let folder = self.file.display();
            bail!("{folder}: a model folder has no rows: leave --rows, --decode and --encodings to .skim files");
        }
        let verify = if self.verify { Verify::Checksums } else { Verify::Sizes };
        let card = model_card(&self.file, verify)?;
        let printed = if common.json { print_json(&card) } else { print(format_args!("{card}\n")) };
        Ok(printed?)
    }

    fn as_json(&self, reader: Reader, description: &FileDescription) -> anyhow::Result<()> {
        let mut inspected = Inspected { description, first_rows: None, tweets: None };
        match &self.decode {
            Some(tokenizer) => {
                let tweets = inspected.tweets.insert(Vec::new());
                self.decoded(reader, tokenizer, |tweet| {
                    tweets.push(tweet);
                    Ok(())
                })?;
            }
            None if self.rows(description) > 0 => {
                let rows = inspected.first_rows.insert(Vec::new());
                self.first_rows(&reader, description, |_, row| {
                    rows.push(RowMap(row));
                    Ok(())
                })?;
            }
            None => {}
        }
        Ok(print_json(&inspected)?)
    }

    fn as_text(&self, reader: Reader, description: &FileDescription) -> anyhow::Result<()> {
        let mut out = StandardOutput::open()?;
        writeln!(out, "{description}")?;
        if self.encodings {
            writeln!(out, "{}", Encodings(description))?;
        }
        match &self.decode {
            Some(tokenizer) => self.decoded(reader, tokenizer, |tweet| Ok(writeln!(out, "{tweet}")?))?,
            None if description.kind == KIND => {
                self.first_rows(&reader, description, |_, row| {
                    let cells: Vec<String> = row.iter().map(|(_, value)| printable(value)).collect();
                    Ok(writeln!(out, "{}", cells.join("  "))?)
                })?;
            }
            None => self.first_rows(&reader, description, |number, row| write_row(&mut out, number, &row))?,
        }
        Ok(out.flush()?)
    }

    /// Shows the tweets of the first rows, one at least.
    fn decoded(
        &self,
        reader: Reader,
        tokenizer: &Path,
        mut show: impl FnMut(String) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let decoder = Decoder::open(tokenizer)?;
        let part = PartReader::new(reader)?;
        let mut left = usize::try_from(self.rows.unwrap_or(0).max(1)).unwrap_or(usize::MAX);
        for block in 0..part.blocks() {
            let records = part.read(block, Columns::TOKENS)?;
            for tokens in records.tokens.iter().take(left) {
                show(decoder.decode(tokens, false)?)?;
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// A row as a paragraph, a line a column.
fn write_row(out: &mut impl Write, number: u64, row: &Row) -> anyhow::Result<()> {
    let width = row.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    writeln!(out, "row {number}")?;
    for (name, value) in row {
        writeln!(out, "{}", format!("  {name:width$}  {}", printable(value)).trim_end())?;
    }
    Ok(())
}

/// A value without line breaks and colours, which own ids may have.
fn printable(value: &str) -> String {
    value.replace(char::is_control, "\u{FFFD}")
}
