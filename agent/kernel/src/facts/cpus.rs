//! How many CPUs there are, and how many cores.

use std::collections::BTreeSet;
use std::path::Path;

use trimtab_core::value::Ports;

use super::small;

/// Where the kernel tells of CPUs (Documentation/admin-guide/cputopology.rst).
pub(super) const FOLDER: &str = "/sys/devices/system/cpu";
/// Not `available_parallelism`, which tells what this process may use: the kernel works on every CPU.
pub(super) const ONLINE: &str = "/sys/devices/system/cpu/online";
/// More than online where CPUs may be plugged in.
pub(super) const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
/// What [`cores`] reads, for people.
pub(super) const CORES: &str = "/sys/devices/system/cpu/cpu*/topology/core_cpus_list";

/// How many numbers `0-3,8` lists.
pub(super) fn count(text: &str) -> Option<i64> {
    let list = Ports::parse(text.trim()).ok()?;
    let count = list.ranges().iter().map(|(low, high)| i64::from(*high) - i64::from(*low) + 1).sum();
    (count > 0).then_some(count)
}

/// Cores with a CPU online. Each CPU lists the online ones of its core, so there are as many cores as there are different lists.
pub(super) fn cores(folder: &Path) -> Option<i64> {
    let online = small(folder.join("online"), |text| Ports::parse(text.trim()).ok())?;
    // No core runs two threads: one file tells what would take a file for each CPU.
    if small(folder.join("smt/active"), |text| Some(text.trim() == "0")) == Some(true) {
        return small(folder.join("online"), count);
    }
    let mut lists = BTreeSet::new();
    for (first, last) in online.ranges() {
        for cpu in *first..=*last {
            let list = folder.join(format!("cpu{cpu}/topology/core_cpus_list"));
            lists.insert(small(list, |text| Some(text.to_owned()))?);
        }
    }
    i64::try_from(lists.len()).ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_counted() {
        assert_eq!(count("0-3,8\n"), Some(5));
        assert_eq!(count("0\n"), Some(1));
        assert_eq!(count("3-0\n"), None);
        assert_eq!(count("\n"), None);
    }

    /// CPUs 0 and 4 share a core, 1 and 5 too, 6 has one of its own; 7 is offline.
    #[test]
    fn threads_of_one_core_are_one_core() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("online", "0-1,4-6\n");
        write("smt/active", "1\n");
        for (cpu, core) in [(0, "0,4"), (1, "1,5"), (4, "0,4"), (5, "1,5")] {
            write(&format!("cpu{cpu}/topology/core_cpus_list"), &format!("{core}\n"));
        }
        assert_eq!(cores(folder.path()), None, "what is not known of one CPU is not known at all");
        write("cpu6/topology/core_cpus_list", "6\n");
        assert_eq!(cores(folder.path()), Some(3));
        write("smt/active", "0\n");
        assert_eq!(cores(folder.path()), Some(5));
    }
}
