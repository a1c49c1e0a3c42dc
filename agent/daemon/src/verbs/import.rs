//! `trimtab import`: sysctl.d files become a profile.

use std::fmt::Write;
use std::io::Write as _;

use serde_json::json;
use trimtab_core::sysctld::BootFile;
use trimtab_core::sysctld::import;

use crate::cli;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;

const LARGEST_FILE: usize = 1 << 20;

/// Runs the verb.
///
/// # Errors
/// If a file cannot be read, or the profile cannot be written.
pub fn run(common: &Common, options: &cli::Import) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for path in &options.files {
        let bytes = super::read_file(path, LARGEST_FILE)?;
        files.push(BootFile::parse(path.display().to_string(), &bytes));
    }
    let imported = import(&files);
    if common.json {
        let notes: Vec<_> = imported
            .notes
            .iter()
            .map(|note| json!({ "file": note.path, "line": note.line, "message": note.message }))
            .collect();
        super::print_json(
            &json!({ "document": "trimtab.import", "version": 1, "profile": imported.toml, "notes": notes }),
        )?;
        return Ok(Exit::Good);
    }
    match &options.out {
        Some(path) => super::write_file(path, imported.toml.as_bytes())?,
        None => super::print(&imported.toml)?,
    }
    let mut notes = String::new();
    for note in &imported.notes {
        let _ = writeln!(notes, "{}:{}: {}", note.path, note.line, note.message);
    }
    let _ = std::io::stderr().lock().write_all(notes.as_bytes());
    Ok(Exit::Good)
}
