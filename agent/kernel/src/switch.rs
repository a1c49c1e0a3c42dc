//! The kill switch: `trimtab=off` on the kernel command line, or the file `/etc/trimtab/disabled`. While it is set
//! nothing is written to the kernel, by service or by hand.

use std::io;
use std::path::Path;

use crate::file;

/// The word on the kernel command line.
pub const WORD: &str = "trimtab=off";

/// The file; what it says, if anything, is shown as the reason.
pub const FILE: &str = "/etc/trimtab/disabled";

/// Why trimtab must not write, if it must not. In doubt it must not.
pub fn disabled() -> Option<String> {
    disabled_by(Path::new("/proc/cmdline"), Path::new(FILE))
}

fn disabled_by(command_line: &Path, switch: &Path) -> Option<String> {
    // COMMAND_LINE_SIZE is at most some KiB. Without /proc there is nothing that trimtab could write either.
    let words = file::read(command_line, 1 << 20).unwrap_or_default();
    if words.split(u8::is_ascii_whitespace).any(|word| word == WORD.as_bytes()) {
        return Some(format!("`{WORD}` is on the kernel command line"));
    }
    match file::read(switch, 4096) {
        Ok(bytes) => Some(said(switch, &bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Some(said(switch, b"")),
        // It is there, or may be there.
        Err(error) => Some(format!("{} cannot be read: {error}", switch.display())),
    }
}

fn said(switch: &Path, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    match line.trim() {
        "" => format!("{} exists", switch.display()),
        reason => format!("{} exists: {reason}", switch.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_by_word_by_file_and_in_doubt() {
        let dir = tempfile::tempdir().unwrap();
        let (line, switch) = (dir.path().join("cmdline"), dir.path().join("etc/disabled"));
        let told = || disabled_by(&line, &switch);
        assert_eq!(told(), None);
        for (words, off) in
            [("quiet\n", false), ("a trimtab=off b\n", true), ("trimtab=offline\n", false), ("trimtab=off", true)]
        {
            std::fs::write(&line, words).unwrap();
            assert_eq!(told().is_some(), off, "{words}");
        }
        std::fs::write(&line, "quiet\n").unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        assert_eq!(told(), None);
        std::fs::write(&switch, "").unwrap();
        assert_eq!(told(), Some(format!("{} exists", switch.display())));
        std::fs::write(&switch, "storm on\x1b[31m the uplink\nsecond line").unwrap();
        assert_eq!(told(), Some(format!("{} exists: storm on[31m the uplink", switch.display())));
        std::fs::write(&switch, vec![b'x'; 10_000]).unwrap();
        assert_eq!(told(), Some(format!("{} exists", switch.display())));
        std::fs::remove_file(&switch).unwrap();
        std::fs::create_dir(&switch).unwrap();
        assert!(told().unwrap().contains("cannot be read"));
    }
}
