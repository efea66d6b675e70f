//! What is seen on a terminal: short lines, bars and colours, and none of them where they are not wanted.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::harness::{fixture, skimmer};

/// Runs a command whose outputs are a terminal of so many columns, and gives all that it showed.
fn on_terminal(command: &mut Command, columns: u16) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    tcsetwinsize(&terminal, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut child = command.stdout(terminal.try_clone().unwrap()).stderr(terminal).spawn().unwrap();
    // The command's own handles would keep the terminal open.
    *command = Command::new("true");
    let (mut shown, mut buffer, mut master) = (Vec::new(), [0; 4096], File::from(master));
    // Linux ends with an error once nobody holds the other side.
    while let Ok(read @ 1..) = master.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
    }
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&shown));
    String::from_utf8(shown).unwrap()
}

/// A run of the first stages over a folder with something that is no part, of which it warns.
fn run_command(folder: &Path) -> Command {
    let config = folder.join("config.yaml");
    let raw = folder.join("raw");
    fs::create_dir_all(&raw).unwrap();
    for name in ["part-00000", "part-00001"] {
        fs::copy(fixture("golden/small/raw/train").join(name), raw.join(name)).unwrap();
    }
    fs::write(raw.join("part-00000.bak"), "an older one").unwrap();
    fs::write(&config, "working_dir: work\nrecsys_data: raw\nvalidation_part: null\n").unwrap();
    let mut command = skimmer();
    command.args(["run", "--force", "--to", "features", "--config"]).arg(config);
    for variable in ["NO_COLOR", "SKIMMER_LOG", "COLUMNS"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm");
    command
}

/// Whether there is an escape sequence that sets colours.
fn is_coloured(shown: &str) -> bool {
    shown
        .split("\x1b[")
        .skip(1)
        .any(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == ';').starts_with('m'))
}

/// The log lines, without bars and what moves the cursor.
fn log_lines(shown: &str) -> Vec<String> {
    let lines = shown.split(['\r', '\n']).map(|line| line.replace("\x1b[2K", "").replace("\x1b[1A", ""));
    lines.filter(|line| line.contains("done in") || line.contains("warning")).collect()
}

#[test]
fn log_lines_are_short_and_a_warning_stands_out() {
    let folder = tempfile::tempdir().unwrap();
    let shown = on_terminal(&mut run_command(folder.path()), 90);
    let lines = log_lines(&shown);
    assert!(lines[0].starts_with("\x1b[1;33mwarning:\x1b[0m passed over in "), "{shown:?}");
    for task in ["convert part-00000", "similar", "features"] {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{task}: done in "))), "{task}: {lines:?}");
    }
    assert!(shown.contains("\x1b[2K") && shown.contains("% of "), "no bar: {shown:?}");
    assert!(!shown.contains("INFO"), "{shown:?}");
}

#[test]
fn who_wants_no_colours_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let shown = on_terminal(run_command(folder.path()).env("NO_COLOR", "1"), 90);
    assert!(!is_coloured(&shown) && shown.contains("warning: passed over in "), "{shown:?}");
    // Bars have no colours.
    assert!(shown.contains("% of "), "{shown:?}");
    // Empty is as good as not set.
    assert!(is_coloured(&on_terminal(run_command(folder.path()).env("NO_COLOR", ""), 90)));
}

#[test]
fn a_terminal_that_only_prints_gets_lines() {
    let folder = tempfile::tempdir().unwrap();
    let shown = on_terminal(run_command(folder.path()).env("TERM", "dumb"), 90);
    assert!(!shown.contains('\x1b') && shown.contains("features: done in"), "{shown:?}");
    assert!(!shown.replace("\r\n", "").contains('\r'), "a line is drawn anew: {shown:?}");
}

#[test]
fn more_is_said_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let shown = on_terminal(run_command(folder.path()).arg("-v"), 90);
    assert!(shown.contains("INFO skimmer") && shown.contains("DEBUG skimmer"), "{shown:?}");
}

#[test]
fn help_has_the_width_of_the_terminal_and_colours_where_they_are_wanted() {
    let help = |variables: &[(&str, &str)], columns| {
        let mut command = skimmer();
        command.args(["predict", "--help"]).env_remove("NO_COLOR").env("TERM", "xterm");
        on_terminal(command.envs(variables.iter().copied()), columns)
    };
    let coloured = help(&[], 72);
    assert!(is_coloured(&coloured), "{coloured:?}");
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        for columns in [72, 90] {
            let plain = help(&variables, columns);
            assert!(!plain.contains('\x1b'), "{plain:?}");
            let longest = plain.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
            assert!(longest <= usize::from(columns) && longest > usize::from(columns) - 12, "{longest}: {plain}");
        }
    }
}
