//! Circles between files of small made-up crates.

mod made_up;

use made_up::folder;
use skimlog_checks::circles::Circles;

/// The circles of a crate that begins with `src/lib.rs`, as findings print them.
fn circles_but(files: &[(&str, &str)], allowed: &str) -> Vec<String> {
    let folder = folder(files);
    let mut circles = Circles::default();
    circles.read(folder.path(), &folder.path().join("src/lib.rs")).expect("a crate");
    circles.check_against(allowed).expect("a list of circles").iter().map(ToString::to_string).collect()
}

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    circles_but(files, "")
}

/// A crate of the modules `a` and `b`.
fn two<'a>(a: &'a str, b: &'a str) -> [(&'static str, &'a str); 3] {
    [("src/lib.rs", "mod a;\nmod b;\n"), ("src/a.rs", a), ("src/b.rs", b)]
}

#[test]
fn a_circle_is_told_with_a_line_an_edge() {
    let found = circles(&two(
        "\nuse crate::b::{B, C as D};\npub struct A(B, D);\n",
        "pub struct B;\npub struct C;\n\nuse crate::a::A;\nfn f(_: A) {}\n",
    ));
    let expected = "src/a.rs:2: circle of 2 files: src/a.rs, src/b.rs\n    \
        src/a.rs:2 uses B, C of src/b.rs\n    src/b.rs:4 uses A of src/a.rs";
    assert_eq!(found, [expected]);
}

#[test]
fn one_direction_is_no_circle() {
    assert!(circles(&two("use crate::b::B;\npub struct A(B);", "pub struct B;")).is_empty());
}

#[test]
fn longer_circles_and_two_of_them() {
    let lib = ("src/lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f;");
    let found = circles(&[
        lib,
        ("src/a.rs", "use crate::b::B; pub struct A(B);"),
        ("src/b.rs", "use crate::c::C; pub struct B(C);"),
        ("src/c.rs", "use crate::a::A; pub struct C(Box<A>);"),
        ("src/d.rs", "use crate::e::E; use crate::a::A; pub struct D(E, A);"),
        ("src/e.rs", "use crate::d::D; pub struct E(Box<D>);"),
        ("src/f.rs", "use crate::e::E; pub struct F(E);"),
    ]);
    assert_eq!(found.len(), 2);
    assert!(found[0].contains("circle of 3 files: src/a.rs, src/b.rs, src/c.rs\n"), "{}", found[0]);
    assert!(found[1].contains("circle of 2 files: src/d.rs, src/e.rs\n"), "{}", found[1]);
}

#[test]
fn a_re_export_leads_to_the_file_that_defines_the_item() {
    let lib = ("src/lib.rs", "mod a;\npub mod m;\npub use m::B as Known;\npub(crate) use m::deep::*;");
    let m = ("src/m/mod.rs", "mod b;\npub mod deep;\npub use b::B;");
    let deep = ("src/m/deep.rs", "pub struct Deep;");
    let a = ("src/a.rs", "use crate::Known;\npub struct A(Known);\npub use crate::Deep;");
    let found = circles(&[lib, m, deep, a, ("src/m/b.rs", "use crate::a::A;\npub struct B(Box<A>);")]);
    let expected = "src/a.rs:1: circle of 2 files: src/a.rs, src/m/b.rs\n    \
        src/a.rs:1 uses B of src/m/b.rs\n    src/m/b.rs:1 uses A of src/a.rs";
    assert_eq!(found, [expected]);
    assert!(circles(&[lib, m, deep, a, ("src/m/b.rs", "pub struct B;")]).is_empty());
}

#[test]
fn a_file_that_only_re_exports_its_modules_is_in_no_circle() {
    let child = ("src/m/b.rs", "use super::Other;\nuse crate::m;\npub struct B(Other, m::Other);");
    let other = ("src/m/other.rs", "pub struct Other;");
    let lib = ("src/lib.rs", "mod m;");
    assert!(
        circles(&[lib, ("src/m/mod.rs", "mod b; mod other;\npub use b::B;\nuse other::Other;"), child, other])
            .is_empty()
    );
}

