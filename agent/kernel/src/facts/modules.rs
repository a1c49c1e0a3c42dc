//! Which queueing disciplines and congestion controls this kernel could load: the facts `module.sch_*`,
//! `module.tcp_*` and that of the filters that choose classes. They decide whether `prefer = ["fq", …]` may try what no list of the kernel names; expressions do not
//! see them.
//!
//! depmod(8) writes `modules.dep` and the kernel's build `modules.builtin` to `/lib/modules/RELEASE`, one path a line. A
//! kernel without that folder (a container's view, an appliance) leaves these facts unknown.

use std::collections::BTreeSet;
use std::path::Path;

use trimtab_core::facts::FactValue;
use trimtab_core::facts::Facts;

use crate::file;

const FOLDERS: &[&str] = &["/lib/modules", "/usr/lib/modules"];

/// About 1 MiB on a distribution's kernel.
const LARGEST: usize = 16 << 20;

/// Part of every kernel that has the key at all, and in no list of modules (net/sched/sch_generic.c, sch_fifo.c;
/// net/ipv4/tcp_cong.c `tcp_reno`).
const ALWAYS: &[&str] = &["sch_pfifo_fast", "sch_pfifo", "sch_bfifo", "sch_noqueue", "tcp_reno"];

/// What people ask for; of these it is worth knowing that they are not there.
const ASKED_FOR: &[&str] = &[
    "sch_cake",
    "sch_codel",
    "sch_dualpi2",
    "sch_netem",
    "sch_prio",
    "sch_tbf",
    "sch_htb",
    "sch_fq",
    "sch_fq_codel",
    "sch_fq_pie",
    "sch_pie",
    "sch_sfq",
    "cls_u32",
    "tcp_bbr",
    "tcp_bic",
    "tcp_cdg",
    "tcp_cubic",
    "tcp_dctcp",
    "tcp_highspeed",
    "tcp_htcp",
    "tcp_hybla",
    "tcp_illinois",
    "tcp_lp",
    "tcp_nv",
    "tcp_scalable",
    "tcp_vegas",
    "tcp_veno",
    "tcp_westwood",
    "tcp_yeah",
];

const LOADED: &str = "/proc/modules";

/// Records what is loaded, and what can be loaded into the kernel of this release.
pub(super) fn gather(release: &str, facts: &mut Facts) {
    if let Ok(loaded) = file::read(Path::new(LOADED), LARGEST) {
        for name in String::from_utf8_lossy(&loaded).lines().filter_map(|line| line.split(' ').next()) {
            if is_of_interest(name) {
                facts.insert(&format!("module.{name}"), FactValue::Bool(true), LOADED);
            }
        }
    }
    if !is_folder(release) {
        return;
    }
    for folder in FOLDERS {
        if gather_from(&Path::new(folder).join(release), facts) {
            return;
        }
    }
}

/// Whether a module is there now: loaded, or a part of this kernel. Where nobody can tell it is not.
pub(super) fn is_present(name: &str) -> bool {
    let names = |list: &[u8]| String::from_utf8_lossy(list).lines().any(|line| line.split(' ').next() == Some(name));
    match file::read(Path::new(LOADED), LARGEST) {
        Ok(loaded) if names(&loaded) => true,
        Ok(_) => {
            let uname = rustix::system::uname();
            let release = uname.release().to_string_lossy();
            let built_in = |folder: &&str| {
                let list = file::read(&Path::new(folder).join(&*release).join("modules.builtin"), LARGEST);
                list.is_ok_and(|list| {
                    String::from_utf8_lossy(&list).lines().any(|line| file_of(line).as_deref() == Some(name))
                })
            };
            is_folder(&release) && FOLDERS.iter().any(built_in)
        }
        // A kernel that loads no modules has all that it will ever have (kernel/module/procfs.c).
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Whether a release may become part of a path.
fn is_folder(release: &str) -> bool {
    !(release.is_empty() || release.starts_with('.') || release.contains('/'))
}

/// Whether there are lists of what can be loaded into the running kernel.
pub(crate) fn are_listed() -> bool {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy().into_owned();
    !release.is_empty()
        && !release.contains('/')
        && FOLDERS.iter().any(|folder| Path::new(folder).join(&release).join("modules.dep").exists())
}

/// Whether both lists are there. One alone does not tell what is missing.
fn gather_from(folder: &Path, facts: &mut Facts) -> bool {
    let list =
        |name: &str| file::read(&folder.join(name), LARGEST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (Ok(loadable), Ok(built_in)) = (list("modules.dep"), list("modules.builtin")) else { return false };
    let mut found: BTreeSet<String> = ALWAYS.iter().map(|name| (*name).to_owned()).collect();
    found.extend(loadable.lines().chain(built_in.lines()).filter_map(module));
    let source = folder.display().to_string();
    for name in ASKED_FOR.iter().filter(|name| !found.contains(**name)) {
        let fact = format!("module.{name}");
        // What is loaded is there, wherever it came from.
        if facts.get(&fact).is_none() {
            facts.insert(&fact, FactValue::Bool(false), &source);
        }
    }
    for name in found {
        facts.insert(&format!("module.{name}"), FactValue::Bool(true), &source);
    }
    true
}

/// `kernel/net/sched/sch_fq.ko.xz: …` is `sch_fq`; other kinds of modules are left out.
fn module(line: &str) -> Option<String> {
    file_of(line).filter(|name| is_of_interest(name))
}

/// The module of a line of either list.
fn file_of(line: &str) -> Option<String> {
    let path = line.split(':').next()?.trim();
    let file = path.rsplit('/').next()?;
    let (name, _compression) = file.split_once(".ko")?;
    // The kernel takes a hyphen and an underscore in a module's name for the same.
    Some(name.replace('-', "_"))
}

fn is_of_interest(name: &str) -> bool {
    name.starts_with("sch_") || name.starts_with("tcp_") || name == "cls_u32"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_has_what_its_lists_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let mut facts = Facts::default();
        assert!(!gather_from(folder.path(), &mut facts), "no lists");
        write(
            "modules.dep",
            "kernel/net/sched/sch_fq.ko.xz:\nkernel/net/ipv4/tcp_bbr.ko: kernel/net/a.ko\nkernel/net/sctp/sctp.ko:\n",
        );
        assert!(!gather_from(folder.path(), &mut facts), "half a list");
        assert_eq!(facts, Facts::default());
        facts.insert("module.sch_pie", FactValue::Bool(true), LOADED);
        write("modules.builtin", "kernel/net/sched/sch_fq_codel.ko\nkernel/net/ipv4/tcp_cubic.ko\n");
        assert!(gather_from(folder.path(), &mut facts));
        let known = |name: &str| facts.get(&format!("module.{name}")).cloned();
        assert_eq!(known("sch_pie"), Some(FactValue::Bool(true)), "it is loaded, wherever it came from");
        for name in ["sch_fq", "sch_fq_codel", "sch_pfifo_fast", "tcp_bbr", "tcp_cubic", "tcp_reno"] {
            assert_eq!(known(name), Some(FactValue::Bool(true)), "{name}");
        }
        for name in ["sch_cake", "tcp_dctcp"] {
            assert_eq!(known(name), Some(FactValue::Bool(false)), "{name}");
        }
        assert_eq!(known("sctp"), None);
        assert_eq!(known("sch_unheard_of"), None);
    }

    #[test]
    fn a_release_that_is_a_path_is_not_followed() {
        let mut facts = Facts::default();
        for release in ["", "..", "../../tmp", "/etc"] {
            gather(release, &mut facts);
        }
        assert_eq!(facts, Facts::default());
    }
}
