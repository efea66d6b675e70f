//! What a configuration file may contain, and the error message for everything else.

use super::keys::{KEYS, Kind};
use super::*;

fn parse(text: &str) -> Result<Config, Wrong> {
    Config::build(text, Path::new(""), &[], Some(Path::new("/home/someone")))
}

fn problem(text: &str) -> (usize, String) {
    let Wrong { location: Location::Line(line), problem } = parse(text).unwrap_err() else { panic!("not of the file") };
    (line, problem)
}

fn with(text: &str, overrides: &[&str]) -> Result<Config, String> {
    let overrides: Vec<Override> = overrides.iter().map(|set| set.parse().unwrap()).collect();
    let config = Config::build(text, Path::new("folder"), &overrides, Some(Path::new("/home/someone")));
    config.map_err(|wrong| wrong.of("folder/config.yaml".into()).to_string())
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "# nothing\n", "---\n", "train:\npredict:\n", "train:\n  # hidden_size: 3\n", "{}"] {
        assert_eq!(parse(text).unwrap(), Config::default(), "{text:?}");
    }
}

#[test]
fn the_original_keys_keep_their_names() {
    let text = "working_dir: /w\nrecsys_data: /r\nvalidation_part: /v/part-00000\nmax_n_parts: 3\n\
                max_n_parts_in_memory: 1\nauthors_similarity_top_N: 7\nauthors_similarity_threshold: 0.2\n\
                validation_percentage: 0.3\nnum_validation_chunks: 4\nsketch_width: 128\nsketch_depth: 40\n";
    let config = parse(text).unwrap();
    assert_eq!((config.max_n_parts, config.authors_similarity_top_n), (Some(3), 7));
    assert_eq!((config.sketch_width, config.sketch_depth), (128, 40));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let (line, text) = problem("seed: 1\nsketch_widht: 3\n");
    assert_eq!((line, text.as_str()), (2, "unknown key `sketch_widht`; did you mean `sketch_width`?"));
    let (line, text) = problem("seed: 1\ntrain:\n  hidden_size: 3\n  lerning_rate: 1\n");
    assert_eq!((line, text.as_str()), (4, "unknown key `train.lerning_rate`; did you mean `train.learning_rate`?"));
    for key in ["1", "true", "null", "''"] {
        let (line, text) = problem(&format!("seed: 1\n{key}: 2\n"));
        assert_eq!(line, 2);
        assert!(text.starts_with(&format!("unknown key `{}`", key.trim_matches('\''))), "{text}");
    }
}

/// A configuration with one key, and the line that it stands in.
fn one_key(path: &str, value: &str) -> (String, usize) {
    let mut text = "# a comment\n".to_owned();
    let names: Vec<&str> = path.split('.').collect();
    for (depth, name) in names.iter().enumerate() {
        text += &format!("{}{name}:", "  ".repeat(depth));
        text += &if depth + 1 == names.len() { format!(" {value}\n") } else { "\n".to_owned() };
    }
    (text, 1 + names.len())
}

