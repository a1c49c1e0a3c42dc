//! The profiles that are shipped, on a whole machine with three NICs: applied, verified, applied again, taken back.

use crate::links::Bench;
use crate::machine::sh;
use crate::machine::unload;

/// What a role may wait for here is a fact that the machine does not know, never a write that failed.
fn goes_there_and_back(role: &str) {
    sh("modprobe nf_conntrack");
    let machine = Bench::new();
    let planned = machine.trimtab(&["plan", role, "--json"]);
    assert!([2, 3].contains(&planned.code), "{planned:?}");
    let applied = machine.trimtab(&["apply", role]);
    assert!(applied.code == 0, "{applied:?}");
    let (changed, of_links) = (machine.differences(), machine.changes());
    assert!(!changed.is_empty());
    machine.trimtab(&["verify"]).exits(0);
    machine.writes_nothing(&["apply", role], 0);
    assert_eq!((machine.differences(), machine.changes()), (changed, of_links), "the second apply");
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
    unload("nf_conntrack");
}

#[test]
fn base_goes_there_and_back() {
    goes_there_and_back("base");
}

#[test]
fn egress_proxy_goes_there_and_back() {
    goes_there_and_back("egress-proxy");
}

#[test]
fn web_frontend_goes_there_and_back() {
    goes_there_and_back("web-frontend");
}

#[test]
fn router_goes_there_and_back() {
    goes_there_and_back("router");
}

#[test]
fn roles_in_one_host_file_go_there_and_back() {
    let machine = Bench::new();
    machine.write("host.toml", "profiles = [\"web-frontend\", \"egress-proxy\"]\n[params]\nrtt = \"90ms\"\nconnections_per_second = 3000\n[sysctl]\nnet.ipv4.tcp_keepalive_time = 120\nnet.ipv4.tcp_keepalive_intvl = 15\nnet.core.somaxconn = 7000\n");
    let applied = machine.trimtab(&["apply"]);
    assert!(applied.code == 0, "{applied:?}");
    machine.trimtab(&["explain", "net.core.somaxconn"]).exits(0).says(&["live       7000"]);
    machine.writes_nothing(&["apply"], 0);
    // A role that leaves takes its settings with it, the others stay.
    machine.write("host.toml", "profiles = [\"egress-proxy\"]\n");
    machine.trimtab(&["apply"]).exits(0);
    machine.trimtab(&["verify"]).exits(0);
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
}
