//! Failures of a command: an exit code and what to tell the user.

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::diagnostic::Diagnostic;
use trimtab_core::diagnostic::Sources;
use trimtab_core::render::Paint;
use trimtab_core::render::diagnostics;
use trimtab_kernel::file::FileError;
use trimtab_kernel::lock::LockError;

use crate::engine::StoreError;
use crate::engine::transaction::BeginError;
use crate::engine::undo::UndoError;
use crate::exit::Exit;

/// The document that every command prints with `--json` if it ends early.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The exit code.
    pub exit: u8,
    /// Why, in words.
    pub error: String,
    /// Problems of files, with their places.
    pub diagnostics: Vec<diagnostics::Told>,
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// In words.
    pub message: String,
    /// Problems of files, with their places.
    pub diagnostics: Option<(Vec<Diagnostic>, Sources)>,
}

impl Failure {
    /// A failure in words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), diagnostics: None }
    }

    /// Problems of files.
    pub fn invalid(message: impl Into<String>, diagnostics: Vec<Diagnostic>, sources: Sources) -> Failure {
        Failure { exit: Exit::BadInput, message: message.into(), diagnostics: Some((diagnostics, sources)) }
    }

    /// What a person reads on standard error.
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        if let Some((diagnostics, sources)) = &self.diagnostics {
            text.push_str(&diagnostics::text(diagnostics, sources, paint == Paint::Colour));
            text.push('\n');
        }
        text.push_str("trimtab: ");
        text.push_str(&self.message);
        text.push('\n');
        text
    }

    /// What a program reads on standard output.
    pub fn report(&self) -> Report {
        let files = self.diagnostics.as_ref();
        Report {
            document: "trimtab.error",
            version: 1,
            exit: self.exit.code(),
            error: self.message.clone(),
            diagnostics: files.map(|(found, sources)| diagnostics::told(found, sources)).unwrap_or_default(),
        }
    }
}

/// A system error about a file: who may not is told apart from what went wrong.
fn of_io(error: &std::io::Error, message: String) -> Failure {
    let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
    Failure::new(if denied { Exit::Permission } else { Exit::Failed }, message)
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        of_io(&error.cause, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::File(error) => Failure::from(error),
            StoreError::Journal { .. } | StoreError::State { .. } => Failure::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<UndoError> for Failure {
    fn from(error: UndoError) -> Failure {
        match error {
            UndoError::Store(error) => Failure::from(error),
            UndoError::Interfaces(_) => Failure::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<BeginError> for Failure {
    fn from(error: BeginError) -> Failure {
        match error {
            BeginError::Store(error) => Failure::from(error),
            BeginError::Arm(_) => Failure::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        match &error {
            LockError::File(inner) => of_io(&inner.cause, error.to_string()),
            LockError::Held { .. } => Failure::new(Exit::Locked, error.to_string()),
        }
    }
}
