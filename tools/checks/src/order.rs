//! The order of crates: who may depend on whom.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::finding::Finding;
use crate::workspace::{Dependency, DependencyKind, Package, Workspace};

/// `order.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    #[serde(rename = "crate")]
    crates: Vec<Crate>,
    #[serde(default, rename = "aside")]
    asides: Vec<Aside>,
    tools: Tools,
}

/// A crate of the product; those before it in the file are what it may depend on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crate {
    name: String,
    reason: String,
}

/// A crate beside the order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Aside {
    name: String,
    depends_on: Vec<String>,
    used_by: Vec<String>,
    reason: String,
}

/// Where the packages are that are no part of the product.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    folders: Vec<String>,
}

/// What a package is to the order.
enum Standing<'a> {
    Ordered(usize, &'a Crate),
    Aside(&'a Aside),
    Tool,
}

impl Order {
    /// Reads `order.toml`.
    ///
    /// # Errors
    /// If it cannot be read or says something else.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Self::parse(&text).with_context(|| file.display().to_string())
    }

    /// Takes the order from the text of `order.toml`.
    ///
    /// # Errors
    /// If it says something else.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Findings, and how many dependencies among the workspace's packages were looked at.
    #[must_use]
    pub fn check(&self, workspace: &Workspace) -> (Vec<Finding>, usize) {
        let members: HashSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
        let mut findings = Vec::new();
        let mut looked_at = 0;
        for package in &workspace.packages {
            let manifest = workspace.relative(&package.manifest_path);
            let Some(user) = self.standing(workspace, package) else {
                let what = format!("{} is not in tools/checks/order.toml: give it a position there", package.name);
                findings.push(Finding::new(manifest, 1, what));
                continue;
            };
            for dependency in package.dependencies.iter().filter(|one| members.contains(one.name.as_str())) {
                looked_at += 1;
                let Some(used) = workspace.packages.iter().find(|one| one.name == dependency.name) else { continue };
                let Some(used) = self.standing(workspace, used) else { continue };
                if let Some(what) = against(package, &user, dependency, &used) {
                    findings.push(Finding::new(manifest, line_of(&package.manifest_path, dependency), what));
                }
            }
        }
        (findings, looked_at)
    }

    fn standing(&self, workspace: &Workspace, package: &Package) -> Option<Standing<'_>> {
        if let Some(position) = self.crates.iter().position(|one| one.name == package.name) {
            return Some(Standing::Ordered(position, &self.crates[position]));
        }
        if let Some(aside) = self.asides.iter().find(|one| one.name == package.name) {
            return Some(Standing::Aside(aside));
        }
        let manifest = workspace.relative(&package.manifest_path);
        self.tools.folders.iter().any(|folder| manifest.starts_with(folder)).then_some(Standing::Tool)
    }
}

/// What is wrong with a dependency, if something is. Tests may use any crate.
fn against(package: &Package, user: &Standing<'_>, dependency: &Dependency, used: &Standing<'_>) -> Option<String> {
    let name = &package.name;
    let other = &dependency.name;
    let for_tests = dependency.kind == Some(DependencyKind::Dev);
    match (user, used) {
        (Standing::Tool, _) => None,
        _ if for_tests => None,
        (_, Standing::Tool) => Some(format!("{name} depends on the tool {other}: the product does without tools")),
        (Standing::Ordered(here, _), Standing::Ordered(there, lower)) => (there >= here).then(|| {
            format!("{name} depends on {other}, which stands after it ({other}: {}); see order.toml", lower.reason)
        }),
        (Standing::Aside(aside), _) => (!aside.depends_on.contains(other)).then(|| {
            format!("{name} depends on {other}, but may on {} only ({})", aside.depends_on.join(", "), aside.reason)
        }),
        (Standing::Ordered(..), Standing::Aside(aside)) if !aside.used_by.contains(name) => {
            Some(format!("{name} depends on {other}, which only {} may ({})", aside.used_by.join(", "), aside.reason))
        }
        (Standing::Ordered(..), Standing::Aside(aside)) => (!dependency.optional).then(|| {
            format!("{name} depends on {other} always: make it optional, behind a feature ({})", aside.reason)
        }),
    }
}

/// The line of a `Cargo.toml` that asks for a dependency, 1 if it is not found.
fn line_of(manifest: &Path, dependency: &Dependency) -> usize {
    let Ok(text) = fs::read_to_string(manifest) else { return 1 };
    let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
    let table = match dependency.kind {
        None => "dependencies",
        Some(DependencyKind::Dev) => "dev-dependencies",
        Some(DependencyKind::Build) => "build-dependencies",
    };
    let mut within = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end().trim_end_matches(']');
            if header.strip_suffix(key.as_str()).is_some_and(|rest| ends_in(rest.trim_end_matches('.'), table)) {
                return index + 1;
            }
            within = ends_in(header, table);
        } else if within && line.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(['.', ' ', '='])) {
            return index + 1;
        }
    }
    1
}

/// Whether a header is of this table, be it of a platform or of all.
fn ends_in(header: &str, table: &str) -> bool {
    header.strip_suffix(table).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
