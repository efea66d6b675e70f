//! Folders as downloads leave them: which files are parts, however they are packed and named, and what is said of the
//! rest.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::harness::{demo, files, fixture, golden_lines, run, run_with_input, skimmer, stderr, success};

/// A folder with two training parts of some hundred records, a validation part and a configuration.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let lines = golden_lines("train/part-00000", 900);
        for (name, lines) in [("data/part-00000", &lines[..500]), ("data/part-00001", &lines[500..900])] {
            place.write(name, &lines.concat());
        }
        place.write("validation", &golden_lines("validation/part-00000", 200).concat());
        place.configure("recsys_data: data\nvalidation_part: validation\n");
        place
    }

    fn configure(&self, text: &str) {
        self.write("config.yaml", format!("working_dir: work\n{text}").as_bytes());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: impl AsRef<Path>, content: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn text(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Puts what `pack` makes of a file in its place, under another name.
    fn pack(&self, name: &str, packed_name: &str, pack: impl Fn(&[u8]) -> Vec<u8>) {
        let packed = pack(&self.text(name));
        fs::remove_file(self.path(name)).unwrap();
        self.write(packed_name, &packed);
    }

    fn skimmer(&self, command: &str) -> Output {
        skimmer().current_dir(self.0.path()).arg(command).output().unwrap()
    }

    /// Converts everything, which must go well; what was said.
    #[track_caller]
    fn convert(&self) -> String {
        stderr(&success(self.skimmer("convert")))
    }

    /// Converts everything, which must go wrong with one sentence.
    #[track_caller]
    fn refused(&self, words: &[&str]) {
        let output = self.skimmer("convert");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("skimmer: ") && words.iter().all(|word| last.contains(word)), "{words:?}: {said}");
    }

    /// The text of the converted parts, by name.
    fn converted(&self) -> Vec<(String, Vec<u8>)> {
        let all = files(&self.path("work/parts")).into_keys().map(|name| {
            let file = self.path("work/parts").join(&name);
            let text = success(run([Path::new("export"), &file, Path::new("--to"), Path::new("tsv")])).stdout;
            (name.to_str().unwrap().to_owned(), text)
        });
        all.collect()
    }
}

/// Makes a packed file of a text.
type Pack = fn(&[u8]) -> Vec<u8>;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

/// An `.lzo` file whose blocks are stored as they are, each with its Adler-32.
fn lzo(text: &[u8]) -> Vec<u8> {
    let number = |number: usize| (number as u32).to_be_bytes();
    let adler = |bytes: &[u8]| {
        let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
            let a = (a + u32::from(byte)) % 65_521;
            (a, (b + a) % 65_521)
        });
        (b << 16 | a).to_be_bytes()
    };
    let mut header = b"\x10\x30\x20\xA0\x09\x40\x01\x05".to_vec();
    header.extend([number(1), number(0o100_644), number(0), number(0)].concat());
    header.push(0);
    let mut file = b"\x89LZO\0\r\n\x1A\n".to_vec();
    file.extend_from_slice(&header);
    file.extend(adler(&header));
    for block in text.chunks(100_000) {
        file.extend([number(block.len()), number(block.len()), adler(block)].concat());
        file.extend_from_slice(block);
    }
    file.extend(number(0));
    file
}

#[test]
fn parts_are_read_whatever_they_are_packed_with_and_whatever_they_are_called() {
    let place = Place::new();
    place.convert();
    let plain = place.converted();
    assert_eq!(
        plain.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["part-00000.skim", "part-00001.skim", "validation.skim"]
    );
    let names = [
        "part-00000.gz",
        "part-00000.lzo?X-Goog-Algorithm=GOOG4&X=a.b",
        "part-00000.zst",
        "part-00000",
        "part-00000.tsv",
    ];
    for name in names {
        for pack in [gzip, lzo, zstd, <[u8]>::to_vec] {
            let place = Place::new();
            place.pack("data/part-00000", &format!("data/{name}"), pack);
            place.pack("validation", "validation", pack);
            let said = place.convert();
            assert!(!said.contains("WARN"), "{said}");
            assert!(place.converted() == plain, "{name}");
        }
    }
}

