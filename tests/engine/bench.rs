//! A host to try the engine on: a fake kernel, a state folder, and the verbs without their command line.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use trimtab::engine::Host;
use trimtab::engine::Store;
use trimtab::engine::follow::follow;
use trimtab::engine::transaction;
use trimtab::engine::transaction::BeginError;
use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Job;
use trimtab::engine::transaction::Now;
use trimtab::engine::transaction::Recovered;
use trimtab::engine::transaction::Set;
use trimtab::engine::transaction::Trial;
use trimtab::engine::transaction::Trials;
use trimtab::engine::undo::UndoError;
use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::address::LinkKey;
use trimtab_core::address::Object;
use trimtab_core::address::SysctlKey;
use trimtab_core::desired::Desired;
use trimtab_core::desired::Layer;
use trimtab_core::desired::Origin;
use trimtab_core::desired::Setting;
use trimtab_core::desired::Want;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Begin;
use trimtab_core::journal::Caller;
use trimtab_core::kind::rules_of;
use trimtab_core::observed::Reading;
use trimtab_core::plan::Goal;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::digest_of;
use trimtab_core::policy::Element;
use trimtab_core::policy::OnDrift;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::state::Applied;
use trimtab_core::state::SetIdentity;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::WriteError;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::timer::Armed;

/// Arms a timer: gives the id of its process.
type Arm<'a> = &'a mut dyn FnMut() -> io::Result<Armed>;

/// A key by its name.
pub fn key(name: &str) -> SysctlKey {
    name.parse().unwrap()
}

/// A value of a device by its name: `eth0/mtu`.
pub fn link(name: &str) -> LinkKey {
    name.parse().unwrap()
}

/// An address by the name of its key, in canonical spelling; of another kind, with its word in front: `link:eth0/mtu`.
pub fn address(name: &str) -> Address {
    let address = match name.split_once(':') {
        Some(_) => name.parse().unwrap(),
        None => Address::sysctl(key(name)),
    };
    rules_of(&address).canonical(&address)
}

/// Exactly this.
pub fn is(value: &str) -> Policy {
    Policy::Value(scalar(value))
}

/// A floor.
pub fn at_least(value: i64) -> Policy {
    Policy::AtLeast(Wanted::One(Scalar::Int(value)))
}

/// One number, or a text of several.
pub fn scalar(value: &str) -> Wanted {
    Wanted::One(value.parse().map_or_else(|_| Scalar::Text(value.to_owned()), Scalar::Int))
}

/// Elements: `None` is `keep`.
pub fn elements(numbers: &[Option<i64>]) -> Policy {
    let one = |number: &Option<i64>| number.map_or(Element::Keep, |number| Element::Is(Scalar::Int(number)));
    Policy::Value(Wanted::Many(numbers.iter().map(one).collect()))
}

/// A set of settings.
pub fn desired<'a>(settings: impl IntoIterator<Item = (&'a str, Policy)>) -> Desired {
    let setting = |policy| Setting {
        want: Want::Decided(policy),
        on_drift: OnDrift::Revert,
        if_supported: false,
        load_module: false,
        reason: None,
        origin: Origin { layer: Layer::Profile, file: "test.toml".into(), line: 1, written_as: None },
        losers: Vec::new(),
    };
    let settings = settings.into_iter().map(|(name, policy)| (address(name), setting(policy))).collect();
    Desired { settings }
}

/// What a kernel holds, in words.
pub type Values = BTreeMap<Address, String>;

/// Every value of a kernel.
pub fn values(kernel: &FakeKernel) -> Values {
    let mut kernel = kernel.clone();
    let listed = [Kind::Sysctl, Kind::Link, Kind::Tc, Kind::Nft].map(|kind| kernel.list(kind).unwrap()).concat();
    let text = |address: &Address| match &address.object {
        Object::Sysctl(key) => kernel.text(key).unwrap().to_owned(),
        Object::Link(key) => kernel.link(key).unwrap().to_string(),
        Object::Tc(key) => key.interface().map(|name| kernel.root(name).unwrap().to_string()).unwrap_or_default(),
        Object::Nft(key) => kernel.rules(*key).map_or_else(String::new, ToString::to_string),
    };
    let texts: Vec<String> = listed.iter().map(text).collect();
    listed.into_iter().zip(texts).collect()
}

