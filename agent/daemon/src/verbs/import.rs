//! `trimtab import`: sysctl.d files become a profile.

use std::fmt::Write;
use std::io::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::sysctld::BootFile;
use trimtab_core::sysctld::Finding;
use trimtab_core::sysctld::import;

use crate::cli;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;

const LARGEST_FILE: usize = 1 << 20;

/// The document that `import --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The text of the profile.
    pub profile: String,
    /// Everything that the profile says differently or not at all.
    pub notes: Vec<Note>,
}

/// What the profile says differently or not at all.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Note {
    /// The file that was imported.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is different, and why.
    pub message: String,
}

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
        let note = |note: Finding| Note { file: note.path, line: note.line, message: note.message };
        super::print_json(&Report {
            document: "trimtab.import",
            version: 1,
            profile: imported.toml,
            notes: imported.notes.into_iter().map(note).collect(),
        })?;
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
