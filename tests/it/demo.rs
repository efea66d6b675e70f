//! The whole way, once, on small synthetic data, and what can be done with its results.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::harness::{demo, files, run, run_with_input, skimmer, stderr, success};

fn model() -> PathBuf {
    demo().join("working_dir/model")
}

fn test_part() -> Vec<u8> {
    fs::read(demo().join("recsys_data/test/part-00000")).unwrap()
}

fn predict(input: &[u8], more: &[&str]) -> std::process::Output {
    let model = model();
    let arguments = ["predict", "--model", model.to_str().unwrap()];
    run_with_input(arguments.into_iter().chain(more.iter().copied()), input)
}

#[test]
fn predictions_are_the_demo_s_and_in_order() {
    let output = success(predict(&test_part(), &[]));
    assert_eq!(output.stdout, fs::read(demo().join("predictions.csv")).unwrap());
    let text = test_part();
    let records = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(lines.len(), 1200);
    for (line, record) in lines.iter().zip(records) {
        let fields: Vec<&[u8]> = record.split(|&byte| byte == 1).collect();
        let mut columns = line.split(',');
        assert_eq!(columns.next().unwrap().as_bytes(), fields[2]);
        assert_eq!(columns.next().unwrap().as_bytes(), fields[14]);
        let probabilities: Vec<f32> = columns.map(|number| number.parse().unwrap()).collect();
        assert_eq!(probabilities.len(), 4);
        assert!(probabilities.iter().all(|&probability| probability > 0.0 && probability < 1.0), "{line}");
    }
}

#[test]
fn the_first_hundred_records_get_the_first_hundred_lines() {
    let text = test_part();
    let hundred: Vec<u8> = text.split_inclusive(|&byte| byte == b'\n').take(100).flatten().copied().collect();
    let all = success(predict(&text, &[])).stdout;
    let first: Vec<u8> = all.split_inclusive(|&byte| byte == b'\n').take(100).flatten().copied().collect();
    assert_eq!(success(predict(&hundred, &[])).stdout, first);
    // Nor does the size of the batches show, or the number of threads.
    assert_eq!(success(predict(&hundred, &["--batch", "7"])).stdout, first);
    assert_eq!(success(predict(&hundred, &["--batch", "1", "--threads", "2"])).stdout, first);
}

#[test]
fn every_precision_gives_the_same_lines_for_any_batch_and_nearly_the_exact_ones() {
    let text = test_part();
    let probabilities = |output: &[u8]| -> Vec<f32> {
        let text = std::str::from_utf8(output).unwrap();
        text.lines().flat_map(|line| line.split(',').skip(2)).map(|number| number.parse().unwrap()).collect()
    };
    let exact = probabilities(&success(predict(&text, &["--precision", "f32"])).stdout);
    for precision in ["bf16", "int8"] {
        let precision = ["--precision", precision];
        let all = success(predict(&text, &precision)).stdout;
        for more in [["--batch", "1"], ["--batch", "33"], ["--threads", "2"]] {
            assert!(all == success(predict(&text, &[precision, more].concat())).stdout, "{precision:?} {more:?}");
        }
        let found = probabilities(&all);
        assert_eq!(found.len(), exact.len());
        let differences = found.iter().zip(&exact).map(|(a, b)| f64::from((a - b).abs()));
        let mean = differences.sum::<f64>() / exact.len() as f64;
        assert!(mean > 0.0 && mean < 0.01, "{precision:?}: mean difference {mean}");
    }
    let output = predict(&text, &["--precision", "f64"]);
    assert!(!output.status.success() && stderr(&output).contains("f32, bf16, int8"), "{}", stderr(&output));
}

#[test]
fn what_precision_costs_is_shown() {
    let output = success(run([
        Path::new("evaluate"),
        Path::new("--precisions"),
        Path::new("--config"),
        &demo().join("config.yaml"),
    ]));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("bf16: AP and RCE") && table.contains("int8: AP and RCE"), "{table}");
    assert_eq!(table.lines().count(), 5, "{table}");
}

#[test]
fn a_summary_for_machines_goes_to_standard_error() {
    let output = success(predict(&test_part(), &["--json", "--verify"]));
    assert_eq!(output.stdout.split(|&byte| byte == b'\n').count() - 1, 1200);
    let summary: serde_json::Value = serde_json::from_str(&stderr(&output)).unwrap();
    assert_eq!((summary["records"].as_u64(), summary["precision"].as_str()), (Some(1200), Some("f32")));
    assert!(summary["p99_milliseconds"].as_f64().unwrap() > 0.0);
    assert!(summary["batches"].as_u64().unwrap() >= 5);
}

