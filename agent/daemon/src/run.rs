//! From arguments to an exit code.

use std::ffi::OsString;
use std::io;
use std::io::IsTerminal;
use std::io::Write;

use clap::Parser;
use clap::error::ErrorKind;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use trimtab_core::render;

use crate::cli::Cli;
use crate::cli::Common;
use crate::cli::Verb;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::verbs;
use crate::watch;

/// Runs a command line.
pub fn run<I: IntoIterator<Item = OsString>>(arguments: I) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked_for { Exit::Good } else { Exit::Usage };
        }
    };
    log_to_stderr(&cli.common);
    match dispatch(&cli) {
        Ok(exit) => exit,
        Err(failure) => {
            tell(&cli.common, &failure);
            failure.exit
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let common = &cli.common;
    match &cli.verb {
        Verb::Plan(options) => verbs::plan::run(common, options),
        Verb::Apply(options) => verbs::apply::run(common, options),
        Verb::Verify => verbs::verify::run(common),
        Verb::Revert(options) => verbs::revert::run(common, options),
        Verb::Run => watch::run(common),
        Verb::Confirm(options) => verbs::confirm::run(common, options),
        Verb::Status(options) => verbs::status::run(common, options),
        Verb::History(options) => verbs::history::run(common, options),
        Verb::Hold(options) => verbs::hold::run(common, options),
        Verb::Adopt(options) => verbs::adopt::run(common, options),
        Verb::Explain(options) => verbs::explain::run(common, options),
        Verb::Validate(options) => verbs::validate::run(common, options),
        Verb::Schema(options) => verbs::schema::run(options),
        Verb::Facts => verbs::facts::run(common),
        Verb::Snapshot(options) => verbs::snapshot::run(common, options),
        Verb::Import(options) => verbs::import::run(common, options),
        Verb::EndTrial(options) => verbs::end_trial::run(common, options),
    }
}

/// Tells why a command ended early.
pub fn tell(common: &Common, failure: &Failure) {
    if common.json {
        // Nothing can be told about a failure to tell.
        let _ = verbs::print_json(&failure.report());
    }
    let paint = verbs::paint_errors();
    output::err(render::paint::visible(&failure.text(paint), paint).as_bytes());
}

/// The log: standard error. Warnings of a command that the daemon carries out for somebody go there too.
struct Log;

/// One line of the log.
struct LogLine {
    is_warning: bool,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine { is_warning: false }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> LogLine {
        LogLine { is_warning: *meta.level() <= tracing::Level::WARN }
    }
}

impl Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.is_warning {
            output::copy(line);
        }
        io::stderr().lock().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Warnings for people; every write too where a service manager keeps the log, or where it is asked for.
fn log_to_stderr(common: &Common) {
    let is_service = std::env::var_os("INVOCATION_ID").is_some();
    let level = match (common.verbose, is_service) {
        (0, false) => LevelFilter::WARN,
        (0, true) | (1, _) => LevelFilter::INFO,
        (2, _) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(Log)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .without_time();
    // Only the first subscriber of a process counts; a test may have set one.
    let _ = log.try_init();
}
