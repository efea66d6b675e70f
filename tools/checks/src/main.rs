//! `cargo run -p skimlog-checks` from the repository's root: prints what it looked at and every finding, and ends
//! with 1 if there is one, with 2 if it cannot look.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let report = match skimlog_checks::check(Path::new(".")) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    for line in &report.looked_at {
        println!("{line}");
    }
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("findings: {}", report.findings.len());
    if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