#[test]
fn code_that_uses_a_child_which_uses_super_is_a_circle() {
    let lib = ("src/lib.rs", "mod m;");
    let child = ("src/m/b.rs", "pub struct B(Box<super::M>);");
    let user = "mod b;\npub use b::B;\n\npub struct M(B);";
    for (path, content) in [("src/m/mod.rs", user), ("src/m.rs", user), ("src/m.rs", "mod b;\n\n\npub struct M(b::B);")]
    {
        let found = circles(&[lib, (path, content), child]);
        assert_eq!(found.len(), 1, "{content}");
        assert!(found[0].contains(&format!("{path}:4 uses B of src/m/b.rs")), "{}", found[0]);
        assert!(found[0].contains(&format!("src/m/b.rs:1 uses M of {path}")), "{}", found[0]);
    }
    // A variable of a function's name is no use of the function.
    let variable = "mod b;\npub use b::b;\npub struct M;\nfn f(b: u8) -> u8 { b + 1 }";
    assert!(circles(&[lib, ("src/m.rs", variable), ("src/m/b.rs", "use super::M;\npub fn b(_: M) {}")]).is_empty());
    let called = "mod b;\npub use b::b;\npub struct M;\nfn f() { let b = b(M); drop(b); }";
    assert_eq!(circles(&[lib, ("src/m.rs", called), ("src/m/b.rs", "use super::M;\npub fn b(_: M) {}")]).len(), 1);
}

#[test]
fn paths_within_code_are_uses() {
    let a = "pub struct A;\npub trait T { fn t(&self) {} }\npub const LIMIT: u8 = 3;\npub fn f() {}\npub enum E { V }";
    let reads_b = format!("{a}\nfn g(_: crate::b::B) {{}}");
    for code in [
        "pub fn b() { crate::a::f(); }",
        "pub fn b() { self::super::a::f(); }",
        "pub fn b(x: Option<Vec<crate::a::A>>) {}",
        "pub fn b<X: crate::a::T>(x: X) {}",
        "pub fn b() { println!(\"{}\", crate::a::LIMIT); }",
        "pub fn b() -> bool { matches!(1, crate::a::LIMIT | 4 if true) }",
        "pub fn b() { use crate::a; a::f(); }",
        "use crate::a as other;\npub fn b() { other::f(); }",
        "use crate::*;\npub fn b() { a::f(); }",
        "pub fn b() { use crate::a::*; f(); }",
        "pub fn b() { use crate::a as x; { use x as b; b::f(); } }",
        "use crate::a::*;\npub fn b(x: u8) -> bool { matches!(x, LIMIT) }",
        "use crate::a::*;\npub fn b() { println!(\"{LIMIT:>3}\"); }",
        "use crate::a::*;\npub fn b(x: E) { match x { E::V => {} } }",
        "use crate::a::E::*;\npub fn b() { let _ = V; }",
        "use crate::a::{self};\npub fn b() { a::f() }",
        "#[serde(default = \"crate::a::f\")]\npub struct X;",
        "#[arg(value_parser = crate::a::f)]\npub struct X;",
        "macro_rules! m { () => { $crate::a::f() } }",
        "pub mod inner { pub fn b() { super::super::a::f() } }",
        "impl crate::a::T for B {}",
        "pub(crate) use crate::a::f;",
    ] {
        let found = circles(&two(&reads_b, &format!("pub struct B;\n{code}")));
        assert_eq!(found.len(), 1, "{code}");
    }
}

#[test]
fn what_is_no_use() {
    let a = "pub struct A;\npub fn f() {}\nfn g(_: crate::b::B) {}";
    for code in [
        "// crate::a::f()",
        "/// [`crate::a::f`]\npub fn b() {}",
        "pub fn b() { println!(\"crate::a::f()\"); }",
        "pub fn b() { other::a::f(); ::a::f(); }",
        "#[cfg(test)]\nuse crate::a::f;",
        "#[cfg(test)]\nmod tests { use crate::a::f; }",
        "#[cfg(all(test, feature = \"x\"))]\nfn b() { crate::a::f(); }",
        "#[test]\nfn b() { crate::a::f(); }",
        "pub fn b(a: &B) { a.f(); }",
        "pub(in crate::a) fn b() {}",
        "use crate::a;",
    ] {
        let found = circles(&two(a, &format!("pub struct B;\n{code}")));
        assert!(found.is_empty(), "{code}: {found:?}");
    }
    // Not for tests alone: these count.
    for condition in ["not(test)", "any(test, feature = \"x\")", "feature = \"x\""] {
        let code = format!("pub struct B;\n#[cfg({condition})]\nuse crate::a::f;");
        assert_eq!(circles(&two(a, &code)).len(), 1, "{condition}");
    }
}

