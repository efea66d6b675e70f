//! The repository's golden parts, whole: both readers give the same records, and the writer gives back their bytes.

use std::fs;

use skimlog_formats::record::{Parsed, RecordBatch, RecordOptions, RecordParser, RecordScanner, write_record};

fn scanned(text: &[u8]) -> RecordBatch {
    let mut scanner = RecordScanner::new(text, RecordOptions::default());
    let mut batch = RecordBatch::default();
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome.expect("the golden parts are sound");
    }
    batch
}

fn pushed(text: &[u8], borders: &[usize]) -> RecordBatch {
    let mut parser = RecordParser::new(RecordOptions::default());
    let mut batch = RecordBatch::default();
    let borders: Vec<usize> = [&[0], borders, &[text.len()]].concat();
    for piece in borders.windows(2) {
        let mut piece = &text[piece[0]..piece[1]];
        while !piece.is_empty() {
            let (taken, parsed) = parser.push(piece, &mut batch);
            assert!(!matches!(parsed, Parsed::Bad(_)), "{parsed:?}");
            piece = &piece[taken..];
        }
    }
    assert_eq!(parser.finish(&mut batch), Parsed::Incomplete);
    batch
}

#[test]
fn real_parts_come_back_byte_for_byte() {
    for part in ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"] {
        let path = format!("{}/../fixtures/golden/small/raw/{part}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read(path).unwrap();
        let batch = scanned(&text);
        let mut written = Vec::new();
        (0..batch.rows).for_each(|row| write_record(&batch, row, &mut written));
        assert!(written == text, "{part}");
        assert!(pushed(&text, &[1_000, 77_777, 77_778]) == batch, "{part}");
    }
}
