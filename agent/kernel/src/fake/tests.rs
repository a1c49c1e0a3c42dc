use std::panic;

use super::*;
use crate::live::LiveKernel;
use crate::testing::in_new_netns;
use crate::testing::run;

fn key(text: &str) -> SysctlKey {
    text.parse().unwrap()
}

/// A fake and a real kernel that are told the same things.
struct Pair {
    fake: FakeKernel,
    live: LiveKernel,
    keys: Vec<Address>,
    said: Vec<String>,
}

impl Pair {
    /// A fresh child namespace of both, with the real one's values to begin with.
    fn new() -> Pair {
        let mut live = LiveKernel::open(None).unwrap();
        let mut fake = FakeKernel::child("blue");
        fake.set_identity(live.identity().clone());
        let facts = live.facts();
        fake.set_fact("host.hz", facts.get("host.hz").unwrap().clone());
        let mut pair = Pair { fake, live, keys: Vec::new(), said: Vec::new() };
        pair.adopt();
        pair
    }

    /// Takes the real kernel's values for keys that are new.
    fn adopt(&mut self) {
        for address in self.fake.list(Kind::Sysctl).unwrap() {
            if self.keys.contains(&address) {
                continue;
            }
            let Object::Sysctl(key) = &address.object else { continue };
            match (self.live.read(std::slice::from_ref(&address)).pop().unwrap(), self.fake.read_one(&address)) {
                (Reading::Text { text, writable }, Reading::Text { writable: ours, .. }) => {
                    assert_eq!(writable, ours, "{key}");
                    self.fake.set(key, &text);
                }
                // A key that this kernel does not have; the fake is that of another version.
                (Reading::Absent, _) => self.fake.remove(key),
                (theirs, ours) => assert_eq!(theirs, ours, "{key}"),
            }
        }
        self.keys = self.fake.list(Kind::Sysctl).unwrap();
        assert!(self.keys.len() > 100, "{}", self.keys.len());
    }

    /// Writes to both and compares everything.
    fn write(&mut self, name: &str, text: &str) {
        self.write_only(name, text);
        self.compare();
    }

    /// Writes to both and compares how that went.
    fn write_only(&mut self, name: &str, text: &str) {
        self.said.push(format!("{name} = {text:?}"));
        let cells = [(Address::sysctl(key(name)), Value::Text(text.to_owned()))];
        let (fake, live) = (outcome(self.fake.write(&cells, None)), outcome(self.live.write(&cells, None)));
        assert_eq!(fake, live, "fake, real after {:#?}", self.said);
    }

    fn compare_these(&mut self, addresses: &[Address]) {
        let (fake, live) = (self.fake.read(addresses), self.live.read(addresses));
        for ((address, fake), live) in addresses.iter().zip(fake).zip(live) {
            assert_eq!(fake, live, "{address}: fake, real after {:#?}", self.said);
        }
    }

    fn compare(&mut self) {
        self.compare_these(&self.keys.clone());
        assert_eq!(self.fake.interfaces().unwrap(), self.live.interfaces().unwrap());
        assert_eq!(self.fake.addressed().unwrap(), self.live.addressed().unwrap(), "after {:#?}", self.said);
    }

    fn ip(&mut self, arguments: &str) {
        self.said.push(format!("ip {arguments}"));
        run("ip", &arguments.split(' ').collect::<Vec<_>>());
    }

    fn add_pair(&mut self, one: &str, other: &str) {
        self.ip(&format!("link add {one} type veth peer name {other}"));
        self.fake.add_interface(one);
        self.fake.add_interface(other);
        self.keys = self.fake.list(Kind::Sysctl).unwrap();
        let exists =
            |live: &mut LiveKernel, address: &Address| live.read(std::slice::from_ref(address)) != [Reading::Absent];
        self.keys.retain(|address| exists(&mut self.live, address));
        self.compare();
    }
}

