//! How fast raw records are read on one thread: `parse PART [SECONDS]`.

use std::time::{Duration, Instant};
use std::{env, fs, process};

use skimlog_formats::record::{Parsed, RecordBatch, RecordOptions, RecordParser, RecordScanner, write_record};

/// Records in a batch, as when parts are converted.
const ROWS: usize = 65_536;

fn main() {
    let mut arguments = env::args().skip(1);
    let Some(part) = arguments.next() else {
        eprintln!("usage: parse PART [SECONDS]");
        process::exit(2);
    };
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(3.0);
    let text = fs::read(&part).unwrap_or_else(|error| {
        eprintln!("{part}: {error}");
        process::exit(1);
    });
    println!("{part}: {} bytes", text.len());
    let limit = Duration::from_secs_f64(seconds);
    report("scanner (mapped text)", &text, limit, scan);
    report("csv-core, whole text", &text, limit, |text, batch| push(text, text.len(), batch));
    report("csv-core, 64 KiB pieces", &text, limit, |text, batch| push(text, 64 << 10, batch));
    report("parse and write back", &text, limit, |text, batch| {
        let mut written = Vec::with_capacity(text.len());
        let records = scan(text, batch);
        (0..batch.rows).for_each(|row| write_record(batch, row, &mut written));
        records
    });
}

/// Repeats a way of reading for a while and prints the median pace.
fn report(name: &str, text: &[u8], limit: Duration, mut read: impl FnMut(&[u8], &mut RecordBatch) -> usize) {
    let mut batch = RecordBatch::default();
    let records = read(text, &mut batch);
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < limit {
        let start = Instant::now();
        read(text, &mut batch);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let median = times[times.len() / 2].as_secs_f64();
    let (pace, megabytes) = (records as f64 / median, text.len() as f64 / 1e6 / median);
    println!("{name:24} {pace:>12.0} records/s {megabytes:>8.0} MB/s   median of {}", times.len());
}

fn scan(text: &[u8], batch: &mut RecordBatch) -> usize {
    let (mut scanner, mut records) = (RecordScanner::new(text, RecordOptions::default()), 0);
    batch.clear();
    while let Some(outcome) = scanner.read(batch) {
        records += usize::from(outcome.is_ok());
        if batch.rows == ROWS {
            batch.clear();
        }
    }
    records
}

fn push(text: &[u8], piece: usize, batch: &mut RecordBatch) -> usize {
    let (mut parser, mut records) = (RecordParser::new(RecordOptions::default()), 0);
    batch.clear();
    for mut rest in text.chunks(piece) {
        while !rest.is_empty() {
            let (taken, parsed) = parser.push(rest, batch);
            rest = &rest[taken..];
            records += usize::from(parsed == Parsed::Record);
            if batch.rows == ROWS {
                batch.clear();
            }
        }
    }
    records
}