/// The values that are not the same, with both.
pub fn differences(before: &Values, after: &Values) -> Vec<(String, String, String)> {
    let addresses: BTreeSet<&Address> = before.keys().chain(after.keys()).collect();
    let text = |values: &Values, address: &Address| values.get(address).cloned().unwrap_or_default();
    let both = addresses.into_iter().map(|address| (address, text(before, address), text(after, address)));
    both.filter(|(_, old, new)| old != new).map(|(address, old, new)| (address.local_name(), old, new)).collect()
}

/// The host under test.
pub struct Bench {
    pub kernel: FakeKernel,
    pub boottime: Duration,
    folder: PathBuf,
    _temporary: TempDir,
}

impl Bench {
    /// In the initial namespace, with `lo` and two interfaces that nobody has touched.
    pub fn new() -> Bench {
        let mut kernel = FakeKernel::new();
        kernel.add_interface("eth0");
        kernel.add_interface("eth1");
        Bench::with(kernel)
    }

    /// On this kernel.
    pub fn with(kernel: FakeKernel) -> Bench {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("state");
        Bench { kernel, boottime: Duration::from_secs(100), folder, _temporary: temporary }
    }

    /// The state folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has the state elsewhere.
    pub fn move_state_to(&mut self, folder: &Path) {
        self.folder = folder.to_owned();
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        StateDir::open(&self.folder, self.kernel.identity()).path().join("journal")
    }

    /// What a key holds.
    pub fn text(&self, name: &str) -> &str {
        self.kernel.text(&key(name)).unwrap()
    }

    /// Puts a value in place, as if it had always been there.
    pub fn set(&mut self, name: &str, text: &str) {
        self.kernel.set(&key(name), text);
    }

    /// What a device holds.
    pub fn link(&self, name: &str) -> Value {
        self.kernel.link(&link(name)).unwrap()
    }

    /// Somebody else writes a value of a device.
    pub fn foreign_link(&mut self, name: &str, value: Value) {
        assert!(self.kernel.foreign_link_write(&link(name), value), "{name}");
    }

    /// The messages about devices that trimtab sent so far, in order, each with the values that it carried.
    pub fn sent(&self) -> Vec<Vec<String>> {
        let ours = self.kernel.messages().iter().filter(|message| !message.foreign);
        ours.map(|message| message.cells.iter().map(|(key, value)| format!("{key} = {value}")).collect()).collect()
    }

    /// Somebody else writes.
    pub fn foreign(&mut self, name: &str, text: &str) {
        self.kernel.foreign_write(&key(name), text).unwrap();
    }

    /// The state as it is on the disk.
    pub fn store(&self) -> Store {
        let host = self.kernel.identity();
        Store::read(StateDir::open(&self.folder, host), host).unwrap()
    }

    /// Puts another applied set in place.
    pub fn put_applied(&self, applied: Option<Applied>) {
        self.store().put_applied(applied).unwrap();
    }

    /// The host as it is now.
    pub fn host(&mut self, addresses: &BTreeSet<Address>) -> Host {
        learned(&mut self.kernel, addresses)
    }

    /// What is known of the moment.
    pub fn now(&self) -> Now {
        Now { at: 1_700_000_000, boottime: self.boottime, caller: Caller::default() }
    }

    /// The plan of an apply, now.
    pub fn plan(&mut self, desired: &Desired) -> Plan {
        let (held, addresses) = (self.store().history.held, self.addresses(desired));
        let host = self.host(&addresses);
        host.look_and_plan(&mut self.kernel, &goal::of_apply(desired, &held), None).unwrap().plan
    }