fn outcome(outcome: Result<(), WriteError>) -> Result<(), (Option<usize>, Option<i32>)> {
    match outcome {
        Ok(()) => Ok(()),
        Err(WriteError::Short { taken, .. }) => Err((Some(taken), None)),
        Err(WriteError::Refused { source, .. }) => Err((None, source.raw_os_error())),
        Err(other @ (WriteError::Elsewhere { .. } | WriteError::Netlink { .. } | WriteError::CarrierLost { .. })) => {
            panic!("{other}")
        }
    }
}

fn against_the_real_kernel(test: &str, script: fn(&mut Pair)) {
    in_new_netns(test, move || script(&mut Pair::new()));
}

#[test]
fn parses_as_the_real_kernel() {
    against_the_real_kernel("parses_as_the_real_kernel", |pair| {
        const TEXTS: &[&str] = &[
            "0",
            "1",
            "2",
            "3",
            "4",
            "7",
            "255",
            "256",
            "-1",
            "-5",
            "010",
            "0x10",
            "0x",
            "08",
            "1 2",
            "1 abc",
            "1abc",
            "abc",
            " 5",
            "5 ",
            "5\n",
            "\t5\n",
            "\n",
            " ",
            "1\n2",
            "1,2",
            "1-2",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4294967295",
            "4294967296",
            "99999999999999999999",
            "8589934",
            "8589935",
            "1001",
            "1501",
            "5000",
            "+1",
            "-0",
            "--1",
            "4096 131072 abc",
            "4096 131072 6291456 7",
            "4096",
            "1 2 3",
            "0 1 2",
            "5,4,3",
            "80,8080-8082",
            "9-8",
            "65536",
            "20000 30000",
            "30000 20000",
            "80 90",
            "0 100",
            "100 0",
            "5,,6",
            "5, 6",
            "reno",
            "reno ",
            "Reno",
            "nope",
            "cubic\n",
        ];
        let names: Vec<String> = pair.keys.iter().map(Address::local_name).collect();
        for name in names.iter().filter(|name| !name.contains(".conf.") && !name.ends_with("fastopen_key")) {
            for text in TEXTS {
                pair.write_only(name, text);
                pair.compare_these(&[Address::sysctl(key(name))]);
            }
            pair.compare();
        }
    });
}

#[test]
fn forwarding_moves_what_it_moves() {
    against_the_real_kernel("forwarding_moves_what_it_moves", |pair| {
        pair.add_pair("v0", "v1");
        for (name, text) in [
            ("net.ipv4.conf.all.accept_redirects", "1"),
            ("net.ipv4.conf.v0.forwarding", "1"),
            ("net.ipv4.ip_forward", "0"),
            ("net.ipv4.ip_forward", "1"),
            ("net.ipv4.conf.all.accept_redirects", "1"),
            ("net.ipv4.conf.v1.forwarding", "0"),
            ("net.ipv4.ip_forward", "1"),
            ("net.ipv4.ip_forward", "2"),
            ("net.ipv4.conf.default.forwarding", "1"),
            ("net.ipv4.conf.all.forwarding", "0"),
            ("net.ipv4.ip_forward", "x"),
            ("net.ipv6.conf.v0.forwarding", "1"),
            ("net.ipv6.conf.all.forwarding", "0"),
            ("net.ipv6.conf.all.forwarding", "1"),
            ("net.ipv6.conf.v1.forwarding", "0"),
            ("net.ipv6.conf.all.forwarding", "1"),
            ("net.ipv6.conf.v1.force_forwarding", "1"),
            ("net.ipv6.conf.default.forwarding", "0"),
            ("net.ipv6.conf.all.forwarding", "2"),
            ("net.ipv6.conf.all.forwarding", "0"),
            ("net.ipv6.conf.all.force_forwarding", "1"),
            ("net.ipv6.conf.all.forwarding", "0"),
        ] {
            pair.write(name, text);
        }
    });
}

