//! Where profiles come from: the search path, then what is built in.

use std::collections::BTreeSet;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use trimtab_core::profile::LARGEST_FILE;
use trimtab_core::profile::Library;
use trimtab_core::profile::ProfileName;
use trimtab_core::profile::ProfileText;
use trimtab_kernel::trust;
use trimtab_kernel::trust::Untrusted;

/// The profiles built into this binary: the files of `profiles/`, word for word.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("base", include_str!("../../../profiles/base.toml")),
    ("egress-proxy", include_str!("../../../profiles/egress-proxy.toml")),
    ("router", include_str!("../../../profiles/router.toml")),
    ("web-frontend", include_str!("../../../profiles/web-frontend.toml")),
];

const FOLDERS: &[&str] = &["/etc/trimtab/profiles", "/usr/lib/trimtab/profiles"];

/// The profiles of this host: the first file found shadows all others, and never merges with them.
#[derive(Debug)]
pub struct Profiles {
    folders: Vec<PathBuf>,
    trust: Trust,
}

/// Whether files must be safe from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Root acts on them: they must belong to root, and nobody else may write them.
    Required,
    /// Whoever runs this can do no more than they could by themselves.
    Given,
}

impl Trust {
    /// What the user running this needs.
    pub fn of_this_process() -> Trust {
        if rustix::process::geteuid().is_root() { Trust::Required } else { Trust::Given }
    }
}

impl Profiles {
    /// `--profile-path` first, then the usual folders, then what is built in.
    pub fn new(first: &[PathBuf], trust: Trust) -> Profiles {
        Profiles { folders: folders(first), trust }
    }
}

/// The folders that profiles are looked for in, in this order: `first` are those of `--profile-path`.
pub fn folders(first: &[PathBuf]) -> Vec<PathBuf> {
    first.iter().cloned().chain(FOLDERS.iter().map(PathBuf::from)).collect()
}

impl Library for Profiles {
    fn profile(&mut self, name: &ProfileName) -> Result<Option<ProfileText>, String> {
        let file = format!("{}.toml", name.name());
        if !name.builtin_only() {
            for folder in &self.folders {
                match read(&folder.join(&file), self.trust) {
                    Ok(text) => return Ok(Some(text)),
                    Err(ReadError::Absent) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name.name());
        Ok(built_in.map(|(_, text)| ProfileText { shown_name: file, path: None, text: text.as_bytes().to_vec() }))
    }

    fn names(&mut self) -> Vec<String> {
        let mut names: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        for entry in self.folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten() {
            let file = entry.file_name();
            names.extend(file.to_str().and_then(|name| name.strip_suffix(".toml")).map(str::to_owned));
        }
        names.into_iter().collect()
    }
}

/// Why a file of settings cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such file")]
    Absent,
    /// Others could change it.
    #[error(transparent)]
    Untrusted(Untrusted),
    /// It cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Reads a profile or host file. A file larger than any is cut one byte past the limit, so that the loader refuses it
/// with its own words.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path, trust: Trust) -> Result<ProfileText, ReadError> {
    let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let unreadable = |cause: io::Error| {
        if cause.kind() == io::ErrorKind::NotFound {
            return ReadError::Absent;
        }
        ReadError::Unreadable { path: path.display().to_string(), cause }
    };
    // Absence first: the trust of a folder that holds no such file does not matter.
    std::fs::metadata(path).map_err(unreadable)?;
    let file = match trust {
        Trust::Required => trust::open_trusted(path).map_err(ReadError::Untrusted)?,
        Trust::Given => std::fs::File::open(path).map_err(unreadable)?,
    };
    let mut text = Vec::new();
    file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut text).map_err(unreadable)?;
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(ProfileText { shown_name: shown, path: Some(whole.display().to_string()), text })
}
