//! A model of a host's links that obeys the kernel's laws, told apart from the rules on purpose: it works out whole states
//! as the kernel does, not differences. Plans are executed upon it as the engine does.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use crate::address::Address;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::link::LinkAttribute;
use crate::desired::Layer;
use crate::desired::Origin;
use crate::desired::Setting;
use crate::desired::Want;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::host::HostId;
use crate::host::NetnsId;
use crate::kind::Surroundings;
use crate::kind::rules_of;
use crate::observed::Observed;
use crate::plan;
use crate::plan::Answer;
use crate::plan::Change;
use crate::plan::Goal;
use crate::plan::Input;
use crate::plan::Plan;
use crate::plan::goal::Part;
use crate::policy::OnDrift;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Value;

/// What a driver does to a number.
pub type Round = fn(i64) -> i64;

/// A host of devices.
#[derive(Clone)]
pub struct Machine {
    pub facts: Facts,
    pub values: BTreeMap<Address, Value>,
    /// What nobody can change.
    pub fixed: BTreeSet<Address>,
    pub rings: Round,
    /// What is read of addresses that hold no value.
    pub extra: BTreeMap<Address, Observed>,
}

pub fn at(text: &str) -> Address {
    format!("link:{text}").parse().unwrap()
}

fn key(address: &Address) -> LinkKey {
    match &address.object {
        Object::Link(key) => key.clone(),
        other @ (Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_)) => panic!("{other:?}"),
    }
}

/// One scalar that is wanted.
pub fn is(scalar: impl Into<Scalar>) -> Policy {
    Policy::Value(Wanted::One(scalar.into()))
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Scalar {
        Scalar::Int(number)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }
}

pub fn setting(policy: Policy) -> Setting {
    Setting {
        want: Want::Decided(policy),
        on_drift: OnDrift::Revert,
        if_supported: false,
        load_module: false,
        reason: None,
        origin: Origin { layer: Layer::Profile, file: "test.toml".into(), line: 1, written_as: None },
        losers: Vec::new(),
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (address, value) in &self.values {
            let fixed = if self.fixed.contains(address) { " fixed" } else { "" };
            writeln!(f, "{address} = {value}{fixed}")?;
        }
        Ok(())
    }
}

pub fn host() -> HostId {
    HostId {
        name: "model".into(),
        kernel: "6.18.0".into(),
        boot_id: "boot".into(),
        netns: NetnsId { cookie: 1, name: None, initial: true },
    }
}

impl Machine {
    pub fn new() -> Machine {
        let mut facts = Facts::default();
        facts.insert("host.cpus", FactValue::Int(4), "test");
        Machine {
            facts,
            values: BTreeMap::new(),
            fixed: BTreeSet::new(),
            rings: |number| number,
            extra: BTreeMap::new(),
        }
    }

    /// A device with facts like `driver=igb master=bond0`.
    pub fn device(mut self, name: &str, facts: &str) -> Machine {
        self.facts.links.entry(name.to_owned()).or_default();
        for (fact, value) in facts.split_whitespace().filter_map(|fact| fact.split_once('=')) {
            let value = value.parse().map_or_else(|_| FactValue::Text(value.replace(',', " ")), FactValue::Int);
            self.facts.insert_link(name, fact, value, "test");
        }
        self
    }

    pub fn with(mut self, address: &str, value: impl Into<Value>) -> Machine {
        self.values.insert(at(address), value.into());
        self
    }

    pub fn with_fixed(mut self, address: &str, value: impl Into<Value>) -> Machine {
        self.fixed.insert(at(address));
        self.with(address, value)
    }

    pub fn value(&self, address: &str) -> Value {
        self.values.get(&at(address)).cloned().unwrap_or_else(|| panic!("{address}"))
    }

