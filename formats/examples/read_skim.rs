//! Prints how a part is stored and its first records: `cargo run --example read_skim PART.skim [RECORDS]`.

use std::error::Error;
use std::io::{self, Write};

use skimlog_formats::part::PartReader;
use skimlog_formats::record::{Columns, FIELD_SEPARATOR, write_record};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: read_skim PART.skim [RECORDS]")?;
    let records: usize = arguments.next().map_or(Ok(3), |number| number.parse())?;
    let part = PartReader::open(&path)?;
    let mut out = io::stdout().lock();
    write_layout(&part, &mut out)?;
    write_records(&part, records, &mut out)
}

/// A line for every column of the first block: its size, its type and its encodings.
fn write_layout(part: &PartReader, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let reader = part.reader();
    let (version, bytes) = (reader.version(), reader.bytes());
    writeln!(out, "version {version}, {} records in {} blocks, {bytes} bytes", part.rows(), part.blocks())?;
    if part.blocks() == 0 {
        return Ok(());
    }
    writeln!(out, "\ncolumns of the first block:")?;
    for (number, field) in reader.schema().fields.iter().enumerate() {
        let info = reader.chunk_info(0, number)?;
        let list = if field.list { "list of " } else { "" };
        writeln!(out, "{:>10} bytes  {}: {list}{}, {}", info.bytes, field.name, field.value, info.encoding)?;
    }
    Ok(())
}

/// The first records, as text.
fn write_records(part: &PartReader, mut records: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nfirst records, with | between the fields:")?;
    let mut text = Vec::new();
    for block in 0..part.blocks() {
        if records == 0 {
            break;
        }
        let batch = part.read(block, Columns::ALL)?;
        for row in 0..batch.rows.min(records) {
            text.clear();
            write_record(&batch, row, &mut text);
            text.iter_mut().filter(|byte| **byte == FIELD_SEPARATOR).for_each(|byte| *byte = b'|');
            out.write_all(&text)?;
        }
        records -= batch.rows.min(records);
    }
    Ok(())
}
