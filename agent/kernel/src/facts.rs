//! Facts gathered from the running host, for the network namespace of the calling thread.
//!
//! Gathering is cheap: a handful of small files and ioctls, no process. What cannot be learnt is left out, since a
//! missing fact is an answer that profiles can deal with, and a wrong one is not. Nothing here decides.

use std::collections::BTreeMap;
use std::path::Path;

use trimtab_core::facts::Fact;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;

use crate::file;
use crate::identity;

pub(crate) mod conntrack;
mod cpus;
pub(crate) mod link;
pub(crate) mod modules;
pub(crate) mod uplink;

/// Host-wide facts and those of the uplink, see [`trimtab_core::facts::KNOWN`], and beside them `module.NAME` for the
/// queueing disciplines and congestion controls that the kernel could load. Facts of other interfaces are asked for with
/// [`link_facts`], where an expression needs them.
pub fn gather() -> Facts {
    let mut facts = Facts::default();
    let mut put = |name: &str, value: Option<FactValue>, source: &str| {
        if let Some(value) = value {
            facts.insert(name, value, source);
        }
    };
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    put("host.name", Some(FactValue::Text(uname.nodename().to_string_lossy().into_owned())), "uname");
    put("host.kernel_version", kernel_version(&release).map(FactValue::Int), "uname");
    put("host.kernel", Some(FactValue::Text(release.clone().into_owned())), "uname");
    put("host.memory", small("/proc/meminfo", memory_total).map(FactValue::Int), "/proc/meminfo MemTotal");
    put("host.cpus", small(cpus::ONLINE, cpus::count).map(FactValue::Int), cpus::ONLINE);
    put("host.cpus_possible", small(cpus::POSSIBLE, cpus::count).map(FactValue::Int), cpus::POSSIBLE);
    put("host.cores", cpus::cores(Path::new(cpus::FOLDER)).map(FactValue::Int), cpus::CORES);
    put("host.page_size", i64::try_from(rustix::param::page_size()).ok().map(FactValue::Int), "auxv AT_PAGESZ");
    put("host.hz", ticks_per_second().map(FactValue::Int), "clock_getres CLOCK_MONOTONIC_COARSE");
    put("host.initial_netns", identity::is_initial().ok().map(FactValue::Bool), identity::GLOBAL_ONLY);
    modules::gather(&release, &mut facts);
    if let Some(uplink) = uplink::find() {
        let known = link_facts([uplink.name.as_str()]).remove(&uplink.name).unwrap_or_default();
        for (inner, fact) in known {
            facts.insert(&format!("uplink.{inner}"), fact.value, &fact.source);
        }
        facts.insert("uplink.name", FactValue::Text(uplink.name), uplink.source);
    }
    facts
}

/// What is known of these interfaces of the calling thread's namespace, by interface and inner name: the form of
/// [`Facts::links`]. An interface that is not there has no entry.
pub fn link_facts<'a, I: IntoIterator<Item = &'a str>>(names: I) -> BTreeMap<String, LinkFacts> {
    let Ok(links) = link::Links::open() else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for name in names {
        let Some(mtu) = links.mtu(name) else { continue };
        let fact = |value, source: &'static str| Fact { value, source: source.into() };
        let mut known = LinkFacts::new();
        known.insert("name".into(), fact(FactValue::Text(name.to_owned()), "SIOCGIFMTU"));
        known.insert("mtu".into(), fact(FactValue::Int(mtu), "SIOCGIFMTU"));
        if let Some(speed) = links.speed(name) {
            known.insert("speed".into(), fact(FactValue::Int(speed), "ETHTOOL_GLINKSETTINGS"));
        }
        all.insert(name.to_owned(), known);
    }
    all
}

fn small<T>(path: impl AsRef<Path>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let bytes = file::read(path.as_ref(), 64 << 10).ok()?;
    parse(std::str::from_utf8(&bytes).ok()?)
}

/// `6.12.8-arm64` is 6012.
fn kernel_version(release: &str) -> Option<i64> {
    let (major, rest) = release.split_once('.')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let minor: u16 = rest.get(..end)?.parse().ok()?;
    let major: u16 = major.parse().ok()?;
    (minor < 1000).then(|| i64::from(major) * 1000 + i64::from(minor))
}

/// Bytes; the file counts in KiB and calls them kB (fs/proc/meminfo.c `show_val_kb`).
fn memory_total(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024).filter(|bytes| *bytes > 0)
}

