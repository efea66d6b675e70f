//! Errors as the user sees them: one sentence, and what to do about it.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use skimlog_runtime::machine::is_catching;

/// Exit code after a panic, as Rust has it.
const PANICKED_CODE: u8 = 101;

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Makes a panic, in whatever thread, one line on standard error that asks for a report. Rust's own message, with a
/// backtrace, follows where RUST_BACKTRACE asks for it.
pub(super) fn install_panic_hook() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // The library makes an error of it.
        if is_catching() {
            return;
        }
        // What comes after the first one comes of it.
        if PANICKED.swap(true, Ordering::SeqCst) {
            return;
        }
        tell(&bug(panic));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            usual(panic);
        }
    }));
}

/// `code`, unless a thread panicked: that is no success, and no other error either.
pub(super) fn unless_panicked(code: ExitCode) -> ExitCode {
    if PANICKED.load(Ordering::SeqCst) { ExitCode::from(PANICKED_CODE) } else { code }
}

fn bug(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("no message").split_whitespace().collect::<Vec<_>>().join(" ");
    let location =
        panic.location().map_or_else(String::new, |location| format!(" at {}:{}", location.file(), location.line()));
    format!(
        "this is a bug in skimmer {}{location}: {said}; please report it with this line and the command \
         (RUST_BACKTRACE=1 shows where it came from)",
        env!("CARGO_PKG_VERSION")
    )
}

/// Says something on standard error; if that cannot be written to, nobody reads it.
pub(super) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "skimmer: {text}");
}

/// The error with its causes, but for causes that its message quotes already, and what to do about limits of the
/// system.
pub(super) fn sentence(error: &anyhow::Error) -> String {
    let sentence = error.chain().map(ToString::to_string).fold(String::new(), |sentence, cause| {
        if sentence.is_empty() {
            cause
        } else if sentence.contains(&cause) {
            sentence
        } else {
            format!("{sentence}: {cause}")
        }
    });
    let advice = ADVICE.iter().find(|(error, _)| sentence.contains(&format!("(os error {})", error.raw_os_error())));
    advice.map_or(sentence.clone(), |(_, advice)| format!("{sentence}; {advice}"))
}

/// What the system's limits are called. By the number in the text, for not every library passes its causes on.
const ADVICE: [(Errno, &str); 5] = [
    (Errno::MFILE, "raise the limit of open files (ulimit -n), or lower threads and max_n_parts_in_memory"),
    (Errno::NFILE, "the machine has no more open files to give: close other programs"),
    (Errno::FBIG, "a file may not become that large here (ulimit -f, or the file system)"),
    (Errno::NOMEM, "memory or addresses are used up (ulimit -v): lower memory_budget and threads, or allow more"),
    (Errno::DQUOT, "your quota on that disk is used up"),
];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn limits_are_called_by_their_names() {
        for (errno, name) in [(Errno::MFILE, "ulimit -n"), (Errno::FBIG, "ulimit -f"), (Errno::NOMEM, "ulimit -v")] {
            let error = anyhow::Error::from(io::Error::from(errno)).context("part-00000");
            let said = sentence(&error);
            assert!(said.starts_with("part-00000: ") && said.contains(name), "{said}");
            assert_eq!(said.matches("os error").count(), 1, "{said}");
        }
        assert_eq!(sentence(&anyhow::anyhow!("of our own")), "of our own");
    }

    /// Set for the process in which [`a_panic_is_one_line`] panics.
    const PANICS: &str = "SKIMMER_TEST_PANICS";

    #[test]
    fn a_panic_is_one_line() {
        if std::env::var_os(PANICS).is_some() {
            install_panic_hook();
            std::thread::scope(|scope| {
                scope.spawn(|| panic!("out of\nbounds"));
            });
        }
        let own = std::env::current_exe().unwrap();
        let run = |backtrace: &str| {
            let name = "cli::failure::tests::a_panic_is_one_line";
            let mut command = Command::new(&own);
            let command = command.args(["--exact", "--nocapture", name]).env(PANICS, "1");
            let output = command.env("RUST_BACKTRACE", backtrace).output();
            String::from_utf8(output.unwrap().stderr).unwrap()
        };
        let said = run("0");
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("skimmer: ")).collect();
        let [line] = lines[..] else { panic!("not one line: {said}") };
        assert!(line.contains("bug in skimmer") && line.contains("failure.rs:"), "{line}");
        assert!(line.contains(": out of bounds; please report it"), "{line}");
        assert!(!said.contains("panicked at"), "{said}");
        assert!(run("1").contains("panicked at"));
    }
}