#[test]
fn predictions_that_nobody_reads_end_quietly() {
    let mut child = skimmer()
        .args([Path::new("predict"), Path::new("--model"), &model()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // The predictor may be gone before it has read everything.
    let _ = std::io::Write::write_all(&mut input, &test_part());
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn a_malformed_record_stops_the_predictor_after_the_lines_before_it() {
    let mut text: Vec<u8> = test_part().split_inclusive(|&byte| byte == b'\n').take(5).flatten().copied().collect();
    text.extend_from_slice(b"101\x01nonsense\n");
    text.extend(test_part().split_inclusive(|&byte| byte == b'\n').skip(5).take(2).flatten());
    let output = predict(&text, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout.split(|&byte| byte == b'\n').count() - 1, 5);
    assert!(stderr(&output).contains("standard input:6:"), "{}", stderr(&output));

    let output = success(predict(&text, &["--on-error", "skip"]));
    assert_eq!(output.stdout.split(|&byte| byte == b'\n').count() - 1, 7);
    assert!(stderr(&output).contains(":6:"), "{}", stderr(&output));
}

#[test]
fn predictions_come_before_the_input_ends() {
    use std::io::{BufRead, BufReader, Write};
    let mut child = skimmer()
        .args([Path::new("predict"), Path::new("--model"), &model()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for record in test_part().split_inclusive(|&byte| byte == b'\n').take(3) {
        input.write_all(record).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.as_bytes().starts_with(record.split(|&byte| byte == 1).nth(2).unwrap()), "{line}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_output_ends_quietly() {
    let part = demo().join("working_dir/parts/part-00000.skim");
    let mut child = skimmer()
        .args([Path::new("export"), &part, Path::new("--to"), Path::new("tsv")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().filter(|line| line.contains("skimmer:")).count(), 0, "{}", stderr(&output));
}

#[test]
fn the_number_of_threads_does_not_show_in_any_artefact() {
    let folder = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(demo().join("config.yaml")).unwrap();
    let artefacts = |threads: usize, budget: &str| {
        let name = format!("threads-{threads}");
        let text = config
            .replace("threads: null", &format!("threads: {threads}"))
            .replace("memory_budget: null", &format!("memory_budget: {budget}"))
            .replace("working_dir: working_dir", &format!("working_dir: {}", folder.path().join(&name).display()))
            .replace("recsys_data/", &format!("{}/recsys_data/", demo().display()));
        let path = folder.path().join(format!("{name}.yaml"));
        fs::write(&path, text).unwrap();
        let arguments = ["run", "--quiet", "--to", "sketch", "--config"].map(Path::new);
        success(run(arguments.into_iter().chain([path.as_path()])));
        let mut files = files(&folder.path().join(name));
        // When and how long, which differ.
        files.remove(Path::new("manifest.json"));
        files.remove(Path::new("report.html"));
        files
    };
    let (one, two) = (artefacts(1, "64MiB"), artefacts(2, "1GiB"));
    let names: Vec<_> = one.keys().collect();
    assert_eq!(names, two.keys().collect::<Vec<_>>());
    for wanted in ["parts/part-00001.skim", "features/validation.skim", "similar.skim", "codes.skim"] {
        assert!(one.contains_key(Path::new(wanted)), "{wanted} is not among {names:?}");
    }
    for (name, bytes) in &one {
        assert!(*bytes == two[name], "{} differs", name.display());
    }
}

#[test]
fn without_a_validation_part_there_is_a_model_and_nothing_to_evaluate() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(demo().join("config.yaml")).unwrap();
    let text = text
        .replace("validation_part: recsys_data/validation/part-00000", "validation_part: null")
        .replace("recsys_data: recsys_data", &format!("recsys_data: {}/recsys_data", demo().display()))
        .replace("hidden_size: 256", "hidden_size: 16");
    let config = folder.path().join("config.yaml");
    fs::write(&config, text).unwrap();
    let output = success(run([Path::new("run"), Path::new("--config"), &config]));
    assert!(stderr(&output).contains("validation_part is not set"), "{}", stderr(&output));
    let model = folder.path().join("working_dir/model");
    let output = success(run_with_input([Path::new("predict"), Path::new("--model"), &model], &test_part()));
    assert_eq!(output.stdout.split(|&byte| byte == b'\n').count() - 1, 1200);
}

#[test]
fn what_is_up_to_date_is_not_done_again() {
    let demo = demo();
    let (config, model) = (demo.join("config.yaml"), model().join("weights.safetensors"));
    let made = fs::metadata(&model).unwrap().modified().unwrap();
    let output = success(run([Path::new("run"), Path::new("--config"), &config]));
    assert!(stderr(&output).contains("train: up to date"), "{}", stderr(&output));
    assert_eq!(fs::metadata(&model).unwrap().modified().unwrap(), made);
}

#[test]
fn parts_come_back_byte_for_byte() {
    for name in ["part-00000", "part-00001"] {
        let skim = demo().join(format!("working_dir/parts/{name}.skim"));
        let output = success(run([Path::new("export"), &skim, Path::new("--to"), Path::new("tsv"), Path::new("-q")]));
        assert!(output.stdout == fs::read(demo().join("recsys_data/train").join(name)).unwrap(), "{name} differs");
    }
}

#[test]
fn a_model_of_another_sketch_size_or_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("model");
    let spoil = |change: &dyn Fn(&Path)| {
        for (name, bytes) in files(&model()) {
            let path = copy.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        change(&copy);
        let arguments = ["predict", "--model"].map(Path::new);
        let output = run_with_input(arguments.into_iter().chain([copy.as_path()]), &test_part());
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        fs::remove_dir_all(&copy).unwrap();
        stderr(&output)
    };
    let manifest = |from: &'static str, to: &'static str| {
        move |model: &Path| {
            let path = model.join("manifest.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(&path, text.replace(from, to)).unwrap();
        }
    };
    let said = spoil(&manifest("\"sketch_depth\": 20", "\"sketch_depth\": 10"));
    assert!(said.contains("weights.safetensors") || said.contains("codes.skim"), "{said}");
    let said = spoil(&manifest("\"format_version\": 3", "\"format_version\": 7"));
    assert!(said.contains("version") && said.contains('7'), "{said}");
    let said = spoil(&|model| fs::remove_file(model.join("codes.skim")).unwrap());
    assert!(said.contains("codes.skim"), "{said}");
    let said = spoil(&|model| fs::write(model.join("weights.safetensors"), b"short").unwrap());
    assert!(said.contains("weights.safetensors"), "{said}");
    let said = spoil(&|model| fs::remove_file(model.join("manifest.json")).unwrap());
    assert!(said.contains("no model") || said.contains("manifest"), "{said}");
}