#[test]
fn leftovers_are_named_in_one_warning() {
    let place = Place::new();
    let leftovers = [
        "part-00000.lzo.index",
        "part-00000.lzo.index?X-Goog-Date=1",
        "part-00001.aria2",
        "part-00001.crc",
        "part-00001.tmp",
        "part-00001.1",
        "part-00001.bak",
        "part-00001~",
        "part-00001 (1)",
        "part-00001.crdownload",
        "Copy of part-00001",
    ];
    let text = place.text("data/part-00001");
    leftovers.iter().for_each(|name| place.write(format!("data/{name}"), &text));
    place.write("data/part-00002", b"");
    place.write("data/.part-00001.swp", b"x");
    place.write("data/more/part-00003", b"x");
    let said = place.convert();
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("warning: ")).collect();
    let [warning] = warnings[..] else { panic!("{said}") };
    for name in leftovers.iter().chain(&["part-00002, without a byte", "not ended of part-00001"]) {
        assert!(warning.contains(name), "{name}: {warning}");
    }
    assert!(!warning.contains("swp") && !warning.contains("more"), "{warning}");
    assert_eq!(place.converted().len(), 3);
}

#[test]
fn two_files_of_one_part_stop_the_run() {
    for name in ["part-00001.gz", "part-00001.tsv", "part-00001.skim", "part-00001.lzo?X-Goog-Date=1", "part-00001.bz2"]
    {
        let place = Place::new();
        place.write(format!("data/{name}"), b"anything");
        place.refused(&["part-00001 and ", name, "are the same part"]);
    }
}

#[test]
fn records_that_would_count_twice_stop_the_run() {
    let copies: [(&str, Pack); 3] =
        [("data/part-00002", <[u8]>::to_vec), ("data/part-00001-copy.gz", gzip), ("data/part-1.lzo", lzo)];
    for (name, pack) in copies {
        let place = Place::new();
        place.write(name, &pack(&place.text("data/part-00001")));
        place.refused(&["part-00001 and ", name, "hold the same records"]);
        // Nor does any other stage take them.
        assert!(!place.skimmer("similar").status.success());
        fs::remove_file(place.path(name)).unwrap();
        place.convert();
        success(place.skimmer("similar"));
    }
    let place = Place::new();
    place.write("validation", &place.text("data/part-00000"));
    place.refused(&["data/part-00000 and ", "validation hold the same records"]);
}

#[test]
fn converted_parts_are_used_as_they_are() {
    let place = Place::new();
    place.convert();
    let all = files(&place.path("work/parts"));
    let skim = |name: &str| all[Path::new(name)].clone();
    place.pack("data/part-00000", "data/part-00000.skim", |_| skim("part-00000.skim"));
    // By what it is, not by its name.
    place.pack("data/part-00001", "data/part-00001", |_| skim("part-00001.skim"));
    place.pack("validation", "validation", |_| skim("validation.skim"));
    fs::remove_dir_all(place.path("work")).unwrap();
    place.convert();
    assert!(files(&place.path("work/parts")) == all);
    assert!(place.convert().contains("convert part-00000: up to date"));
    let before = files(&place.path("data"));
    success(skimmer().current_dir(place.0.path()).args(["convert", "--force"]).output().unwrap());
    success(place.skimmer("similar"));
    assert!(files(&place.path("data")) == before && files(&place.path("work/parts")) == all);

    // The converted parts' own folder as the data: nothing is made of them, and nothing is lost.
    place.configure("recsys_data: work/parts\n");
    place.convert();
    assert!(files(&place.path("work/parts")) == all);
}

#[test]
fn converted_parts_that_are_not_fit_are_refused() {
    let place = Place::new();
    place.convert();
    let whole = place.text("work/parts/part-00001.skim");
    fs::remove_file(place.path("data/part-00001")).unwrap();
    place.write("data/part-00001.skim", &whole[..whole.len() - 1]);
    place.refused(&["part-00001.skim", "damaged or incomplete"]);
    let mut spoilt = whole.clone();
    spoilt[whole.len() / 2] ^= 1;
    place.write("data/part-00001.skim", &spoilt);
    place.refused(&["part-00001.skim", "checksum"]);
    place.write("data/part-00001.skim", &whole);
    place.configure("recsys_data: data\nvalidation_part: validation\nvocabulary_size: 2000\n");
    place.refused(&["part-00001.skim", "vocabulary_size (2000)"]);
    place.configure("recsys_data: data\nvalidation_part: validation\n");
    let test = fixture("golden/small/raw/test/part-00000");
    success(run([Path::new("convert"), &test, Path::new("-o"), &place.path("data/part-00001.skim")]));
    place.refused(&["part-00001.skim", "20 fields"]);
}

