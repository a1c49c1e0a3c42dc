//! Settings of the whole host, which no network namespace has: applied to a real kernel, looked at, and taken back.

use crate::machine::Machine;
use crate::machine::has;
use crate::machine::raw;
use crate::machine::sh;
use crate::machine::unload;

/// Key, and a value that no kernel starts with.
const GLOBALS: [(&str, &str); 14] = [
    ("net.core.rmem_max", "7340032"),
    ("net.core.wmem_max", "6291456"),
    ("net.core.rmem_default", "262144"),
    ("net.core.netdev_budget", "450"),
    ("net.core.netdev_budget_usecs", "12000"),
    ("net.core.netdev_max_backlog", "2500"),
    ("net.core.optmem_max", "262144"),
    ("net.core.somaxconn", "5000"),
    ("net.core.rps_sock_flow_entries", "32768"),
    ("net.ipv4.neigh.default.gc_thresh1", "1024"),
    ("net.ipv4.neigh.default.gc_thresh2", "4096"),
    ("net.ipv4.neigh.default.gc_thresh3", "8192"),
    ("net.ipv6.neigh.default.gc_thresh3", "8192"),
    ("net.ipv4.tcp_mem", "20000 30000 40000"),
];

fn profile() -> String {
    GLOBALS.iter().fold("[sysctl]\n".to_owned(), |text, (key, value)| {
        format!("{text}{key} = [{}]\n", value.replace(' ', ", ")).replace(&format!("[{value}]"), value)
    })
}

#[test]
fn global_settings_are_applied_verified_and_put_back() {
    let machine = Machine::new();
    machine.profile("globals", &profile());
    machine.trimtab(&["plan", "globals"]).exits(2).says(&["14 to change"]);
    assert_eq!(machine.differences(), Vec::<String>::new(), "a plan writes nothing");
    machine.trimtab(&["apply", "globals"]).exits(0).says(&["in force: 14 written and read back"]);
    for (key, value) in GLOBALS {
        assert_eq!(raw(key), value, "{key}");
        // The same by another program.
        assert_eq!(sh(&format!("sysctl -n {key}")).split_whitespace().collect::<Vec<_>>().join(" "), value, "{key}");
    }
    assert_eq!(machine.differences().len(), GLOBALS.len(), "{:#?}", machine.differences());
    machine.trimtab(&["verify"]).exits(0);
    machine.writes_nothing(&["apply", "globals"], 0);
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
}

#[test]
fn somebody_elses_change_of_a_global_survives_the_revert() {
    let machine = Machine::new();
    let original = raw("net.core.rmem_max");
    machine.trimtab(&["apply", "--set", "net.core.rmem_max=7340032", "--set", "net.core.somaxconn=5000"]).exits(0);
    sh("sysctl -qw net.core.rmem_max=8388608");
    machine.trimtab(&["verify"]).exits(2).says(&["want 7340032, found 8388608"]);
    machine.trimtab(&["revert"]).exits(3).says(&["conflict: found 8388608"]);
    assert_eq!(machine.differences().len(), 1, "{:#?}", machine.differences());
    sh(&format!("sysctl -qw net.core.rmem_max={original}"));
    machine.is_as_before();
}

/// The key says what the kernel will do, a new device that it does.
#[test]
fn default_qdisc_reaches_devices_made_after_it() {
    // By itself the module makes two devices, which would have keys.
    sh("modprobe ifb numifbs=0");
    let machine = Machine::new();
    let qdisc_of_a_new_device = || {
        let line = sh("ip link add tt-new type ifb; ip link set tt-new up; ip link show tt-new; ip link del tt-new");
        line.split_once(" qdisc ").unwrap().1.split(' ').next().unwrap().to_owned()
    };
    let original = raw("net.core.default_qdisc");
    assert_eq!(qdisc_of_a_new_device(), original);
    machine.trimtab(&["apply", "--set", r#"net.core.default_qdisc={prefer=["fq", "fq_codel"]}"#]).exits(0);
    assert_eq!(raw("net.core.default_qdisc"), "fq");
    assert_eq!(qdisc_of_a_new_device(), "fq");
    machine.trimtab(&["revert"]).exits(0);
    assert_eq!(qdisc_of_a_new_device(), original);
    machine.is_as_before();
    unload("ifb");
}

#[test]
fn conntrack_sizes_are_applied_and_put_back() {
    sh("modprobe nf_conntrack");
    let machine = Machine::new();
    machine.profile(
        "tables",
        "[sysctl]\nnet.netfilter.nf_conntrack_buckets = { at-least = 32768 }\nnet.netfilter.nf_conntrack_max = 300000\n",
    );
    machine.trimtab(&["apply", "tables"]).exits(0);
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
    // The old name of the same number.
    assert_eq!(raw("net.nf_conntrack_max"), "300000");
    assert!(raw("net.netfilter.nf_conntrack_buckets").parse::<u64>().unwrap() >= 32768);
    assert_eq!(sh("cat /sys/module/nf_conntrack/parameters/hashsize"), raw("net.netfilter.nf_conntrack_buckets"));
    machine.writes_nothing(&["apply", "tables"], 0);
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
    unload("nf_conntrack");
    assert!(!has("net.netfilter.nf_conntrack_max"));
}
