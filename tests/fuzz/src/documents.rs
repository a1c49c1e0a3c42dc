//! Files that trimtab wrote and reads again, or that somebody else says it wrote: journals, state, plans, snapshots.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::Digest;
use sha2::Sha256;
use trimtab_core::address::Address;
use trimtab_core::journal;
use trimtab_core::journal::replay::History;
use trimtab_core::journal::replay::compact;
use trimtab_core::journal::replay::replay;
use trimtab_core::kind::Surroundings;
use trimtab_core::kind::World;
use trimtab_core::kind::rules_of;
use trimtab_core::observed::Observed;
use trimtab_core::observed::Reading;
use trimtab_core::plan;
use trimtab_core::plan::Goal;
use trimtab_core::plan::Input;
use trimtab_core::plan::compare::compare;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::profile::Bundle;
use trimtab_core::profile::Request;
use trimtab_core::profile::load;
use trimtab_core::render::Paint;
use trimtab_core::render::diagnostics;
use trimtab_core::render::plan::Detail;
use trimtab_core::render::plan::text;
use trimtab_core::snapshot::Snapshot;
use trimtab_core::state;
use trimtab_core::state::Applied;
use trimtab_core::state::Unconfirmed;

use super::profiles::Shipped;
use super::profiles::given;
use super::profiles::shown;

/// A journal, as it is and as it would be with the checks of its lines made good.
pub fn journal(bytes: &[u8]) {
    let sealed: Vec<u8> = bytes.split_inclusive(|byte| *byte == b'\n').flat_map(sealed).collect();
    for bytes in [bytes, &sealed] {
        let Ok((records, good)) = journal::parse(bytes) else { continue };
        assert!(good <= bytes.len());
        let written: String = (0..).zip(&records).map(|(number, record)| journal::encode(number, record)).collect();
        assert_eq!(journal::parse(written.as_bytes()).map(|(again, _)| again).as_ref(), Ok(&records));
        let mut history = replay(records);
        if let Some(open) = &history.open {
            let _ = goal::of_undo(open);
        }
        let _ = goal::of_revert(&history.held, None);
        if let (Some(host), None) = (history.host.clone(), &history.open) {
            assert!(!journal::opened_elsewhere(written.as_bytes(), &host));
            let History { held, .. } = replay(compact(&history, &host));
            assert_eq!(held, history.held);
        }
        let interfaces = history.held.values().filter_map(|held| held.interface.clone());
        let links = interfaces.map(|interface| (format!("renamed{}", interface.ifindex), interface)).collect();
        let _ = history.follow(&links);
    }
}

/// A line of a journal with the check that it should have, if it has room for one.
fn sealed(line: &[u8]) -> Vec<u8> {
    let Some(body) = line.get(9..) else { return line.to_vec() };
    let digest = Sha256::digest(body.strip_suffix(b"\n").unwrap_or(body));
    let check: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    [check.as_bytes(), b" ", body].concat()
}

/// The state files beside the journal.
pub fn state(bytes: &[u8]) {
    if let Ok(applied) = state::parse::<Applied>(bytes) {
        assert_eq!(state::parse::<Applied>(&state::encode(&applied)).ok(), Some(applied));
    }
    if let Ok(unconfirmed) = state::parse::<Unconfirmed>(bytes) {
        assert_eq!(state::parse::<Unconfirmed>(&state::encode(&unconfirmed)).ok(), Some(unconfirmed));
    }
}

/// A saved plan, as it is and as it would be if it matched its digests.
pub fn plan(bytes: &[u8]) {
    let _ = SavedPlan::parse(bytes);
    let Ok(SavedPlan { plan, desired, host, roles, profiles, sources, at, .. }) = serde_json::from_slice(bytes) else {
        return;
    };
    show(&SavedPlan::new(plan, desired, host, roles, profiles, sources, at).sealed());
}

/// Shows a plan in every way, and reads it back.
fn show(saved: &SavedPlan) {
    let json = serde_json::to_vec(saved).expect("plans always serialise");
    assert_eq!(SavedPlan::parse(&json).ok().as_ref(), Some(saved));
    for detail in [Detail::Full, Detail::Brief] {
        shown(&text(saved, detail, Paint::Plain));
    }
    assert_eq!(plan::saved::moved(&saved.plan, &saved.plan), [""; 0]);
    for cell in saved.plan.changes.iter().flat_map(|change| &change.cells) {
        let _ = (cell.to(), cell.wanted(), cell.answer(&cell.from, &Default::default()));
    }
}

/// A setting of each sort: what others decide, move or check; a formula; vectors, words, ports; each object of a link.
const ROLE: &str = r#"
[sysctl]
net.ipv4.ip_forward = 1
net.ipv4.conf."*".rp_filter = 2
net.ipv6.conf."*".forwarding = 1
net.core.somaxconn = { at-least = 8192 }
net.ipv4.tcp_rmem = { at-least = ["keep", "keep", { expr = "min(pow2(known(uplink.speed, 3) / 8), host.memory / 256)" }] }
net.ipv4.tcp_congestion_control = { prefer = ["bbr", "cubic"] }
net.ipv4.tcp_allowed_congestion_control = { includes = ["cubic"] }
net.ipv4.ip_local_port_range = [10240, 65535]
net.ipv4.ip_local_reserved_ports = { includes = [30000] }
net.ipv4.ip_unprivileged_port_start = 9000
net.ipv4.tcp_keepalive_time = { between = [60, 600] }
[[link]]
match = { name = "*" }
mtu = { at-least = 1400 }
txqueuelen = 500
features = { tx-tcp-segmentation = true, rx-gro = false, rx-lro = false }
rings = { rx = "max", tx = { at-least = 256 } }
channels = { combined = "max" }
coalesce = { rx-usecs = 50, adaptive-rx = false }
pause = { rx = true }
"#;

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let loaded = load(&Request { files: vec![given("role", ROLE.as_bytes())], ..Request::default() }, &mut Shipped);
    let shown = diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
    loaded.bundle.expect(&shown)
});

/// A snapshot, and the plan that such a host would need.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::parse(bytes) else { return };
    let json = serde_json::to_vec(&snapshot).expect("snapshots always serialise");
    assert_eq!(Snapshot::parse(&json).ok().as_ref(), Some(&snapshot));
    let Snapshot { host, interfaces, addressed, held, .. } = &snapshot;
    let resolved = BUNDLE.resolve(snapshot.facts.clone(), interfaces);
    let facts = &resolved.facts;
    let goals: BTreeMap<Address, Goal<'_>> = goal::of_apply(&resolved.desired, held);
    let read = |address: Address| {
        let reading = snapshot.readings.get(&address).unwrap_or(&Reading::Absent);
        let observed = rules_of(&address).observe(&address, reading, facts);
        (address, observed)
    };
    let addresses = plan::build::addresses(&goals, &Surroundings { interfaces, facts });
    let mut observed: BTreeMap<Address, Observed> = addresses.into_iter().map(read).collect();
    let reached =
        plan::build::reached(&Input { host, facts, interfaces, addressed, observed: &observed, goals: &goals });
    observed.extend(reached.into_iter().map(read));
    let input = Input { host, facts, interfaces, addressed, observed: &observed, goals: &goals };
    let made = plan::build(&input);
    let _ = compare(&resolved.desired, &World::new(host, facts, interfaces, addressed, &observed));
    show(&SavedPlan::new(made, resolved.desired, host.clone(), Vec::new(), Vec::new(), String::new(), 0).sealed());
}