    pub fn observed(&self) -> BTreeMap<Address, Observed> {
        self.values
            .iter()
            .map(|(address, value)| {
                let read_only = key(address).attribute().is_read_only() || self.fixed.contains(address);
                (address.clone(), Observed::Value { value: value.clone(), writable: !read_only })
            })
            .chain(self.extra.clone())
            .collect()
    }

    /// Only what the plan asks for is seen, as in the engine.
    pub fn plan(&self, goals: &BTreeMap<Address, Goal>) -> Plan {
        let host = host();
        let interfaces: BTreeSet<String> = self.facts.links.keys().cloned().collect();
        let mut asked = plan::build::addresses(goals, &Surroundings { interfaces: &interfaces, facts: &self.facts });
        let seen = |asked: &BTreeSet<Address>| -> BTreeMap<Address, Observed> {
            self.observed().into_iter().filter(|(address, _)| asked.contains(address)).collect()
        };
        let observed = seen(&asked);
        let input = Input {
            host: &host,
            facts: &self.facts,
            interfaces: &interfaces,
            addressed: &BTreeSet::new(),
            observed: &observed,
            goals,
        };
        asked.extend(plan::build::reached(&input));
        plan::build(&Input { observed: &seen(&asked), ..input })
    }

    pub fn plan_of(&self, settings: &BTreeMap<Address, Setting>) -> Plan {
        self.plan(&settings.iter().map(|(address, setting)| (address.clone(), Goal::Hold(setting))).collect())
    }

    /// Makes the changes; what the engine would stop at is an error.
    pub fn execute(&mut self, plan: &Plan) -> Result<(), String> {
        plan.changes.iter().try_for_each(|change| self.change(change))
    }

    fn change(&mut self, change: &Change) -> Result<(), String> {
        let mut writes: Vec<(Address, Value)> = Vec::new();
        for cell in &change.cells {
            let address = &cell.address;
            let found = self.values.get(address).ok_or(format!("{address} is gone"))?;
            match cell.answer(found, &self.facts) {
                Answer::Leave => {}
                Answer::Write(to) => writes.push((address.clone(), to.clone())),
                Answer::Stale => return Err(format!("{address}: stale, found {found}, expected {:?}", cell.cases)),
            }
        }
        self.write(&writes)?;
        for (address, wrote) in writes {
            let found = self.values.get(&address).ok_or(format!("{address} went"))?;
            if !rules_of(&address).equivalent(&address, &wrote, found, &self.facts) {
                return Err(format!("{address}: wrote {wrote}, found {found}"));
            }
        }
        Ok(())
    }

    /// One message.
    pub fn write(&mut self, writes: &[(Address, Value)]) -> Result<(), String> {
        for (address, value) in writes {
            let key = key(address);
            let interface = key.interface().to_owned();
            match (key.attribute(), value) {
                (LinkAttribute::Device(_), Value::Int(to)) if address.local_name().ends_with("/mtu") => {
                    self.set_mtu(&interface, *to)?;
                }
                (LinkAttribute::Feature(_), Value::Switch { wanted, .. }) => {
                    if let Some(Value::Switch { wanted: asked, .. }) = self.values.get_mut(address) {
                        *asked = *wanted;
                    }
                }
                (LinkAttribute::Ring(_), Value::Int(to)) => {
                    self.values.insert(address.clone(), Value::Int((self.rings)(*to)));
                }
                (_, value) => {
                    self.values.insert(address.clone(), value.clone());
                }
            }
        }
        let devices: BTreeSet<String> = writes.iter().map(|(address, _)| key(address).interface().to_owned()).collect();
        devices.iter().for_each(|device| self.settle(device));
        Ok(())
    }

    /// What the kernel makes of what is asked for.
    pub fn settle(&mut self, device: &str) {
        self.update_features(device);
        self.update_queues(device);
    }

    fn fact(&self, interface: &str, name: &str) -> String {
        super::super::topology::text(&self.facts, interface, name).unwrap_or_default().to_owned()
    }