#[test]
fn one_file_is_a_data_set() {
    let place = Place::new();
    let text = [place.text("data/part-00000"), place.text("data/part-00001")].concat();
    place.write("elsewhere/training.tsv", &text);
    place.write("elsewhere/validation.tsv", &place.text("validation"));
    place.configure("recsys_data: elsewhere/training.tsv\nvalidation_part: validation.tsv\n");
    place.convert();
    let converted = place.converted();
    assert_eq!(converted.len(), 2);
    assert_eq!(converted[0].0, "training.skim");
    assert!(converted[0].1 == text);
    success(place.skimmer("similar"));

    place.configure("recsys_data: elsewhere/validation.tsv\nvalidation_part: data/part-00000\n");
    place.refused(&["elsewhere/validation.tsv would be converted under the name of the validation part"]);
    place.configure("recsys_data: elsewhere/training.tsv\nvalidation_part: elsewhere/training.tsv\n");
    place.refused(&["elsewhere/training.tsv holds no part but the validation part"]);
    place.configure("recsys_data: elsewhere/training.tsv\nvalidation_part: data\n");
    place.refused(&["data is a folder: name a part in it"]);
    place.write("elsewhere/empty.tsv", b"");
    place.configure("recsys_data: elsewhere/empty.tsv\n");
    place.refused(&["elsewhere/empty.tsv is empty"]);
    fs::remove_file(place.path("elsewhere/empty.tsv")).unwrap();
    place.configure("recsys_data: elsewhere\n");
    place.refused(&["no part in ", "elsewhere", "training.tsv", "recsys_data"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_utf8_are_parts_of_their_own() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let [first, second] = [&b"data/part-\xFF"[..], b"data/part-\xFE.gz"].map(OsStr::from_bytes);
    let lines = golden_lines("train/part-00001", 300);
    place.write(first, &lines[..100].concat());
    place.write(second, &gzip(&lines[100..].concat()));
    place.convert();
    let names: Vec<String> = place.converted().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["part-%FE.skim", "part-%FF.skim", "part-00000.skim", "part-00001.skim", "validation.skim"]);
    let said = place.convert();
    assert!(said.contains("convert part-%FE: up to date") && said.contains("convert part-%FF: up to date"), "{said}");
    for stage in ["similar", "features"] {
        success(place.skimmer(stage));
    }
    place.write(OsStr::from_bytes(b"data/part-\xFD"), &lines[..100].concat());
    place.refused(&["hold the same records"]);

    let mut command = skimmer();
    command.current_dir(place.path("data")).args(["convert", "--json"]);
    let output =
        success(command.arg(OsStr::from_bytes(b"part-\xFE.gz")).arg(OsStr::from_bytes(b"part-\xFF")).output().unwrap());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary[0]["records"], 200);
    for name in [&b"data/part-\xFE.skim"[..], b"data/part-\xFF.skim"] {
        assert!(place.0.path().join(OsStr::from_bytes(name)).exists());
    }
}

/// What `convert` says of a file, whose name must be in it, and of the same through a pipe.
#[track_caller]
fn refusals(content: &[u8]) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    let (part, out) = (folder.path().join("part-00007"), folder.path().join("out.skim"));
    fs::write(&part, content).unwrap();
    let arguments = [Path::new("convert"), &part, Path::new("-o"), &out];
    let piped = [Path::new("convert"), Path::new("-"), Path::new("-o"), &out];
    [(run(arguments), part.to_str().unwrap()), (run_with_input(piped, content), "standard input")].map(
        |(output, name)| {
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains(name) && !out.exists(), "{said}");
            said
        },
    )
}

