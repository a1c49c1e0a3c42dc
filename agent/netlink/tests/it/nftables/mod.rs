//! nftables, with nft(8) as the judge.

mod batch;
mod cases;
mod news;
mod oracle;

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::NewSet;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::table;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::Request;
use trimtab_netlink::socket::RequestSocket;

use cases::Case;

const TABLE: &str = "tt";

fn open() -> RequestSocket {
    RequestSocket::open(Protocol::Netfilter).unwrap()
}

/// Has nft(8) carry this out.
fn nft(text: &str) {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = nft.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What nft(8) says of all there is, without numbers that the kernel gives.
fn judge() -> Vec<Value> {
    let mut listed: Value = serde_json::from_str(&crate::namespace::run("nft -j list ruleset")).unwrap();
    strip(&mut listed);
    let Value::Array(objects) = listed["nftables"].take() else { panic!("{listed}") };
    objects.into_iter().filter(|object| object.get("metainfo").is_none()).collect()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("handle");
            fields.values_mut().for_each(strip);
        }
        Value::Array(all) => all.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// A table of ours with a chain of each hook that the cases need.
fn skeleton() -> Vec<Request> {
    let mut requests = vec![table::create(Family::Inet, TABLE, Some("a comment")).unwrap()];
    for (name, hook, priority) in [
        ("forward", chain::hooks::FORWARD, chain::priorities::MANGLE),
        ("prerouting", chain::hooks::PREROUTING, chain::priorities::RAW),
        ("output", chain::hooks::OUTPUT, chain::priorities::RAW),
    ] {
        let base = chain::Base::filter(hook, priority);
        requests.push(chain::add(Family::Inet, TABLE, name, Some(&base)).unwrap());
    }
    requests
}

/// The rule of a case, with the sets that it needs.
fn requests(case: &Case) -> Vec<Request> {
    let Case { chain, sets, expressions, comment, .. } = case;
    let mut requests: Vec<Request> =
        sets.iter().flat_map(|set: &NewSet| set.add(Family::Inet, TABLE).unwrap()).collect();
    requests.push(rule::append(Family::Inet, TABLE, chain, expressions, *comment).unwrap());
    requests
}

fn make(socket: &mut RequestSocket, cases: &[Case]) {
    commit(socket, skeleton().into_iter().chain(cases.iter().flat_map(requests)).collect(), None).unwrap();
}