    fn set_mtu(&mut self, interface: &str, to: i64) -> Result<(), String> {
        let address = at(&format!("{interface}/mtu"));
        let Some(before) = self.values.get(&address).and_then(Value::as_int) else { return Ok(()) };
        let lower = self.fact(interface, "lower");
        let kind = self.fact(interface, "kind");
        if matches!(kind.as_str(), "vlan" | "macvlan") && to > self.value(&format!("{lower}/mtu")).as_int().unwrap() {
            return Err(format!("{interface}: EINVAL"));
        }
        if before == to {
            return Ok(());
        }
        let names: Vec<String> = self.facts.links.keys().cloned().collect();
        if kind == "bond" {
            for port in names.iter().filter(|name| self.fact(name, "master") == interface).cloned().collect::<Vec<_>>()
            {
                self.set_mtu(&port, to)?;
            }
        }
        self.values.insert(address, Value::Int(to));
        for upper in names.iter().filter(|name| self.fact(name, "lower") == interface).cloned().collect::<Vec<_>>() {
            let mtu = self.value(&format!("{upper}/mtu")).as_int().unwrap();
            match self.fact(&upper, "kind").as_str() {
                "vlan" | "macvlan" if mtu > to => self.set_mtu(&upper, to)?,
                "ipvlan" => self.set_mtu(&upper, to)?,
                _ => {}
            }
        }
        let master = self.fact(interface, "master");
        if self.fact(&master, "kind") == "bridge" && !self.fixed.contains(&at(&format!("{master}/mtu-min"))) {
            let ports = names.iter().filter(|name| self.fact(name, "master") == master);
            let least = ports.map(|port| self.value(&format!("{port}/mtu")).as_int().unwrap()).min().unwrap();
            // Not by a user: `br_mtu_auto_adjust` leaves the mark alone.
            self.values.insert(at(&format!("{master}/mtu")), Value::Int(least));
        }
        Ok(())
    }

    /// net/core/dev.c `netdev_fix_features` of 6.18.
    fn update_features(&mut self, device: &str) {
        let mut on: BTreeMap<String, bool> = BTreeMap::new();
        for (address, value) in &self.values {
            if let (LinkAttribute::Feature(name), Value::Switch { wanted, active }) = (key(address).attribute(), value)
                && key(address).interface() == device
            {
                on.insert(name.as_str().to_owned(), if self.fixed.contains(address) { *active } else { *wanted });
            }
        }
        let has = |on: &BTreeMap<String, bool>, name: &str| on.get(name).copied().unwrap_or(false);
        let drop = |on: &mut BTreeMap<String, bool>, name: &str| {
            if let Some(bit) = on.get_mut(name) {
                *bit = false;
            }
        };
        let (sg, hw) = ("tx-scatter-gather", "tx-checksum-ip-generic");
        if has(&on, hw) {
            drop(&mut on, "tx-checksum-ipv4");
            drop(&mut on, "tx-checksum-ipv6");
        }
        let tso = ["tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-mangleid-segmentation"];
        let ecn = "tx-tcp-ecn-segmentation";
        if !has(&on, sg) {
            tso.iter().for_each(|name| drop(&mut on, name));
            drop(&mut on, ecn);
            drop(&mut on, "tx-generic-segmentation");
        }
        let both = has(&on, hw) || (has(&on, "tx-checksum-ipv4") && has(&on, "tx-checksum-ipv6"));
        if has(&on, tso[0]) && !has(&on, hw) && !has(&on, "tx-checksum-ipv4") {
            drop(&mut on, tso[0]);
            drop(&mut on, ecn);
        }
        if !has(&on, hw) && !has(&on, "tx-checksum-ipv6") {
            drop(&mut on, tso[1]);
        }
        if !has(&on, tso[0]) {
            drop(&mut on, tso[2]);
        }
        if !tso.iter().any(|name| has(&on, name)) {
            drop(&mut on, ecn);
        }
        if !both {
            drop(&mut on, "tx-udp-segmentation");
            drop(&mut on, "tls-hw-tx-offload");
        }
        if !has(&on, "rx-checksum") {
            drop(&mut on, "rx-gro-hw");
            drop(&mut on, "tls-hw-rx-offload");
        }
        if has(&on, "rx-fcs") {
            drop(&mut on, "rx-lro");
            drop(&mut on, "rx-gro-hw");
        }
        if has(&on, "rx-gro-hw") {
            drop(&mut on, "rx-lro");
        }
        for (name, is) in on {
            if let Some(Value::Switch { active, .. }) = self.values.get_mut(&at(&format!("{device}/feature/{name}"))) {
                *active = is;
            }
        }
    }

