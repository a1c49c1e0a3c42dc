//! Loading modules, for settings that say so.
//!
//! The kernel itself is asked first where a request of its makes it load the module: that takes `CAP_NET_ADMIN` only, which is
//! what trimtab's service has. Else modprobe(8) does it, the one that the kernel would start (`/proc/sys/kernel/modprobe`), which
//! knows of dependencies, options and what the administrator forbids; it takes `CAP_SYS_MODULE`. Nothing is ever unloaded: others
//! may have come to rely on it.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use thiserror::Error;

use crate::facts::conntrack;
use crate::file;

/// Why a module is not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not a name that a module could have.
    #[error("`{}` is no name of a module", .0.escape_debug())]
    BadName(String),
    /// This kernel has no way to load one.
    #[error("this kernel loads no modules")]
    Impossible,
    /// modprobe(8) could not be started.
    #[error("cannot start {program}: {source}")]
    NoProgram {
        /// The program.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// modprobe(8) failed.
    #[error("{program} said: {words}")]
    Refused {
        /// The program.
        program: String,
        /// Its own words.
        words: String,
    },
}

const MODPROBE: &str = "/proc/sys/kernel/modprobe";

/// Loads a module and all that it needs. One that is loaded already is no error.
///
/// # Errors
/// [`LoadError`].
pub fn load(name: &str) -> Result<(), LoadError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.starts_with('-') || name.len() > 64 || !name.chars().all(fits) {
        return Err(LoadError::BadName(name.to_owned()));
    }
    if name == conntrack::BASE && conntrack::load() {
        return Ok(());
    }
    let mut program = file::read(Path::new(MODPROBE), 4096).map_err(|_| LoadError::Impossible)?;
    program.truncate(program.trim_ascii_end().len());
    if program.is_empty() {
        // Documentation/admin-guide/sysctl/kernel.rst: an empty path switches it off.
        return Err(LoadError::Impossible);
    }
    run(OsString::from_vec(program), name)
}

fn run(program: OsString, name: &str) -> Result<(), LoadError> {
    let shown = program.to_string_lossy().into_owned();
    let output = Command::new(&program)
        .args(["--", name])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LoadError::NoProgram { program: shown.clone(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let words = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let words = if words.is_empty() { output.status.to_string() } else { words };
    Err(LoadError::Refused { program: shown, words })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_names_of_modules_are_passed_on() {
        for name in ["", "-r", "a b", "../x", "nf_conntrack;reboot", "ä", &"x".repeat(65)] {
            assert!(matches!(load(name), Err(LoadError::BadName(_))), "{name}");
        }
    }

    #[test]
    fn what_the_program_says_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let program = |script: &str| {
            let path = folder.path().join("modprobe");
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            run(path.into_os_string(), "nf_conntrack")
                .map_err(|error| error.to_string().replace(folder.path().to_str().unwrap(), ""))
        };
        assert_eq!(program("test \"$*\" = '-- nf_conntrack' -a \"$HOME\" = ''"), Ok(()));
        assert_eq!(
            program("echo 'FATAL: no such module' >&2; echo >&2; echo 'really' >&2; exit 1"),
            Err("/modprobe said: FATAL: no such module; really".to_owned())
        );
        assert_eq!(program("exit 3"), Err("/modprobe said: exit status: 3".to_owned()));
        let error = run("/no/such/program".into(), "x").unwrap_err();
        assert!(matches!(error, LoadError::NoProgram { .. }), "{error}");
    }
}