/// CONFIG_HZ: the coarse clock moves once per tick (kernel/time/posix-timers.c `KTIME_LOW_RES`). Times that the kernel
/// keeps in ticks are rounded to it.
fn ticks_per_second() -> Option<i64> {
    let tick = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    let nanoseconds = tick.tv_sec.checked_mul(1_000_000_000)?.checked_add(tick.tv_nsec)?;
    let hz = 1_000_000_000_i64.checked_add(nanoseconds / 2)?.checked_div(nanoseconds)?;
    (hz > 0).then_some(hz)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use trimtab_core::facts::KNOWN;

    use super::*;
    use crate::testing::in_new_netns;
    use crate::testing::run;

    #[test]
    fn reads_what_the_files_say() {
        assert_eq!(kernel_version("6.12.8-arm64"), Some(6012));
        assert_eq!(kernel_version("6.18"), Some(6018));
        assert_eq!(kernel_version("7.2-rc1"), Some(7002));
        assert_eq!(kernel_version("six.1"), None);
        assert_eq!(kernel_version("6"), None);
        assert_eq!(memory_total("MemTotal:       16303432 kB\nMemFree: 1 kB\n"), Some(16_694_714_368));
        assert_eq!(memory_total("MemFree: 1 kB\n"), None);
        assert_eq!(memory_total("MemTotal: 99999999999999999 kB\n"), None);
    }

    #[test]
    fn this_host_has_facts_that_agree_with_the_system() {
        let facts = gather();
        for name in facts.values.keys() {
            assert!(name.starts_with("module.") || KNOWN.iter().any(|fact| fact.name == name), "{name}");
        }
        assert_eq!(facts.get("host.kernel"), Some(&FactValue::Text(run("uname", &["-r"]).trim().to_owned())));
        assert_eq!(facts.int("host.cpus").unwrap().to_string(), run("getconf", &["_NPROCESSORS_ONLN"]).trim());
        let cores = run("lscpu", &["--parse=core"]);
        let cores: BTreeSet<&str> = cores.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(facts.int("host.cores"), i64::try_from(cores.len()).ok());
        assert_eq!(facts.int("host.page_size").unwrap().to_string(), run("getconf", &["PAGE_SIZE"]).trim());
        let pages: i64 = run("getconf", &["_PHYS_PAGES"]).trim().parse().unwrap();
        assert_eq!(facts.int("host.memory"), Some(pages * facts.int("host.page_size").unwrap()));
        assert!([100, 250, 300, 1000].contains(&facts.int("host.hz").unwrap()), "{facts:?}");
    }

    #[test]
    fn a_namespace_without_a_route_has_no_uplink_and_is_not_initial() {
        in_new_netns("a_namespace_without_a_route_has_no_uplink_and_is_not_initial", || {
            let facts = gather();
            assert_eq!(facts.get("host.initial_netns"), Some(&FactValue::Bool(false)));
            assert_eq!(facts.get("uplink.name"), None);
            assert_eq!(facts.get("uplink.mtu"), None);
        });
    }

    #[test]
    fn uplink_is_the_default_route_of_lowest_metric_in_the_threads_namespace() {
        in_new_netns("uplink_is_the_default_route_of_lowest_metric_in_the_threads_namespace", || {
            for (name, peer) in [("one.100", "peer1"), ("two", "peer2"), ("six", "peer6")] {
                run("ip", &["link", "add", name, "mtu", "1400", "type", "veth", "peer", "name", peer]);
                run("ip", &["link", "set", name, "up"]);
                run("ip", &["link", "set", peer, "up"]);
            }
            let uplink = || gather().get("uplink.name").cloned();
            let text = |name: &str| Some(FactValue::Text(name.to_owned()));
            // Routes that lead nowhere are no uplinks.
            run("ip", &["route", "add", "unreachable", "default", "metric", "5"]);
            run("ip", &["route", "add", "blackhole", "default", "metric", "6"]);
            run("ip", &["-6", "route", "add", "unreachable", "default", "metric", "5"]);
            assert_eq!(uplink(), None);
            run("ip", &["-6", "route", "add", "default", "dev", "six", "metric", "9"]);
            assert_eq!(uplink(), text("six"), "IPv6 where IPv4 has none");
            run("ip", &["route", "add", "default", "dev", "one.100", "metric", "200"]);
            assert_eq!(uplink(), text("one.100"), "IPv4 before IPv6");
            run("ip", &["route", "add", "default", "dev", "two", "metric", "100"]);
            assert_eq!(uplink(), text("two"));
            let facts = gather();
            assert_eq!(facts.int("uplink.mtu"), Some(1400));
            assert_eq!(facts.get("uplink.speed"), None, "10 Gbit/s of a veth is made up");
            let links = link_facts(["one.100", "nothere", "lo"]);
            assert_eq!(links.keys().collect::<Vec<_>>(), ["lo", "one.100"]);
            assert_eq!(links["one.100"]["mtu"].value, FactValue::Int(1400));
            assert_eq!(links["lo"]["mtu"].value, FactValue::Int(65536));
            assert!(!links["lo"].contains_key("speed"));
        });
    }
}
