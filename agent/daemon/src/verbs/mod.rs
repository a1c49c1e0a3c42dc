//! One module per verb: what it does, in order, and what it tells.

use std::io;

use serde::Serialize;
use trimtab_core::render;
use trimtab_core::render::Paint;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::Paints;

pub mod address;
pub mod adopt;
pub mod apply;
pub mod confirm;
pub mod end_trial;
pub mod explain;
pub mod facts;
pub mod history;
pub mod hold;
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
    Paints::of_now().out
}

/// Colour on standard error.
pub fn paint_errors() -> Paint {
    Paints::of_now().err
}

/// Prints a text; what in it would do something to a terminal is shown instead. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// If standard output cannot be written otherwise, e.g. a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(render::paint::visible(text, paint()).as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    printed(output::out(bytes))
}

/// What came of printing.
///
/// # Errors
/// As [`print()`].
pub fn printed(done: io::Result<()>) -> Result<(), Failure> {
    match done {
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
    print_raw_json(&json(document)?)
}

/// Prints the text of a document.
///
/// # Errors
/// As [`print()`].
pub fn print_raw_json(text: &str) -> Result<(), Failure> {
    print_bytes(render::paint::visible_json(text).as_bytes())
}

/// The text of a document.
///
/// # Errors
/// If there is none.
pub fn json<T: Serialize>(document: &T) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot make the document: {error}")))?;
    text.push('\n');
    Ok(text)
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
        output::err(format!("{}\n", render::paint::visible(&text, paint)).as_bytes());
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
