//! The event log: what the daemon told of drift, as lines of JSON in the state folder.

use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use trimtab_core::drift::Told;
use trimtab_core::drift::What;
use trimtab_core::host::HostId;
use trimtab_kernel::state::StateDir;

use crate::cli::Common;
use crate::watch::metrics::Counts;

/// The file, and the one before it.
const NAME: &str = "events";
const OLDER: &str = "events.1";

/// From this length on a new file is begun: there are never more than twice as many bytes.
const LONGEST: u64 = 1 << 20;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The version of the line.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Seconds since 1970.
    pub at: u64,
    /// The boot in which it was.
    pub boot_id: String,
    /// What was told.
    #[serde(flatten)]
    pub told: Told,
}

/// The log of a namespace.
pub struct Events {
    dir: StateDir,
    boot_id: String,
    /// Whether the last line could not be written: said once.
    failing: bool,
    counts: Counts,
}

impl Events {
    /// Nothing is read or written yet.
    pub fn open(common: &Common, host: &HostId) -> Events {
        Events {
            dir: StateDir::open(&common.state_dir, host),
            boot_id: host.boot_id.clone(),
            failing: false,
            counts: Counts::default(),
        }
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where it is counted.
    pub fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Tells one thing, to the log of the service too. That the disk does not take it is told, and keeps nothing from going on.
    pub fn tell(&mut self, told: Told) {
        say(&told);
        self.counts.told(&told);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let line = Line { version: 1, at, boot_id: self.boot_id.clone(), told };
        match self.append(&line) {
            Ok(()) => self.failing = false,
            Err(error) => {
                if !self.failing {
                    tracing::warn!(%error, folder = %self.dir.path().display(), "events are not on record");
                }
                self.failing = true;
            }
        }
    }

    /// Every line there is, oldest first, and how many could not be read: of a newer trimtab, or torn by a power loss.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub fn read(&self) -> io::Result<(Vec<Line>, usize)> {
        let (mut lines, mut unread) = (Vec::new(), 0);
        for name in [OLDER, NAME] {
            let Some(bytes) = self.dir.read(name)? else { continue };
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                match serde_json::from_slice::<Line>(line) {
                    Ok(line) if line.version == 1 => lines.push(line),
                    Ok(_) | Err(_) => unread += 1,
                }
            }
        }
        Ok((lines, unread))
    }

    fn append(&self, line: &Line) -> io::Result<()> {
        self.dir.create()?;
        let path = self.dir.path().join(NAME);
        if std::fs::metadata(&path).is_ok_and(|file| file.len() >= LONGEST) {
            std::fs::rename(&path, self.dir.path().join(OLDER))?;
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One write: no reader sees half a line.
        OpenOptions::new().append(true).create(true).mode(0o644).open(&path)?.write_all(&text)
    }
}

fn say(told: &Told) {
    let Told { address, what, found, wanted, disrupts, retry_in, reason, caller, wrote, after_us, writer } = told;
    let by = writer.as_ref().map(tracing::field::display);
    let wanted = wanted.as_ref().map(tracing::field::display);
    match what {
        What::Drifted => tracing::warn!(%address, %found, wanted, by, "drifted"),
        What::Reported => tracing::warn!(%address, %found, wanted, disrupts, by, "drifted, and is left"),
        What::PutBack => tracing::info!(%address, was = %found, after_us, "put back"),
        What::NotPutBack => tracing::error!(%address, %found, "drifted, and cannot be put back"),
        What::Contended => {
            tracing::error!(%address, %found, wanted, retry_in, by, "contended: somebody else keeps changing it");
        }
        What::LeaseBegan => {
            let uid = caller.as_ref().map(|caller| caller.uid);
            tracing::info!(%address, %found, seconds = retry_in, uid, reason, "on lease");
        }
        What::LeaseEnded => tracing::info!(%address, %found, "the lease has ended"),
        What::HoldsAgain => tracing::info!(%address, was = %found, "holds again"),
        What::Attempted => tracing::info!(%address, %found, wrote, by, "written in vain"),
        What::Transient => tracing::info!(%address, %found, wrote, by, "written, and written back"),
    }
}

#[cfg(test)]
mod tests {
    use trimtab_core::host::NetnsId;
    use trimtab_core::value::Value;

    use super::*;

    #[test]
    fn lines_come_back_and_what_cannot_be_read_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let netns = NetnsId { cookie: 7, name: None, initial: true };
        let host = HostId { name: "h".into(), kernel: "6.12".into(), boot_id: "b".into(), netns };
        let dir = || StateDir::open(folder.path(), &host);
        let mut events = Events { dir: dir(), boot_id: "b".into(), failing: false, counts: Counts::default() };
        assert_eq!(events.read().unwrap(), (Vec::new(), 0));
        let address = "sysctl:net.core.somaxconn".parse().unwrap();
        let told =
            |found| Told { wanted: Some(Value::Int(1)), ..Told::new(&address, What::Drifted, Value::Int(found)) };
        for found in 0..3 {
            events.tell(told(found));
        }
        let path = dir().path().join(NAME);
        let text = String::from_utf8(trimtab_kernel::file::read(&path, 1 << 22).unwrap()).unwrap();
        let newer = text.lines().next().unwrap().replace("\"version\":1", "\"version\":2");
        std::fs::write(&path, format!("{text}{newer}\n{{\"version\":1,\"at\"")).unwrap();
        let (lines, unread) = events.read().unwrap();
        let found: Vec<&Value> = lines.iter().map(|line| &line.told.found).collect();
        assert_eq!((found, unread), (vec![&Value::Int(0), &Value::Int(1), &Value::Int(2)], 2));
        // A long file is put aside, and read first.
        let long = text.repeat(usize::try_from(LONGEST).unwrap() / text.len() + 1);
        std::fs::write(&path, &long).unwrap();
        events.tell(told(9));
        assert!(std::fs::metadata(&path).unwrap().len() < LONGEST);
        let (lines, _) = events.read().unwrap();
        assert_eq!(lines.len(), long.lines().count() + 1);
        assert_eq!(lines.last().unwrap().told.found, Value::Int(9));
    }
}
