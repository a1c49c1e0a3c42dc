//! The files that the roles are read from: a change of any of them is noticed.
//!
//! inotify(7) watches folders, not names, and follows no symlink that is turned elsewhere. So the folder of every hop is
//! watched: of `/etc/trimtab/host.toml`, and of what each symlink on the way to it points to. That covers editors that
//! replace a file, `git pull`, `current` releases and ConfigMaps of Kubernetes.
//!
//! A folder of ours that is not there yet is not waited for in this way: the watches of `notify` hear of each opening too, and in
//! `/etc` that is one for every process that starts (`/etc/ld.so.cache`). Whether it has come is seen at the next look.

use std::collections::BTreeSet;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::RwLock;

use notify::Event;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use notify::event::AccessKind;
use notify::event::AccessMode;
use notify::event::ModifyKind;
use tokio::sync::Notify;

use crate::cli::Common;
use crate::library;

/// As many hops as the kernel follows (include/linux/namei.h `MAXSYMLINKS`).
const MOST_HOPS: usize = 40;

/// Watches until it is dropped.
pub struct Files {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    names: Arc<RwLock<Names>>,
    changed: Arc<Notify>,
}

/// What is of interest.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    /// Files, folders and symlinks by their own names.
    hops: BTreeSet<PathBuf>,
    /// Folders in which every profile is.
    folders: BTreeSet<PathBuf>,
    /// Folders on the way there that are missing, and that nothing tells of.
    awaited: BTreeSet<PathBuf>,
}

impl Files {
    /// Watches what the roles of the host may come from.
    ///
    /// # Errors
    /// If there is no inotify.
    pub fn watch(common: &Common) -> notify::Result<Files> {
        let names = Arc::new(RwLock::new(Names::default()));
        let changed = Arc::new(Notify::new());
        let (heard, interest) = (Arc::clone(&changed), Arc::clone(&names));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_news = match &event {
                // What was lost may have been of interest.
                Ok(event) if event.need_rescan() => true,
                Ok(event) => is_change(event) && interest.read().is_ok_and(|names| names.mind(&event.paths)),
                Err(error) => {
                    tracing::debug!(%error, "news of files");
                    true
                }
            };
            if is_news {
                heard.notify_one();
            }
        })?;
        let mut files = Files { watcher, watched: BTreeSet::new(), names, changed };
        files.follow(common);
        Ok(files)
    }

    /// Whether a folder has come that nothing tells of.
    pub fn has_come(&self) -> bool {
        self.names.read().is_ok_and(|names| names.awaited.iter().any(|folder| folder.symlink_metadata().is_ok()))
    }

    /// Watches what the symlinks of now lead to.
    pub fn follow(&mut self, common: &Common) {
        let names = Names::of(common);
        let parents = names.hops.iter().filter_map(|hop| hop.parent()).map(Path::to_owned);
        let wanted: BTreeSet<PathBuf> =
            parents.chain(names.folders.iter().cloned()).filter(|path| path.is_dir()).collect();
        if let Ok(mut current) = self.names.write() {
            *current = names;
        }
        for folder in self.watched.difference(&wanted) {
            // It may be gone, and its watch with it.
            let _ = self.watcher.unwatch(folder);
        }
        // Again, what is watched already: a folder that was made anew has the old one's name.
        let mut watched = BTreeSet::new();
        for folder in wanted {
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(watched.insert(folder)),
                Err(error) => {
                    tracing::warn!(%error, folder = %folder.display(), "changes are not noticed: send SIGHUP")
                }
            }
        }
        self.watched = watched;
    }
}

/// Waits for a change; for ever where none are noticed.
pub async fn changed(files: &mut Option<Files>) {
    match files {
        Some(files) => files.changed.notified().await,
        None => std::future::pending().await,
    }
}

/// Reading is no change, and neither is a file that is being written: it is complete once it is closed, or renamed.
fn is_change(event: &Event) -> bool {
    let is_file = |path: &PathBuf| path.symlink_metadata().is_ok_and(|found| found.is_file());
    match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Data(_)) => false,
        EventKind::Create(_) => !event.paths.iter().all(is_file),
        EventKind::Any | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

impl Names {
    fn of(common: &Common) -> Names {
        let mut names = Names::default();
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        names.add(&absolute(&common.config), &mut 0);
        for folder in library::folders(&common.profile_path) {
            if let Some(real) = names.add(&absolute(&folder), &mut 0) {
                for entry in std::fs::read_dir(&real).into_iter().flatten().flatten() {
                    if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                        names.add(&entry.path(), &mut 0);
                    }
                }
                names.folders.insert(real);
            }
        }
        names
    }

    /// Takes in every hop of a path; where it leads in the end, if there is anything.
    fn add(&mut self, path: &Path, hops: &mut usize) -> Option<PathBuf> {
        let mut at = PathBuf::from("/");
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            match part {
                Component::RootDir | Component::Prefix(_) | Component::CurDir => continue,
                Component::ParentDir => {
                    at.pop();
                    continue;
                }
                Component::Normal(name) => at.push(name),
            }
            match std::fs::read_link(&at) {
                Ok(target) => {
                    self.hops.insert(at.clone());
                    *hops += 1;
                    if *hops > MOST_HOPS {
                        return None;
                    }
                    let rest: PathBuf = parts.map(|part| part.as_os_str().to_owned()).collect();
                    let folder = at.parent().unwrap_or(Path::new("/"));
                    return self.add(&folder.join(target).join(rest), hops);
                }
                // It may come, and its parent too: the first that is missing is what is waited for.
                Err(_) if !at.exists() => {
                    let is_of_system = *hops == 0 && parts.peek().is_some();
                    if is_of_system {
                        self.awaited.insert(at)
                    } else {
                        self.hops.insert(at)
                    };
                    return None;
                }
                Err(_) => {}
            }
        }
        self.hops.insert(at.clone());
        Some(at)
    }

    fn mind(&self, paths: &[PathBuf]) -> bool {
        let is_profile = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "toml")
                && path.parent().is_some_and(|folder| self.folders.contains(folder))
        };
        paths.iter().any(|path| self.hops.contains(path) || is_profile(path))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_hop_of_a_symlink_is_of_interest() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for name in ["..2026_1", "real", "real/v1"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::write(at("real/v1/host.toml"), "").unwrap();
        symlink("real/v1", at("current")).unwrap();
        symlink("current/host.toml", at("host.toml")).unwrap();
        let mut names = Names::default();
        assert_eq!(names.add(&at("host.toml"), &mut 0), Some(at("real/v1/host.toml")));
        let hops: Vec<&str> =
            names.hops.iter().map(|hop| hop.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(hops, ["current", "host.toml", "real/v1/host.toml"]);
        assert!(names.mind(&[at("current")]) && !names.mind(&[at("real")]));
        assert_eq!(names.add(&at("away.toml"), &mut 0), None);
        assert!(names.mind(&[at("away.toml")]));
        // Nothing tells of a folder that may come; what a symlink is to lead to is waited for.
        assert_eq!(names.add(&at("away/sub/x.toml"), &mut 0), None);
        assert!(!names.mind(&[at("away")]) && names.awaited.contains(&at("away")));
        symlink("next", at("to-come")).unwrap();
        assert_eq!(names.add(&at("to-come/x.toml"), &mut 0), None);
        assert!(names.mind(&[at("next")]) && !names.awaited.contains(&at("next")));
        symlink("loop", at("loop")).unwrap();
        assert_eq!(names.add(&at("loop"), &mut 0), None);
    }
}