    /// What is wanted, and what the state speaks of.
    fn addresses(&self, desired: &Desired) -> BTreeSet<Address> {
        self.store().addresses().chain(desired.settings.keys()).cloned().collect()
    }

    /// What a killed command left is finished; trials go on.
    pub fn recover(&mut self, trials: Trials) -> Result<Recovered, UndoError> {
        let addresses = self.addresses(&Desired::default());
        let (mut store, host, now) = (self.store(), self.host(&addresses), self.now());
        follow(&mut self.kernel, &mut store, &host).unwrap();
        transaction::recover(&mut self.kernel, &mut store, &host, &now, trials)
    }

    /// As `trimtab apply` does it.
    pub fn apply(&mut self, desired: &Desired) -> Finished {
        self.try_apply(desired).unwrap()
    }

    /// An apply that may be refused before its first write.
    pub fn try_apply(&mut self, desired: &Desired) -> Result<Finished, BeginError> {
        self.apply_with(desired, None)
    }

    /// An apply on trial. The timer is armed by `arm`.
    pub fn try_out(
        &mut self,
        desired: &Desired,
        within: Duration,
        arm: &mut dyn FnMut() -> io::Result<Armed>,
    ) -> Result<Finished, BeginError> {
        self.apply_with(desired, Some((within, arm)))
    }

    fn apply_with(&mut self, desired: &Desired, trial: Option<(Duration, Arm)>) -> Result<Finished, BeginError> {
        let now = self.now();
        apply_on(&mut self.kernel, &self.folder, &now, desired, trial)
    }

    /// An apply that dies at its Nth touch of the kernel, counted from 0; `None` if it died.
    pub fn die_applying(&mut self, desired: &Desired, nth: usize) -> Option<Finished> {
        let now = self.now();
        let mut kernel = Mortal { kernel: &mut self.kernel, left: nth };
        let folder = &self.folder;
        survive(|| apply_on(&mut kernel, folder, &now, desired, None).unwrap())
    }

    /// A recovery that dies at its Nth touch of the kernel; whether it survived.
    pub fn die_recovering(&mut self, nth: usize) -> bool {
        let now = self.now();
        let mut kernel = Mortal { kernel: &mut self.kernel, left: nth };
        let folder = &self.folder;
        let recover = || {
            let id = kernel.identity().clone();
            let mut store = Store::read(StateDir::open(folder, &id), &id).unwrap();
            let addresses = store.addresses().cloned().collect();
            let host = learned(&mut kernel, &addresses);
            follow(&mut kernel, &mut store, &host).unwrap();
            transaction::recover(&mut kernel, &mut store, &host, &now, Trials::Respect).unwrap();
        };
        survive(recover).is_some()
    }

    /// As a whole `trimtab revert` does it.
    pub fn revert(&mut self) -> (Plan, Finished) {
        let addresses = self.addresses(&Desired::default());
        let (mut store, host, now) = (self.store(), self.host(&addresses), self.now());
        let links = follow(&mut self.kernel, &mut store, &host).unwrap().links;
        transaction::recover(&mut self.kernel, &mut store, &host, &now, Trials::End).unwrap();
        let goals: BTreeMap<Address, Goal> = goal::of_revert(&store.history.held, None);
        let plan = host.look_and_plan(&mut self.kernel, &goals, links).unwrap().plan;
        let set = Set { desired: Desired::default(), roles: Vec::new(), profiles: Vec::new() };
        let job = Job { plan: &plan, set: &set, verb: "revert", trial: None };
        let finished = transaction::run(&mut self.kernel, &mut store, &host, job, &now).unwrap();
        if let Finished::Nothing | Finished::InForce { .. } = &finished {
            let held: Vec<Address> = store.history.held.keys().cloned().collect();
            store.let_go(&held).unwrap();
        }
        (plan, finished)
    }

    /// An apply that must succeed.
    pub fn put_in_force(&mut self, desired: &Desired) {
        let finished = self.apply(desired);
        assert!(matches!(finished, Finished::InForce { .. }), "{finished:?}");
    }