#[test]
fn modules_of_tests_are_not_read() {
    let a = "use crate::b::B;\npub struct A(B);";
    // There is no src/b/tests.rs: reading it would fail.
    assert!(circles(&two(a, "pub struct B;\n#[cfg(test)]\nmod tests;")).is_empty());
}

#[test]
fn a_trait_is_used_where_its_functions_are_called() {
    let lib = ("src/lib.rs", "mod m;");
    let child =
        ("src/m/b.rs", "use super::M;\npub trait Grow { fn grow(&self); }\nimpl Grow for M { fn grow(&self) {} }");
    let called = ("src/m.rs", "mod b;\nuse b::Grow;\npub struct M;\nfn f(m: &M) { m.grow(); }");
    let found = circles(&[lib, called, child]);
    assert!(found.len() == 1 && found[0].contains("src/m.rs:4 uses Grow of src/m/b.rs"), "{found:?}");
    let handed_on = ("src/m.rs", "mod b;\npub use b::Grow;\npub struct M;\nfn f(m: &M) { m.shrink(); }");
    assert!(circles(&[lib, handed_on, child]).is_empty());
}

#[test]
fn macros_belong_to_the_file_that_defines_them() {
    let lib = ("src/lib.rs", "#[macro_use]\nmod a;\nmod b;");
    let a = ("src/a.rs", "macro_rules! each { ($($t:ty),*) => { $(impl crate::b::B for $t {})* } }");
    let b = ("src/b.rs", "pub trait B {}\neach!(u8, u16);");
    let found = circles(&[lib, a, b]);
    assert!(found.len() == 1 && found[0].contains("src/b.rs:2 uses each! of src/a.rs"), "{found:?}");
}

#[test]
fn files_by_path_attribute_and_modules_within_files() {
    let lib = ("src/lib.rs", "#[path = \"elsewhere/x.rs\"]\nmod a;\nmod inline { pub mod b; }");
    let found = circles(&[
        lib,
        ("src/elsewhere/x.rs", "pub struct A(Box<crate::inline::b::B>);"),
        ("src/inline/b.rs", "pub struct B(super::super::a::A);"),
    ]);
    assert!(found.len() == 1 && found[0].contains("src/elsewhere/x.rs, src/inline/b.rs"), "{found:?}");
}

#[test]
fn an_allowed_circle_is_none_as_long_as_it_is_just_that() {
    let files = two("use crate::b::B; pub struct A(B);", "use crate::a::A; pub struct B(Box<A>);");
    let allowed = "[[circle]]\nfiles = [\"src/b.rs\", \"src/a.rs\"]\nreason = \"a tree of both\"\n";
    assert!(circles_but(&files, allowed).is_empty());

    let gone = two("use crate::b::B; pub struct A(B);", "pub struct B;");
    let found = circles_but(&gone, allowed);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("tools/checks/allowed_circles.toml:2: no circle of just these files"), "{}", found[0]);

    let larger = "[[circle]]\nfiles = [\"src/b.rs\", \"src/a.rs\", \"src/c.rs\"]\nreason = \"three\"\n";
    assert_eq!(circles_but(&files, larger).len(), 2, "the circle is another, so it and the entry are findings");
}

#[test]
fn an_allowed_circle_needs_a_reason() {
    for text in ["[[circle]]\nfiles = [\"src/a.rs\"]\n", "[[circle]]\nfiles = [\"src/a.rs\"]\nreason = \" \"\n"] {
        assert!(Circles::default().check_against(text).is_err(), "{text}");
    }
}

#[test]
fn a_missing_module_is_an_error_with_its_line() {
    let folder = folder(&[("src/lib.rs", "\nmod a;")]);
    let error = Circles::default().read(folder.path(), &folder.path().join("src/lib.rs")).unwrap_err().to_string();
    assert!(error.contains("src/lib.rs:2: neither "), "{error}");
}