#[test]
fn what_is_no_text_is_named_with_what_to_do() {
    let text = golden_lines("train/part-00000", 3).concat();
    let utf16: Vec<u8> =
        [0xFEFF].into_iter().chain(text.iter().map(|&byte| byte.into())).flat_map(u16::to_le_bytes).collect();
    let skim = fs::read(fixture("part-v1.skim")).unwrap();
    let cases: [(&[u8], &[&str]); 12] = [
        (b"BZh91AY&SY\x01\x02", &["bzip2", "bzip2 -dc"]),
        (b"\xFD7zXZ\0\0\x04", &["xz -dc"]),
        (b"\x04\x22\x4D\x18\x64\x40", &["lz4 -dc"]),
        (b"PK\x03\x04\x14\0", &["zip archive", "unzip -p"]),
        (b"PAR1\x15\x04", &["Parquet", "raw text"]),
        (b"\n<!DOCTYPE html><html><title>Sign in</title>", &["web page", "download it again"]),
        (b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>", &["XML", "download it again"]),
        (&utf16, &["UTF-16", "iconv"]),
        (&[&b"\xEF\xBB\xBF"[..], &text].concat(), &["byte order mark"]),
        (&[0; 5000], &["zero bytes", "download it again"]),
        (&skim, &[".skim file", "converted already", "skimmer export"]),
        (&gzip(&skim), &["packed with gzip, and what it holds is a .skim file"]),
    ];
    for (content, words) in cases {
        for said in refusals(content) {
            assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
        }
    }
    for pack in [gzip, zstd, lzo] {
        let packed = pack(&text);
        for said in refusals(&packed[..packed.len() - 5]) {
            assert!(said.contains("ends too early"), "{said}");
        }
        for said in refusals(&[&packed[..], b"<html> and more than a header's bytes"].concat()) {
            assert!(said.contains("is damaged"), "{said}");
        }
    }
}

#[test]
fn a_part_of_another_kind_stops_the_run_before_any_work() {
    let place = Place::new();
    place.write("data/part-00002.xz", b"\xFD7zXZ\0\0\x04");
    place.refused(&["part-00002.xz is packed with xz: ", "xz -dc "]);
    assert!(!place.path("work/parts").exists());
}

#[test]
fn parts_that_would_become_one_file_are_found_before_any_work() {
    let place = Place::new();
    let text = place.text("data/part-00000");
    place.write("other/part-00000", &place.text("data/part-00001"));
    place.write("other/part-00000.gz", &gzip(&text));
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.path("data/part-00001"), place.path("data/link")).unwrap();
    let mut cases = vec![
        ["data/part-00000", "other/part-00000", "would both become"],
        ["data/part-00000", "other/part-00000.gz", "would both become"],
        ["data/part-00001", "data/part-00001", "is given twice"],
        ["data/part-00001", "data/../data/part-00001", "are the same file"],
        ["-", "-", "is given twice"],
    ];
    if cfg!(unix) {
        cases.push(["data/part-00001", "data/link", "are the same file"]);
    }
    for [first, second, said] in cases {
        let output =
            skimmer().current_dir(place.0.path()).args(["convert", first, second, "-o", "out"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!place.path("out").exists());
    }
    success(
        skimmer()
            .current_dir(place.0.path())
            .args(["convert", "data/part-00000", "data/part-00001", "-o", "out"])
            .output()
            .unwrap(),
    );
    assert_eq!(files(&place.path("out")).len(), 2);
}

#[test]
fn predict_names_what_is_no_text() {
    let model = demo().join("working_dir/model");
    let text = fs::read(demo().join("recsys_data/test/part-00000")).unwrap();
    let lines = golden_lines("train/part-00000", 3).concat();
    let cases =
        [(gzip(&text), "packed with gzip"), (zstd(&text), "zstd -dc FILE"), (b"<html></html>".to_vec(), "web page")];
    for (input, word) in &cases {
        for on_error in ["stop", "skip"] {
            let arguments = ["predict", "--on-error", on_error, "--model"].map(Path::new);
            let output = run_with_input(arguments.into_iter().chain([model.as_path()]), input);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.starts_with("skimmer: standard input is ") && said.contains(word), "{said}");
            assert!(output.stdout.is_empty());
        }
    }
    // A bad first line of text stays what it is.
    let arguments = ["predict", "--model"].map(Path::new);
    let output = run_with_input(arguments.into_iter().chain([model.as_path()]), &[b"x", &lines[..]].concat());
    assert!(stderr(&output).contains("standard input:1: "), "{}", stderr(&output));
}
