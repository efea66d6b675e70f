//! Log lines on standard error: short on a terminal, with the time elsewhere.

use std::env;
use std::fmt;
use std::io::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{ChronoLocal, FormatTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::output::{can_colour, can_redraw, say};
use super::terminal;

/// Variables that say what is logged, as `tracing_subscriber` takes it; the first that is set counts.
const FILTERS: [&str; 2] = ["SKIMMER_LOG", "RUST_LOG"];

/// Starts logging. `verbose` is how many times `-v` was given.
pub(super) fn start(verbose: u8, quiet: bool) {
    let stderr = io::stderr();
    let lines = match (verbose, can_redraw(&stderr)) {
        (0, true) => Lines::Short,
        (0, false) => Lines::Timed(ChronoLocal::new("%Y-%m-%d %H:%M:%S".into())),
        _ => Lines::Detailed(ChronoLocal::new("%Y-%m-%d %H:%M:%S%.3f".into())),
    };
    tracing_subscriber::fmt()
        .with_ansi(can_colour(&stderr))
        // A log line that cannot be written is no reason to end.
        .log_internal_errors(false)
        .event_format(lines)
        .with_writer(|| LogWriter)
        .with_env_filter(filter(verbose, quiet))
        .init();
}

/// What is logged: by `--quiet`, else by the environment, else by `-v`.
fn filter(verbose: u8, quiet: bool) -> EnvFilter {
    if quiet {
        return EnvFilter::new("error");
    }
    let wanted = FILTERS.into_iter().find_map(|variable| {
        let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
        Some((variable, text))
    });
    if let Some((variable, text)) = wanted {
        match EnvFilter::try_new(&text) {
            Ok(filter) => return filter,
            Err(error) => say(format_args!("skimmer: {variable}={text} is not used: {error}")),
        }
    }
    EnvFilter::new(match verbose {
        // ONNX Runtime's information is on its allocations.
        0 => "warn,skimmer=info,skimlog=info",
        1 => "warn,skimmer=debug,skimlog=debug",
        2 => "info,skimmer=trace,skimlog=trace",
        _ => "trace",
    })
}

/// Standard error, with progress bars out of the way while a line is written.
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        terminal::without_bars(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a log line looks.
enum Lines {
    /// `features: done in 3.2 s`, for somebody who watches.
    Short,
    /// With the date and the time before it, for a file that is read later.
    Timed(ChronoLocal),
    /// With the time, the level and the module before it.
    Detailed(ChronoLocal),
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        match self {
            Self::Short => {}
            Self::Timed(clock) | Self::Detailed(clock) => {
                clock.format_time(&mut writer)?;
                writer.write_char(' ')?;
            }
        }
        match (self, word(level)) {
            (Self::Detailed(_), _) => write!(writer, "{level} {target}: ")?,
            (_, None) => {}
            (_, Some((word, colour))) if writer.has_ansi_escapes() => write!(writer, "\x1b[{colour}m{word}:\x1b[0m ")?,
            (_, Some((word, _))) => write!(writer, "{word}: ")?,
        }
        ctx.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// What a line of this level begins with, and its colour, where it is not what one expects to read.
fn word(level: Level) -> Option<(&'static str, &'static str)> {
    match level {
        Level::ERROR => Some(("error", "1;31")),
        Level::WARN => Some(("warning", "1;33")),
        Level::INFO => None,
        _ => Some(("debug", "2")),
    }
}