    /// A revert that must leave nothing behind.
    pub fn take_back(&mut self) {
        let (plan, finished) = self.revert();
        assert!(matches!(finished, Finished::InForce { .. } | Finished::Nothing), "{finished:?}");
        assert!(!plan.is_held_up(), "{:?}", plan.findings);
        assert!(self.store().history.held.is_empty());
    }

    /// The keys written by trimtab so far, in order.
    pub fn written(&self) -> Vec<String> {
        self.kernel.log().iter().filter(|written| !written.foreign).map(|written| written.key.to_string()).collect()
    }
}

/// What there is to know of a host before these addresses are planned.
fn learned(kernel: &mut dyn Kernel, addresses: &BTreeSet<Address>) -> Host {
    let mut host = Host::learn(kernel).unwrap();
    host.learn_links(kernel, addresses);
    host
}

fn apply_on(
    kernel: &mut dyn Kernel,
    folder: &Path,
    now: &Now,
    desired: &Desired,
    trial: Option<(Duration, Arm)>,
) -> Result<Finished, BeginError> {
    let id = kernel.identity().clone();
    let mut store = Store::read(StateDir::open(folder, &id), &id).unwrap();
    let addresses = store.addresses().chain(desired.settings.keys()).cloned().collect();
    let host = learned(kernel, &addresses);
    let links = follow(kernel, &mut store, &host).unwrap().links;
    let recovered = transaction::recover(kernel, &mut store, &host, now, Trials::Respect);
    if let Err(UndoError::Store(error)) = recovered {
        return Err(error.into());
    }
    recovered.unwrap();
    let goals = goal::of_apply(desired, &store.history.held);
    let plan = host.look_and_plan(kernel, &goals, links).unwrap().plan;
    let set = Set { desired: desired.clone(), roles: vec!["test".into()], profiles: vec!["test".into()] };
    let (within, mut arm) = match trial {
        Some((within, arm)) => (Some(within), Some(arm)),
        None => (None, None),
    };
    let mut armed = |_: &Begin| arm.as_mut().map_or_else(|| Err(io::ErrorKind::Unsupported.into()), |arm| arm());
    let identity = SetIdentity { settings: digest_of(desired), sources: "texts".into() };
    let trial = within.map(|within| Trial { within, set: identity, arm: &mut armed });
    let job = Job { plan: &plan, set: &set, verb: "apply", trial };
    transaction::run(kernel, &mut store, &host, job, now)
}

/// What a process does that may be killed: it stops where it is, and what it had written stays.
fn survive<T>(work: impl FnOnce() -> T) -> Option<T> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(cause) if cause.is::<Death>() => None,
        Err(cause) => panic::resume_unwind(cause),
    }
}

struct Death;

/// A kernel under whose holder the ground gives way, before a read, before a write or just behind it.
struct Mortal<'a> {
    kernel: &'a mut FakeKernel,
    left: usize,
}

impl Mortal<'_> {
    fn touch(&mut self) {
        if self.left == 0 {
            // Unlike `panic!` it says nothing.
            panic::resume_unwind(Box::new(Death));
        }
        self.left -= 1;
    }
}

impl Kernel for Mortal<'_> {
    fn identity(&self) -> &HostId {
        self.kernel.identity()
    }

    fn facts(&mut self) -> Facts {
        self.kernel.facts()
    }

    fn link_facts(&mut self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        self.kernel.link_facts(names, asked)
    }

    fn links(&mut self) -> io::Result<Option<InterfaceIds>> {
        self.kernel.links()
    }

    fn interfaces(&mut self) -> io::Result<BTreeSet<String>> {
        self.kernel.interfaces()
    }

    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        self.kernel.addressed()
    }

    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>> {
        self.kernel.list(kind)
    }

    fn read(&mut self, addresses: &[Address]) -> Vec<Reading> {
        self.touch();
        self.kernel.read(addresses)
    }

    fn write(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError> {
        self.touch();
        let outcome = self.kernel.write(cells, link);
        self.touch();
        outcome
    }
}
