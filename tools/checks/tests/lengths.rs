//! Lengths, and the program as a whole.

mod made_up;

use std::process::Command;

use made_up::folder;
use skimlog_checks::lengths::{LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE, Lengths};

fn findings(files: &[(&str, &str)]) -> Vec<String> {
    Lengths::of(folder(files).path()).expect("Rust sources").findings.iter().map(ToString::to_string).collect()
}

/// A function of so many lines.
fn function(before: &str, lines: usize) -> String {
    format!("{before}fn long() {{\n{}}}\n", "    work();\n".repeat(lines - 2))
}

#[test]
fn a_long_function_is_found() {
    assert!(findings(&[("src/lib.rs", &function("\n", LONGEST_FUNCTION))]).is_empty());
    let long = function("/// Long.\n#[inline]\npub ", LONGEST_FUNCTION + 1);
    assert_eq!(findings(&[("src/lib.rs", &long)]), ["src/lib.rs:3: function `long` of 81 lines, more than 80"]);
}

#[test]
fn functions_of_types_traits_tests_and_macros_are_measured() {
    let long = function("", LONGEST_FUNCTION + 1);
    for (before, after) in [
        ("impl X {\n", "}"),
        ("trait X {\n", "}"),
        ("#[cfg(test)]\nmod tests {\n#[test]\n", "}"),
        ("macro_rules! m { () => {\n", "} }"),
        ("fn outer() {}\nm! {\n", "}"),
    ] {
        let found = findings(&[("tests/x.rs", &format!("{before}{long}{after}"))]);
        assert!(found.len() == 1 && found[0].contains("function `long` of 81 lines"), "{before}: {found:?}");
    }
    let declared =
        format!("macro_rules! m {{ () => {{ trait T {{ fn long(); }} }} }}\nstruct X {{\n{}}}", "\n".repeat(90));
    assert!(findings(&[("src/lib.rs", &declared)]).is_empty());
}

#[test]
fn long_files_and_lines_are_found() {
    let lines = "// line\n";
    assert!(findings(&[("a.rs", &lines.repeat(LONGEST_FILE))]).is_empty());
    assert_eq!(findings(&[("a.rs", &lines.repeat(LONGEST_FILE + 1))]), ["a.rs:451: file of 451 lines, more than 450"]);
    let wide = |columns| format!("\n//{}\n", "ß".repeat(columns - 2));
    assert!(findings(&[("a.rs", &wide(LONGEST_LINE))]).is_empty());
    assert_eq!(findings(&[("a.rs", &wide(LONGEST_LINE + 1))]), ["a.rs:2: line of 121 columns, more than 120"]);
}

#[test]
fn results_of_builds_are_left_out() {
    let no_rust = "fn (";
    for path in ["target/x.rs", "a/target/x.rs", ".hidden/x.rs", "x.txt"] {
        assert!(findings(&[(path, no_rust)]).is_empty(), "{path}");
    }
    assert!(findings(&[("out/x.rs", no_rust), ("out/CACHEDIR.TAG", "")]).is_empty());
    let folder = folder(&[("src/x.rs", "\nfn (")]);
    let error = Lengths::of(folder.path()).err().unwrap().to_string();
    assert!(error.contains("src/x.rs:2: "), "{error}");
}

#[test]
fn the_program_ends_with_1_where_it_finds_something() {
    let order = "[[crate]]\nname = \"one\"\nreason = \"the only one\"\n[tools]\nfolders = []\n";
    let run = |lib: &str| {
        let folder = folder(&[
            ("Cargo.toml", "[package]\nname = \"one\"\nedition = \"2024\"\n"),
            ("src/lib.rs", lib),
            ("src/a.rs", "pub struct A(Box<crate::L>);"),
            ("tools/checks/order.toml", order),
            ("tools/checks/allowed_circles.toml", "# none\n"),
        ]);
        let program = env!("CARGO_BIN_EXE_skimlog-checks");
        let output = Command::new(program).current_dir(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, printed) = run("mod a;\npub use a::A;\npub struct L;");
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("circles: 2 files") && printed.ends_with("findings: 0\n"), "{printed}");
    let (code, printed) = run("mod a;\npub use a::A;\npub struct L(A);");
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("src/a.rs:1: circle of 2 files: src/a.rs, src/lib.rs\n"), "{printed}");
    assert!(printed.ends_with("findings: 1\n"), "{printed}");
    assert_eq!(run("mod missing;").0, Some(2));
}