#[test]
fn default_moves_what_was_never_set() {
    against_the_real_kernel("default_moves_what_was_never_set", |pair| {
        pair.add_pair("v0", "v1");
        for (name, _) in table::IPV4_CONF {
            pair.write(&format!("net.ipv4.conf.default.{name}"), "1");
            pair.write(&format!("net.ipv4.conf.default.{name}"), "0");
        }
        // A write of the same value pins.
        pair.write("net.ipv4.conf.v0.rp_filter", "0");
        pair.write("net.ipv4.conf.default.rp_filter", "2");
        // So does one that fails.
        pair.write("net.ipv4.conf.v0.arp_ignore", "x");
        pair.write("net.ipv4.conf.default.arp_ignore", "1");
        // An address pins everything, and its removal unpins nothing.
        pair.ip("address add 192.0.2.1/24 dev v1");
        pair.fake.add_ipv4_address("v1");
        pair.write("net.ipv4.conf.default.send_redirects", "1");
        pair.ip("address delete 192.0.2.1/24 dev v1");
        pair.fake.remove_ipv4_addresses("v1");
        pair.write("net.ipv4.conf.default.send_redirects", "0");
        // Interfaces born after all that.
        pair.add_pair("v2", "v3.100");
        pair.write("net.ipv4.conf.default.send_redirects", "1");
        pair.write("net.ipv4.conf.default.log_martians", "1");
        pair.write("net.ipv4.conf.v3/100.shared_media", "0");
        pair.write("net.ipv4.conf.all.rp_filter", "1");
        pair.ip("link set lo up");
        pair.fake.add_ipv4_address("lo");
        pair.write("net.ipv4.conf.default.rp_filter", "1");
    });
}

#[test]
fn ipv6_all_moves_only_some() {
    against_the_real_kernel("ipv6_all_moves_only_some", |pair| {
        pair.add_pair("v0", "v1");
        let names: Vec<String> = pair.keys.iter().map(Address::local_name).collect();
        let of_all = names.iter().filter(|name| name.starts_with("net.ipv6.conf.all.") && !name.ends_with("secret"));
        for name in of_all {
            for text in ["1", "0", "2", "64", "-1", "1 0", "0 x", "1"] {
                pair.write(name, text);
                pair.write(&name.replace(".all.", ".default."), text);
                pair.write(&name.replace(".all.", ".v0."), "0");
            }
        }
    });
}