    /// Queues come empty and go with what they hold; a driver that sets XPS sets it for all.
    fn update_queues(&mut self, device: &str) {
        let count = |values: &BTreeMap<Address, Value>, own: &str| {
            let one = |word: &str| values.get(&at(&format!("{device}/channel/{word}"))).and_then(Value::as_int);
            match (one(own), one("combined")) {
                (None, None) => None,
                (own, combined) => Some(own.unwrap_or(0) + combined.unwrap_or(0)),
            }
        };
        for (direction, words) in [("rx", ["rps-cpus"]), ("tx", ["xps-cpus"])] {
            let Some(count) = count(&self.values, direction) else { continue };
            for index in 0..16 {
                for word in words {
                    let address = at(&format!("{device}/queue/{direction}-{index}/{word}"));
                    if index >= count {
                        self.values.remove(&address);
                    } else {
                        self.values.entry(address).or_insert(Value::Cpus(crate::value::Ports::default()));
                    }
                }
            }
        }
    }
}

/// What the journal would have an undo reach.
pub fn back(plan: &Plan, left: &Machine) -> BTreeMap<Address, Goal<'static>> {
    let mut goals: BTreeMap<Address, Goal<'static>> = BTreeMap::new();
    for cell in plan.changes.iter().flat_map(|change| &change.cells) {
        let mut ours = cell.wanted();
        ours.extend(left.values.get(&cell.address).cloned());
        let before = cell.from.clone();
        goals.entry(cell.address.clone()).or_insert(Goal::TakeBack { before, ours, part: Part::Written });
    }
    for (_, effect) in plan.effects() {
        let mut ours: Vec<Value> = effect.to.iter().cloned().collect();
        ours.extend(left.values.get(&effect.address).filter(|_| effect.to.is_none()).cloned());
        let before = effect.from.clone();
        match goals.get_mut(&effect.address) {
            Some(Goal::TakeBack { ours: known, .. }) => known.extend(ours),
            _ => {
                goals.insert(effect.address.clone(), Goal::TakeBack { before, ours, part: Part::Moved });
            }
        }
    }
    for (cause, guard) in plan.guards() {
        let part = Part::Guarded { cause: cause.clone() };
        let goal = Goal::TakeBack { before: guard.from.clone(), ours: guard.to.iter().cloned().collect(), part };
        goals.entry(guard.address.clone()).or_insert(goal);
    }
    goals
}

/// A plan in few lines.
pub fn told(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let cells: Vec<String> =
            change.cells.iter().map(|cell| format!("{} {} -> {}", cell.address, cell.from, cell.to())).collect();
        let moves: Vec<String> = change
            .effects
            .iter()
            .map(|effect| format!("{} {} -> {:?}", effect.address, effect.from, effect.to))
            .collect();
        lines.push(format!("{}  moves {}", cells.join(", "), moves.join(", ")));
    }
    lines.extend(plan.findings.iter().map(|finding| {
        let about = finding.address.as_ref().map(Address::to_string).unwrap_or_default();
        format!("{about} {}", finding.message)
    }));
    lines.join("\n")
}