#[test]
fn every_key_with_every_wrong_value_is_a_plain_sentence() {
    let values = [
        "some words",
        "'5x'",
        "-3",
        "1.5",
        "1e30",
        "-1e30",
        "99999999999999999999",
        ".nan",
        ".inf",
        "[1, 2]",
        "[]",
        "{a: 1}",
        "{}",
        "null",
        "~",
        "true",
        "'true'",
        "''",
        "0",
        "2",
        "2021-02-04",
        "12 parsecs",
        "0x10",
    ];
    let rust = [
        "usize",
        "u16",
        "u32",
        "u64",
        "i64",
        "i128",
        "f32 ",
        "f64",
        "struct",
        "enum",
        "variant",
        "visitor",
        "newtype",
        "invalid type",
        "invalid value",
        "unit",
        "PathBuf",
        "bool",
        "sequence",
        "Some(",
        "None",
    ];
    let mut refused = 0;
    for key in KEYS {
        let mut refused_here = 0;
        for value in values {
            let (text, expected) = one_key(key.path, value);
            let Err(wrong) = parse(&text) else { continue };
            let said = wrong.of("config.yaml".into()).to_string();
            refused_here += 1;
            let start = format!("config.yaml:{expected}: ");
            assert!(said.starts_with(&start) && said.contains(key.path), "{text}{said}");
            assert!(!rust.iter().any(|word| said.contains(word)), "{text}{said}");
            assert!(said.contains("must be") || value == "{a: 1}" && said.contains("unknown key"), "{text}{said}");
        }
        let least = if key.kind == Kind::Path { 8 } else { 10 };
        assert!(refused_here >= least, "{}: only {refused_here} values are refused", key.path);
        refused += refused_here;
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn what_is_wrong_with_a_value_is_said_in_the_words_of_yaml() {
    let cases = [
        ("seed: -1", "seed: must be a whole number of at least 0, but is -1"),
        ("seed: 1.5", "seed: must be a whole number of at least 0, but is 1.5"),
        ("seed: many", "seed: must be a whole number of at least 0, but is the text \"many\""),
        ("seed: '5'", "seed: must be a whole number of at least 0, but is the text \"5\": leave out the quotes"),
        ("seed:", "seed: must be a whole number of at least 0, but is null"),
        ("seed: 1e30", "seed: must be a whole number of at most 18446744073709551615, but is 1e30"),
        ("threads: []", "threads: must be a whole number of at least 1 (or null), but is a list"),
        ("sketch_width: 70000", "sketch_width: must be a whole number of at most 65536, but is 70000"),
        ("train: 5", "train: must be a mapping (indented `key: value` lines), but is 5"),
        ("train: {centred: yes}", "train.centred: must be true or false (or null), but is the text \"yes\""),
        ("bad_records: go on", "bad_records: must be `stop` or `quarantine`, but is the text \"go on\""),
        (
            "predict: {precision: f16}",
            "predict.precision: must be one of `f32`, `bf16`, `int8`, but is the text \"f16\"",
        ),
        ("working_dir: 5", "working_dir: must be a path (a text), but is 5: put it in quotes if that is its name"),
        ("working_dir: {a: b}", "working_dir: must be a path (a text), but is a mapping"),
        ("recsys_data: ''", "recsys_data: must be a path (a text), but is an empty text"),
        ("validation_percentage: 10", "validation_percentage: must be a number between 0 and 1, but is 10"),
        (
            "authors_similarity_threshold: 0",
            "authors_similarity_threshold: must be a number above 0 and at most 1, but is 0",
        ),
        (
            "memory_budget: 1KiB",
            "must be an amount of memory such as 512MiB or 2GiB, at least 64MiB (or null), but is the text \"1KiB\"",
        ),
        ("- a\n- b", "the configuration must be a mapping of keys to values (`key: value` lines)"),
        ("just words", "the configuration must be a mapping of keys to values (`key: value` lines)"),
    ];
    for (text, expected) in cases {
        let (line, said) = problem(text);
        assert!(said.ends_with(expected), "{text}\n{said}\n{expected}");
        assert_eq!(line, 1, "{text}");
    }
}

#[test]
fn lines_are_right_where_names_repeat() {
    let text = "predict: {batch_size: 8} # batch_size: 0\ndistilbert:\n  # batch_size: 0\n  \
                tokenizer: 'batch_size: 0'\n  finetune:\n    masked: 0.1\n    batch_size: 9\ntrain:\n  \"batch_size\" \
                : 1\n";
    let (line, said) = problem(text);
    assert_eq!(line, 9, "{said}");
    assert!(said.starts_with("train.batch_size"), "{said}");
    assert_eq!(problem("seed: 1\r\n\r\nsketch_depth: x\r\n").0, 3, "with Windows' line ends");
}

#[test]
fn a_tilde_is_the_home_folder() {
    for key in KEYS.iter().filter(|key| key.kind == Kind::Path) {
        let built = |value: &str, home| {
            let (text, _) = one_key(key.path, value);
            Config::build(&text, Path::new("folder"), &[], home)
        };
        let path_of = |config: Config| {
            let values = serde_json::to_value(config).unwrap();
            values
                .pointer(&format!("/{}", key.path.replace('.', "/")))
                .and_then(|value| value.as_str().map(str::to_owned))
        };
        let home = Some(Path::new("/home/someone"));
        for (value, expected) in
            [("~/data", "/home/someone/data"), ("'~'", "/home/someone/"), ("~//data", "/home/someone/data")]
        {
            assert_eq!(path_of(built(value, home).unwrap()).as_deref(), Some(expected), "{} {value}", key.path);
        }
        assert_eq!(path_of(built("./~data", home).unwrap()).as_deref(), Some("folder/./~data"));
        for (value, home, words) in [
            ("~/data", None, "HOME is not set"),
            ("~other/data", home, "`~other` is not expanded"),
            ("\"a\\0b\"", home, "zero byte"),
        ] {
            let said = built(value, home).unwrap_err().problem;
            assert!(said.contains(words) && said.starts_with(key.path), "{said}");
        }
    }
    // YAML's null, but a folder that must be has none.
    assert_eq!(parse("working_dir: ~").unwrap().working_dir, Path::new("/home/someone"));
    assert_eq!(parse("distilbert: {model: ~}").unwrap().distilbert.model, None);
}

#[test]
fn overrides_take_the_place_of_keys() {
    let text = "seed: 1\ntrain:\n  hidden_size: 5\n  batch_size: 7\nworking_dir: work\nrecsys_data: raw\n";
    let config = with(
        text,
        &["train.hidden_size=300", "threads=2", "threads=3", "working_dir=here", "distilbert.from_scratch.dim=64"],
    );
    let config = config.unwrap();
    assert_eq!((config.seed, config.threads), (1, Some(3)));
    assert_eq!((config.train.hidden_size, config.train.batch_size), (300, Some(7)));
    assert_eq!(
        (config.working_dir.as_path(), config.recsys_data.as_path()),
        (Path::new("here"), Path::new("folder/raw"))
    );
    assert_eq!(config.distilbert.from_scratch.unwrap().dim, 64);
    let config = with(text, &["train={batch_size: null, seed: 4}", "recsys_data=~/raw", "validation_part="]).unwrap();
    assert_eq!((config.train.hidden_size, config.train.batch_size, config.train.seed), (5, None, Some(4)));
    assert_eq!(config.recsys_data, Path::new("/home/someone/raw"));
    assert_eq!(with("", &["distilbert.model=x"]).unwrap().distilbert.model, Some("x".into()));
    assert_eq!(with("", &[]).unwrap().working_dir, Path::new("folder/working_dir"));
}

#[test]
fn what_is_wrong_with_an_override_names_it() {
    let cases = [
        (
            "train.hidden_sise=3",
            "--set train.hidden_sise=3: unknown key `train.hidden_sise`; did you mean `train.hidden_size`?",
        ),
        ("seed=x", "--set seed=x: seed: must be a whole number of at least 0, but is the text \"x\""),
        (
            "train={seed: x}",
            "--set train={seed: x}: train.seed: must be a whole number of at least 0 (or null), but is the text \"x\"",
        ),
        ("recsys_data=~other/x", "--set recsys_data=~other/x: recsys_data: `~other` is not expanded"),
    ];
    for (set, expected) in cases {
        let said = with("seed: 1\n", &[set]).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
    // The file's own faults keep their lines.
    assert!(with("seed: 1\nthreads: x\n", &["seed=2"]).unwrap_err().starts_with("folder/config.yaml:2: threads: "));
    for (argument, words) in [
        ("seed", "KEY=VALUE"),
        ("=3", "is no key"),
        ("a..b=3", "is no key"),
        ("seed=[1", "not valid YAML"),
        ("seed=1\n--- 2", "second document"),
    ] {
        let said = argument.parse::<Override>().unwrap_err();
        assert!(said.contains(words), "{argument}: {said}");
    }
}

#[test]
fn the_shipped_file_holds_the_defaults() {
    let shipped = parse(TEMPLATE).unwrap();
    let expected = Config { validation_part: shipped.validation_part.clone(), ..Config::default() };
    assert_eq!(shipped, expected);
}

#[test]
fn a_configuration_is_written_as_it_is_read() {
    assert!(
        Config { validation_part: Some("recsys_data/validation/part-00000".into()), ..Config::default() }.to_yaml()
            == TEMPLATE
    );
    let mut config =
        Config { working_dir: "a folder: #1".into(), threads: Some(3), seed: u64::MAX, ..Config::default() };
    config.distilbert.from_scratch = Some(FromScratch { dim: 64, ..FromScratch::default() });
    config.distilbert.model = Some("5".into());
    config.train.learning_rate = Some(2e-7);
    config.train.logarithms = Some(false);
    let text = config.to_yaml();
    assert_eq!(parse(&text).unwrap(), config, "{text}");
    assert!(text.contains("  learning_rate: 2e-7             # 0.0001; 0.0005"), "{text}");
}
