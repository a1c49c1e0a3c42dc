//! One module per verb: what it does, in order, and what it tells.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

use serde::Serialize;
use trimtab_core::render;
use trimtab_core::render::Paint;

use crate::exit::Exit;
use crate::failure::Failure;

pub mod address;
pub mod apply;
pub mod confirm;
pub mod end_trial;
pub mod explain;
pub mod facts;
pub mod history;
pub mod import;
pub mod modules;
pub mod plan;
pub mod recovery;
pub mod report;
pub mod revert;
pub mod schema;
pub mod snapshot;
pub mod status;
pub mod trial;
pub mod validate;
pub mod verify;

/// Colour on standard output, if it is a terminal and nobody minds.
pub fn paint() -> Paint {
    paint_for(io::stdout().is_terminal())
}

/// Colour on standard error.
pub fn paint_errors() -> Paint {
    paint_for(io::stderr().is_terminal())
}

fn paint_for(is_terminal: bool) -> Paint {
    // https://no-color.org: set and not empty.
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !unwanted { Paint::Colour } else { Paint::Plain }
}

/// Prints a text; what in it would do something to a terminal is shown instead. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// If standard output cannot be written otherwise, e.g. a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(render::paint::visible(text, paint()).as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"))),
    }
}

/// Prints a document.
///
/// # Errors
/// As [`print()`].
pub fn print_json<T: Serialize>(document: &T) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot make the document: {error}")))?;
    text.push('\n');
    print_bytes(render::paint::visible_json(&text).as_bytes())
}

/// The process ends now. To hand back some thousand small pieces of memory first is a tenth of the time that a plan takes.
fn forget<T>(value: T) {
    std::mem::forget(value);
}

/// Prints warnings of the files on standard error.
pub fn warn(texts: &crate::session::Texts) {
    if !texts.diagnostics.is_empty() {
        let paint = paint_errors();
        let text = trimtab_core::render::diagnostics::text(&texts.diagnostics, &texts.sources, paint == Paint::Colour);
        let _ = writeln!(io::stderr().lock(), "{}", render::paint::visible(&text, paint));
    }
}

/// Reads a document that the user named, be it a file or a pipe. `-` is standard input.
///
/// # Errors
/// If it cannot be read, or holds more than `limit` bytes.
pub fn read_file(path: &std::path::Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let place = if path.as_os_str() == "-" { std::path::Path::new("/dev/stdin") } else { path };
    std::fs::File::open(place)
        .and_then(|file| trimtab_kernel::file::read_open(file, limit))
        .map_err(|error| Failure::new(Exit::BadInput, format!("cannot read {}: {error}", path.display())))
}

/// Writes a document to where the user named: a file, whole or not at all, or a device or pipe. `-` is standard output.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return print_bytes(bytes);
    }
    Ok(trimtab_kernel::output::write(path, bytes)?)
}
