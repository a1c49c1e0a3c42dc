//! Documents that leave trimtab and come back: each names itself and its version first.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A document as this trimtab knows it.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its name, in its first field, e.g. `trimtab.plan`.
    pub name: &'static str,
    /// What people call it, e.g. `saved plan`.
    pub word: &'static str,
    /// The newest version that can be read.
    pub version: u32,
}

/// Why a document cannot be used.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Not JSON, or not of this shape.
    #[error("it is no {word}: {cause}")]
    Malformed {
        /// What was wanted.
        word: &'static str,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// Another document.
    #[error("it is a `{found}`, not a `{wanted}`")]
    Other {
        /// The name found.
        found: String,
        /// The name wanted.
        wanted: &'static str,
    },
    /// Written by a newer trimtab.
    #[error("it is of version {found}, this trimtab knows up to {known}")]
    Newer {
        /// The version found.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
}

#[derive(Deserialize)]
struct Head {
    document: String,
    version: u32,
}

/// Reads a document. Its name and version are looked at before the rest, which may have any shape in a newer one.
///
/// # Errors
/// [`DocumentError`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8], known: Known) -> Result<T, DocumentError> {
    let malformed = |cause| DocumentError::Malformed { word: known.word, cause };
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.document != known.name {
        return Err(DocumentError::Other { found: head.document, wanted: known.name });
    }
    if head.version > known.version {
        return Err(DocumentError::Newer { found: head.version, known: known.version });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}
