//! The order of crates, in small made-up workspaces.

mod made_up;

use made_up::folder;
use skimlog_checks::order::Order;
use skimlog_checks::workspace::Workspace;

const ORDER: &str = r#"
[[crate]]
name = "low"
reason = "bytes"

[[crate]]
name = "middle"
reason = "numbers"

[[crate]]
name = "high"
reason = "the command"

[[aside]]
name = "made-up"
depends_on = ["low"]
used_by = ["high"]
reason = "for the demo"

[tools]
folders = ["tools"]
"#;

const FOLDERS: [&str; 5] = ["low", "middle", "high", "made-up", "tools/bench"];

/// What the order says of a workspace whose packages have these lines in their `Cargo.toml`.
fn findings(lines: &[(&str, &str)]) -> Vec<String> {
    let members = FOLDERS.map(|folder| format!("\"{folder}\"")).join(", ");
    let mut files = vec![("Cargo.toml".to_string(), format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"))];
    for folder in FOLDERS {
        let name = folder.trim_start_matches("tools/");
        let more: String = lines.iter().filter(|(of, _)| *of == name).map(|(_, lines)| format!("{lines}\n")).collect();
        files.push((
            format!("{folder}/Cargo.toml"),
            format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{more}"),
        ));
        files.push((format!("{folder}/src/lib.rs"), String::new()));
    }
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let folder = folder(&files);
    let workspace = Workspace::read(folder.path()).expect("a workspace");
    let (findings, _) = Order::parse(ORDER).expect("an order").check(&workspace);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn downward_dependencies_are_right() {
    let found = findings(&[
        ("middle", "[dependencies]\nlow = { path = \"../low\" }"),
        ("high", "[dependencies]\nlow = { path = \"../low\" }\nmiddle = { path = \"../middle\" }"),
        ("high", "made-up = { path = \"../made-up\", optional = true }"),
        ("made-up", "[dependencies]\nlow = { path = \"../low\" }"),
        ("bench", "[dependencies]\nhigh = { path = \"../../high\" }\nmade-up = { path = \"../../made-up\" }"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_upward_dependency_is_found_at_its_line() {
    for dependency in [
        "[dependencies]\nhigh = { path = \"../high\" }",
        "[dependencies]\nhigh = { path = \"../high\", optional = true }",
        "[build-dependencies]\nhigh.path = \"../high\"",
        "[target.'cfg(unix)'.dependencies]\nhigh.path = \"../high\"",
        "[dev-dependencies]\nhigh.path = \"../high\"\n[dependencies]\nh = { path = \"../high\", package = \"high\" }",
    ] {
        let found = findings(&[("middle", dependency)]);
        let line = 3 + dependency.lines().count();
        assert_eq!(found.len(), 1, "{dependency}");
        assert!(
            found[0].starts_with(&format!("middle/Cargo.toml:{line}: middle depends on high, which")),
            "{}",
            found[0]
        );
    }
    let found = findings(&[("middle", "[dependencies.high]\npath = \"../high\"")]);
    assert!(found[0].starts_with("middle/Cargo.toml:4: "), "{}", found[0]);
}

#[test]
fn tests_may_use_what_stands_later() {
    assert!(findings(&[("low", "[dev-dependencies]\nmade-up = { path = \"../made-up\" }")]).is_empty());
    assert!(findings(&[("low", "[dev-dependencies]\nhigh = { path = \"../high\" }")]).is_empty());
}

#[test]
fn a_crate_aside_is_optional_for_its_users_and_for_no_others() {
    let always = findings(&[("high", "[dependencies]\nmade-up = { path = \"../made-up\" }")]);
    assert!(always.len() == 1 && always[0].contains("make it optional"), "{always:?}");
    let other = findings(&[("middle", "[dependencies]\nmade-up = { path = \"../made-up\", optional = true }")]);
    assert!(other.len() == 1 && other[0].contains("which only high may"), "{other:?}");
    let itself = findings(&[("made-up", "[dependencies]\nmiddle = { path = \"../middle\" }")]);
    assert!(itself.len() == 1 && itself[0].contains("but may on low only"), "{itself:?}");
}

#[test]
fn nothing_but_tests_depends_on_tools() {
    let found = |table| findings(&[("high", &format!("[{table}]\nbench = {{ path = \"../tools/bench\" }}"))]);
    for table in ["dependencies", "build-dependencies"] {
        let found = found(table);
        assert!(found.len() == 1 && found[0].contains("high depends on the tool bench"), "{found:?}");
    }
    assert_eq!(found("dev-dependencies"), [""; 0]);
}

#[test]
fn a_package_without_a_position_is_found() {
    let folder = folder(&[
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"new\"]\n"),
        ("new/Cargo.toml", "[package]\nname = \"new\"\nedition = \"2024\"\n"),
        ("new/src/lib.rs", ""),
    ]);
    let workspace = Workspace::read(folder.path()).unwrap();
    let (found, _) = Order::parse(ORDER).unwrap().check(&workspace);
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().starts_with("new/Cargo.toml:1: new is not in"), "{}", found[0]);
}
