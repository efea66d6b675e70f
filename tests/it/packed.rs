//! Packed parts: through a pipe, as `lzop -dc` gives them, and `.zst` files directly.

use std::fs;
use std::path::Path;

use crate::harness::{fixture, run, run_with_input, stderr, success};

#[test]
fn plain_piped_and_zst_parts_give_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let raw = fixture("golden/small/raw/train/part-00000");
    let text = fs::read(&raw).unwrap();
    let out = |name: &str| folder.path().join(name);
    let convert = |part: &Path, skim: &Path| success(run([Path::new("convert"), part, Path::new("-o"), skim]));
    convert(&raw, &out("plain.skim"));
    let piped = out("piped.skim");
    success(run_with_input([Path::new("convert"), Path::new("-"), Path::new("-o"), &piped], &text));
    // Frames one behind the other are what `cat a.zst b.zst` and parallel packers make.
    let (first, second) = text.split_at(text.len() / 3);
    let packed = [first, second].map(|piece| zstd::encode_all(piece, 1).unwrap()).concat();
    fs::write(out("part-00000.zst"), packed).unwrap();
    convert(&out("part-00000.zst"), folder.path());
    let plain = fs::read(out("plain.skim")).unwrap();
    assert!(fs::read(piped).unwrap() == plain);
    assert!(fs::read(out("part-00000.skim")).unwrap() == plain);
    let back = success(run([Path::new("export"), &out("part-00000.skim"), Path::new("--to"), Path::new("tsv")]));
    assert!(back.stdout == text);
}

#[test]
fn a_pipe_that_breaks_off_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(fixture("golden/small/raw/train/part-00000")).unwrap();
    let out = folder.path().join("part.skim");
    let arguments = [Path::new("convert"), Path::new("-"), Path::new("-o"), &out];
    let output = run_with_input(arguments, &text[..text.len() - 90]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("standard input:5000: found "), "{}", stderr(&output));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
