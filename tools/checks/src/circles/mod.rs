//! Circles between files: file A uses an item of file B, and B, by whatever detours, one of A.
//!
//! A use is a path, in a `use` declaration or in code, that leads to an item of another file of the crate; re-exports
//! are followed to the item. In a file that has modules of its own, `use` declarations hand names on to them and to
//! others, so only what its code does with the names counts. Code for tests alone is left out. What no path tells is
//! not seen: a method that stands in another file than its type, and names that macros make.

mod graph;
mod modules;
mod names;
mod tokens;
mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

use crate::finding::Finding;
use crate::workspace::Workspace;
use graph::components;
use modules::Modules;

/// Which files use which other files' items.
#[derive(Default)]
pub struct Circles {
    files: BTreeSet<PathBuf>,
    uses: BTreeMap<(PathBuf, PathBuf), Vec<Use>>,
}

/// Where a file names an item of another.
struct Use {
    line: usize,
    item: String,
}

/// `allowed_circles.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    #[serde(default)]
    circle: Vec<AllowedCircle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowedCircle {
    files: Spanned<BTreeSet<PathBuf>>,
    reason: String,
}

impl Circles {
    /// Reads all crates of a workspace but those of tests.
    ///
    /// # Errors
    /// If a source is missing or is no Rust.
    pub fn of(workspace: &Workspace) -> Result<Self> {
        let mut circles = Self::default();
        for target in workspace.packages.iter().flat_map(|package| &package.targets) {
            if !target.kind.iter().any(|kind| kind == "test") {
                circles.read(&workspace.root, &target.src_path)?;
            }
        }
        Ok(circles)
    }

    /// Adds the crate that begins with a file; all paths are told from `root`.
    ///
    /// # Errors
    /// If a source is missing or is no Rust.
    pub fn read(&mut self, root: &Path, first_file: &Path) -> Result<()> {
        let modules = Modules::read(first_file)?;
        let files: Vec<_> =
            modules.files.iter().map(|file| file.path.strip_prefix(root).unwrap_or(&file.path).to_path_buf()).collect();
        for file in 0..files.len() {
            for found in uses::of_file(&modules, file) {
                let uses = self.uses.entry((files[file].clone(), files[found.of].clone())).or_default();
                uses.push(Use { line: found.line, item: found.item });
            }
        }
        self.files.extend(files);
        Ok(())
    }

    /// Number of files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Number of pairs of files of which the first uses an item of the second.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.uses.len()
    }

    /// The circles that a file does not allow, and what it allows in vain.
    ///
    /// # Errors
    /// If the file cannot be read or says something else.
    pub fn check(&self, allowed: &Path) -> Result<Vec<Finding>> {
        let text = fs::read_to_string(allowed).with_context(|| allowed.display().to_string())?;
        self.check_against(&text).with_context(|| allowed.display().to_string())
    }

    /// The same with the text of the file.
    ///
    /// # Errors
    /// If the text says something else.
    pub fn check_against(&self, allowed: &str) -> Result<Vec<Finding>> {
        let entries = toml::from_str::<Allowed>(allowed)?.circle;
        if let Some(entry) = entries.iter().find(|entry| entry.reason.trim().is_empty()) {
            bail!("no reason for {:?}", entry.files.get_ref());
        }
        let circles = components(&self.files, self.uses.keys());
        let mut findings: Vec<_> = circles
            .iter()
            .filter(|circle| !entries.iter().any(|entry| entry.files.get_ref() == *circle))
            .map(|circle| self.describe(circle))
            .collect();
        for entry in entries.iter().filter(|entry| !circles.contains(entry.files.get_ref())) {
            let line = text_line(allowed, entry.files.span().start);
            let what = format!(
                "no circle of just these files: {}; change the entry or take it out",
                list(entry.files.get_ref())
            );
            findings.push(Finding::new("tools/checks/allowed_circles.toml", line, what));
        }
        Ok(findings)
    }

    fn describe(&self, circle: &BTreeSet<PathBuf>) -> Finding {
        let mut finding =
            Finding::new(PathBuf::new(), 0, format!("circle of {} files: {}", circle.len(), list(circle)));
        for ((from, to), uses) in
            self.uses.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to))
        {
            let line = uses.iter().map(|one| one.line).min().unwrap_or(1);
            if finding.line == 0 {
                (finding.file, finding.line) = (from.clone(), line);
            }
            let items: BTreeSet<_> = uses.iter().map(|one| one.item.as_str()).collect();
            let items = items.into_iter().collect::<Vec<_>>().join(", ");
            finding.causes.push(format!("{}:{line} uses {items} of {}", from.display(), to.display()));
        }
        finding
    }
}

fn list(files: &BTreeSet<PathBuf>) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The line of a byte of a text, from 1.
fn text_line(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
