//! Checks of this repository's own rules, which the compiler leaves open:
//!
//! * [`order`] — a crate depends only on crates before it in `order.toml`;
//! * [`circles`] — no file uses an item of a file that uses one of its own, but for those of `allowed_circles.toml`;
//! * [`lengths`] — functions of at most 80 lines, files of at most 450, lines of at most 120 columns.

pub mod circles;
pub mod finding;
pub mod lengths;
pub mod order;
mod source;
pub mod workspace;

use std::path::Path;

use anyhow::Result;

use circles::Circles;
use finding::Finding;
use lengths::Lengths;
use workspace::Workspace;

/// What was looked at, and what was found.
pub struct Report {
    /// A line a check: what it looked at.
    pub looked_at: Vec<String>,
    /// All findings, check after check, each in the order of files and lines.
    pub findings: Vec<Finding>,
}

/// Runs all checks on the workspace of a folder.
///
/// # Errors If `cargo metadata` fails, a source is missing or is no Rust, or one of the two data files in
/// `tools/checks` is damaged.
pub fn check(folder: &Path) -> Result<Report> {
    let workspace = Workspace::read(folder)?;
    let mut findings = Vec::new();
    let mut looked_at = Vec::new();

    let data = workspace.root.join("tools/checks");
    let order = order::Order::read(&data.join("order.toml"))?;
    let (found, dependencies) = order.check(&workspace);
    findings.extend(found);
    looked_at.push(format!("order: {} packages, {dependencies} dependencies among them", workspace.packages.len()));

    let circles = Circles::of(&workspace)?;
    findings.extend(circles.check(&data.join("allowed_circles.toml"))?);
    looked_at.push(format!(
        "circles: {} files without those of tests, {} of whose pairs use one another's items",
        circles.files(),
        circles.edges()
    ));

    let lengths = Lengths::of(&workspace.root)?;
    looked_at.push(format!("lengths: {} files, {} functions", lengths.files, lengths.functions));
    findings.extend(lengths.findings);
    Ok(Report { looked_at, findings })
}