#[test]
fn any_sequence_of_writes_leaves_both_alike() {
    use proptest::prelude::*;
    use proptest::test_runner::Config;
    use proptest::test_runner::RngAlgorithm;
    use proptest::test_runner::TestRng;
    use proptest::test_runner::TestRunner;
    in_new_netns("any_sequence_of_writes_leaves_both_alike", || {
        let names: Vec<String> = {
            let mut pair = Pair::new();
            pair.add_pair("v0", "v1");
            pair.ip("link delete v0");
            let writable = |name: &String| !name.ends_with("fastopen_key") && !name.ends_with("stable_secret");
            pair.keys.iter().map(Address::local_name).filter(writable).collect()
        };
        let text = prop_oneof![
            4 => (-2i64..5).prop_map(|number| number.to_string()),
            1 => (0i64..70_000).prop_map(|number| number.to_string()),
            1 => (0i64..70_000, 0i64..70_000).prop_map(|(one, other)| format!("{one} {other}")),
            1 => "[0-9a-f x,\t-]{1,12}",
        ];
        let step = (prop::sample::select(names), text);
        // The same cases at every run; PROPTEST_CASES widens the search.
        let cases = std::env::var("PROPTEST_CASES").map_or(40, |text| text.parse().unwrap());
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        runner
            .run(&prop::collection::vec(step, 1..25), |steps| {
                let alike = in_new_netns("case", move || {
                    let mut pair = Pair::new();
                    pair.add_pair("v0", "v1");
                    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                        for (name, text) in &steps {
                            pair.write(name, text);
                        }
                    }));
                    outcome.map_err(|_| pair.said.join("; "))
                });
                prop_assert_eq!(alike.unwrap(), Ok(()));
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn faults_strike_where_they_are_told() {
    let mut kernel = FakeKernel::new();
    let name = "net.core.somaxconn";
    let (address, other) = (Address::sysctl(key(name)), key("net.ipv4.tcp_sack"));
    kernel.fault_at_write(1, Fault::Fail(libc::EINVAL));
    kernel.fault_at_write(2, Fault::Ignore);
    kernel.fault_at_write(3, Fault::Store("7".into()));
    kernel.fault_at_write(4, Fault::Short(1));
    kernel.foreign_before_write(5, &other, "0");
    kernel.foreign_before_read(5, &key(name), "99");
    let write = |kernel: &mut FakeKernel| {
        let told = outcome(kernel.write(&[(address.clone(), Value::Int(512))], None));
        (told, kernel.read(std::slice::from_ref(&address)).pop().unwrap())
    };
    let shows = |text: &str| Reading::Text { text: text.into(), writable: true };
    assert_eq!(write(&mut kernel), (Err((None, Some(libc::EINVAL))), shows("4096")));
    assert_eq!(write(&mut kernel), (Ok(()), shows("4096")));
    assert_eq!(write(&mut kernel), (Ok(()), shows("7")));
    assert_eq!(write(&mut kernel), (Err((Some(1), None)), shows("7")));
    assert_eq!(write(&mut kernel), (Ok(()), shows("99")));
    assert_eq!(kernel.text(&other), Some("0"));
    kernel.refuse(&key(name), libc::EROFS);
    assert_eq!(write(&mut kernel).0, Err((None, Some(libc::EROFS))));
    assert_eq!((kernel.writes(), kernel.reads()), (6, 6));
    let foreign: Vec<bool> = kernel.log().iter().map(|written| written.foreign).collect();
    assert_eq!(foreign, [false, false, false, false, true, false, true, false]);
}

#[test]
fn keys_come_go_and_close() {
    let mut kernel = FakeKernel::child("blue");
    let read = |kernel: &mut FakeKernel, text: &str| kernel.read(&[text.parse().unwrap()]).pop().unwrap();
    assert_eq!(read(&mut kernel, "sysctl:net.core.netdev_max_backlog"), Reading::Absent);
    assert!(matches!(read(&mut kernel, "sysctl@blue:net.core.rmem_max"), Reading::Text { writable: false, .. }));
    assert_eq!(read(&mut kernel, "sysctl@green:net.core.rmem_max"), Reading::Failed { errno: libc::EXDEV });
    assert_eq!(read(&mut kernel, "sysctl:net.ipv4.route.flush"), Reading::WriteOnly);
    assert_eq!(read(&mut kernel, "sysctl:net.ipv4.tcp_fastopen_key"), Reading::Withheld);
    let max = key("net.netfilter.nf_conntrack_max");
    assert_eq!(read(&mut kernel, "sysctl:net.netfilter.nf_conntrack_max"), Reading::Absent);
    kernel.add(max.clone(), Class::INT, "262144", true);
    let cell = [(Address::sysctl(max.clone()), Value::Int(1))];
    kernel.write(&cell, None).unwrap();
    kernel.set_writable(&max, false);
    assert_eq!(outcome(kernel.write(&cell, None)), Err((None, Some(libc::EACCES))));
    kernel.add_interface("eth0.100");
    assert!(matches!(read(&mut kernel, "sysctl:net.ipv4.conf.eth0/100.rp_filter"), Reading::Text { .. }));
    kernel.remove_interface("eth0.100");
    assert_eq!(read(&mut kernel, "sysctl:net.ipv4.conf.eth0/100.rp_filter"), Reading::Absent);
    assert_eq!(kernel.interfaces().unwrap(), BTreeSet::from(["lo".to_owned()]));
}
