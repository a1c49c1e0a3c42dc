//! What every verb begins with: the namespace, the kernel, the host, the places of state.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use trimtab_core::address::Address;
use trimtab_core::desired::Want;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Caller;
use trimtab_core::journal::Followed;
use trimtab_core::journal::History;
use trimtab_core::lease::Leases;
use trimtab_core::plan::Goal;
use trimtab_core::plan::Plan;
use trimtab_core::profile;
use trimtab_core::profile::Bundle;
use trimtab_core::profile::HostConfig;
use trimtab_core::profile::Loaded;
use trimtab_core::profile::Mode;
use trimtab_core::profile::ProfileText;
use trimtab_core::profile::Request;
use trimtab_core::profile::Resolved;
use trimtab_kernel::Kernel;
use trimtab_kernel::caller;
use trimtab_kernel::live::LiveKernel;
use trimtab_kernel::lock::Lock;
use trimtab_kernel::netns;
use trimtab_kernel::signals;
use trimtab_kernel::signals::Held;
use trimtab_kernel::state;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::timer;

use crate::cli::Common;
use crate::cli::Wait;
use crate::cli::Wanted;
use crate::engine::Host;
use crate::engine::Store;
use crate::engine::StoreError;
use crate::engine::follow::follow;
use crate::engine::follow::follow_history;
use crate::engine::lease;
use crate::engine::observe::Planned;
use crate::engine::observe::PlansAre;
use crate::engine::transaction::Now;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library;
use crate::library::Profiles;
use crate::library::ReadError;
use crate::library::Trust;

const DEFAULT_CONFIG: &str = "/etc/trimtab/host.toml";

/// A command at work on one namespace.
pub struct Session {
    /// The options of every command.
    pub common: Common,
    /// The kernel.
    pub kernel: Box<dyn Kernel>,
    /// What is known of the host.
    pub host: Host,
    /// The interfaces that the state was followed to a moment ago: they serve the plan that is made right behind, since every
    /// write looks whose value it is. Whoever has waited, written or found one gone asks anew.
    links: Option<InterfaceIds>,
    /// What plans leave as it is although it is wanted, as long as just this is wanted: what the daemon has found to have
    /// drifted and does not put back.
    pub leave: BTreeMap<Address, Want>,
    /// The leases as they were read last. Plans leave what is on lease as it is.
    pub leases: Leases,
    /// Who wants it, if that is not who started this process.
    pub caller: Option<Caller>,
}

impl Session {
    /// Enters the namespace, if one is named, and learns what there is to know.
    ///
    /// # Errors
    /// No such namespace, no permission, or a kernel that cannot be asked.
    pub fn open(common: &Common) -> Result<Session, Failure> {
        if let Some(name) = &common.netns {
            netns::enter(name).map_err(|error| Failure::new(exit_of(&error), error.to_string()))?;
        }
        Session::open_here(common)
    }

    /// A session of a thread that has entered the namespace already, if one is named.
    ///
    /// # Errors
    /// A kernel that cannot be asked.
    pub fn open_here(common: &Common) -> Result<Session, Failure> {
        let kernel =
            LiveKernel::open(common.netns.as_deref()).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let mut session = Session::with_kernel(common, Box::new(kernel))?;
        session.leases = lease::read(&session.state_dir(), &session.host.id);
        Ok(session)
    }

    /// A session on any kernel.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces.
    pub fn with_kernel(common: &Common, mut kernel: Box<dyn Kernel>) -> Result<Session, Failure> {
        let host = learn(kernel.as_mut())?;
        let leases = Leases::of(&host.id);
        Ok(Session { common: common.clone(), kernel, host, leases, links: None, leave: BTreeMap::new(), caller: None })
    }

    /// The folder of the state of this namespace.
    pub fn state_dir(&self) -> StateDir {
        StateDir::open(&self.common.state_dir, &self.host.id)
    }

    /// The state on disk, read only, with interfaces followed to what they are called now. What its addresses need to be known
    /// of the interfaces is learnt.
    ///
    /// # Errors
    /// If it cannot be relied upon, or the kernel does not tell interfaces apart.
    pub fn store(&mut self) -> Result<Store, Failure> {
        let mut store = Store::read(self.state_dir(), &self.host.id)?;
        self.follow(&mut store)?;
        self.host.learn_links(self.kernel.as_mut(), store.addresses());
        Ok(store)
    }

    /// The state on disk as far as it can be relied upon, and what is wrong with the rest of it.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub fn look(&mut self) -> Result<(Store, Vec<StoreError>), Failure> {
        let (mut store, unreliable) = Store::look(self.state_dir(), &self.host.id)?;
        if let Err(failure) = self.follow(&mut store) {
            tracing::warn!("{}; it is told by the names that interfaces had", failure.message);
        }
        Ok((store, unreliable))
    }

    /// The lock of the namespace, and the state under it. Who waits for the lock can be ended; who has it first finishes.
    /// What there is to know of the host is learnt anew after a wait.
    ///
    /// # Errors
    /// If somebody else holds it all the time, or the state cannot be relied upon.
    pub fn locked_store(&mut self, wait: Wait) -> Result<(Locked, Store), Failure> {
        let lock = Lock::take(&self.common.runtime_dir, &state::namespace(&self.host.id.netns), wait.wait)?;
        if lock.waited() {
            self.relearn()?;
        }
        let locked = Locked { _lock: lock, _held: signals::hold() };
        self.host.plans_are = PlansAre::Executed;
        self.leases = lease::read(&self.state_dir(), &self.host.id);
        Ok((locked, self.store()?))
    }

    fn follow(&mut self, store: &mut Store) -> Result<Followed, Failure> {
        self.links = None;
        let seen = follow(self.kernel.as_mut(), store, &self.host).map_err(no_links)?;
        self.links = seen.links;
        Ok(seen.followed)
    }

    /// Follows interfaces to the names of now in what trimtab holds.
    ///
    /// # Errors
    /// If the kernel does not tell interfaces apart.
    pub fn follow_history(&mut self, history: &mut History) -> Result<Followed, Failure> {
        self.links = None;
        let seen = follow_history(self.kernel.as_mut(), history, &self.host).map_err(no_links)?;
        self.links = seen.links;
        Ok(seen.followed)
    }

    /// The interfaces that the state was followed to a moment ago, if it speaks of any.
    pub fn links(&self) -> Option<&InterfaceIds> {
        self.links.as_ref()
    }

    /// As [`Host::look_and_plan`], on the interfaces that the state was followed to if that was a moment ago.
    ///
    /// # Errors
    /// If the kernel does not tell interfaces apart.
    pub fn look_and_plan(&mut self, goals: &BTreeMap<Address, Goal>) -> Result<Planned, Failure> {
        let links = self.links.take();
        self.host.look_and_plan(self.kernel.as_mut(), goals, links).map_err(no_links)
    }

    /// As [`Session::look_and_plan`], of which nothing but the plan is asked.
    ///
    /// # Errors
    /// If the kernel does not tell interfaces apart.
    pub fn plan(&mut self, goals: &BTreeMap<Address, Goal>) -> Result<Plan, Failure> {
        Ok(self.look_and_plan(goals)?.plan)
    }

    /// Follows interfaces that were renamed since the state was read, and learns anew what there is to know then.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces or tell them apart, or the disk does not take their names.
    pub fn follow_on(&mut self, store: &mut Store) -> Result<Followed, Failure> {
        let followed = self.follow(store)?;
        if followed != Followed::Nothing {
            store.keep_followed()?;
            self.host = self.host.with_interfaces_of_now(self.kernel.as_mut()).map_err(no_interfaces)?;
        }
        Ok(followed)
    }

    /// As [`Session::follow_on`], where an interface was found gone: what there is to know is learnt anew in any case.
    ///
    /// # Errors
    /// As [`Session::follow_on`].
    pub fn follow_and_learn(&mut self, store: &mut Store) -> Result<(), Failure> {
        if self.follow_on(store)? == Followed::Nothing {
            self.host = self.host.with_interfaces_of_now(self.kernel.as_mut()).map_err(no_interfaces)?;
        }
        Ok(())
    }

    /// Learns once more what there is to know.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces.
    pub fn relearn(&mut self) -> Result<(), Failure> {
        let plans_are = self.host.plans_are;
        self.links = None;
        self.host = learn(self.kernel.as_mut())?;
        self.host.plans_are = plans_are;
        Ok(())
    }

    /// The moment and the person.
    pub fn now(&self) -> Now {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Now { at, boottime: timer::now_boottime(), caller: self.caller.clone().unwrap_or_else(caller::caller) }
    }

    /// Loads what is wanted and resolves it on this host.
    ///
    /// # Errors
    /// Every problem of all files at once.
    pub fn intend(&mut self, wanted: &Wanted) -> Result<Intent, Failure> {
        let loaded = load(&self.common, wanted)?;
        let bundle = accept(loaded)?;
        self.resolve(bundle)
    }

    /// Resolves a bundle on this host. The facts that the host file declares become facts of the host.
    ///
    /// # Errors
    /// What only shows on a host: conflicts, formulas that fail.
    pub fn resolve(&mut self, accepted: Accepted) -> Result<Intent, Failure> {
        let Accepted { bundle, loaded } = accepted;
        let resolved = self.resolve_bundle(&bundle, &loaded)?;
        Ok(Intent { bundle, loaded, resolved })
    }

    /// Resolves once more what was resolved before the host was learnt anew.
    ///
    /// # Errors
    /// As [`Session::resolve`].
    pub fn resolve_anew(&mut self, intent: &mut Intent) -> Result<(), Failure> {
        intent.resolved = self.resolve_bundle(&intent.bundle, &intent.loaded)?;
        Ok(())
    }

    fn resolve_bundle(&mut self, bundle: &Bundle, loaded: &Texts) -> Result<Resolved, Failure> {
        self.host.learn_links_for(self.kernel.as_mut(), bundle);
        let mut resolved = bundle.resolve(std::mem::take(&mut self.host.facts), &self.host.interfaces);
        self.host.facts = std::mem::take(&mut resolved.facts);
        if resolved.failed() {
            let mut diagnostics = loaded.diagnostics.clone();
            diagnostics.extend(resolved.diagnostics);
            return Err(Failure::invalid(
                "the settings cannot be resolved on this host, so nothing was done",
                diagnostics,
                loaded.sources.clone(),
            ));
        }
        self.host.learn_links(self.kernel.as_mut(), resolved.desired.settings.keys());
        Ok(resolved)
    }
}

/// The lock of a namespace, and the signals that are held back as long as it is held. Dropped in this order: whoever is
/// ended by one of them has let go of the lock.
#[must_use = "the lock is held only as long as this lives"]
pub struct Locked {
    _lock: Lock,
    _held: Held,
}

fn learn(kernel: &mut dyn Kernel) -> Result<Host, Failure> {
    Host::learn(kernel).map_err(no_interfaces)
}

fn no_links(error: io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot tell the network interfaces apart: {error}"))
}

fn no_interfaces(error: io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot list the network interfaces: {error}"))
}

fn exit_of(error: &netns::EnterError) -> Exit {
    match error {
        netns::EnterError::Denied { .. } => Exit::Permission,
        netns::EnterError::BadName { .. }
        | netns::EnterError::NoSuch { .. }
        | netns::EnterError::NoNamespace { .. }
        | netns::EnterError::Threads { .. }
        | netns::EnterError::Failed { .. } => Exit::Failed,
    }
}

/// What is wanted on this host.
pub struct Intent {
    /// What was loaded.
    pub bundle: Bundle,
    /// Its texts and warnings.
    pub loaded: Texts,
    /// What it means here.
    pub resolved: Resolved,
}

/// Texts and warnings of a load without errors.
pub struct Texts {
    /// Every text.
    pub sources: trimtab_core::diagnostic::Sources,
    /// Warnings.
    pub diagnostics: Vec<trimtab_core::diagnostic::Diagnostic>,
}

/// A load without errors.
pub struct Accepted {
    /// What was loaded.
    pub bundle: Bundle,
    /// Its texts and warnings.
    pub loaded: Texts,
}

/// Loads the host file and the profiles.
///
/// # Errors
/// If the host file is named and cannot be had. Problems inside files are in the answer.
pub fn load(common: &Common, wanted: &Wanted) -> Result<Loaded, Failure> {
    let trust = Trust::of_this_process();
    let request = Request {
        roles: (!wanted.profiles.is_empty()).then(|| wanted.profiles.clone()),
        host_file: host_file(common, trust)?,
        netns: common.netns.clone(),
        sets: wanted.set.clone(),
        params: wanted.param.clone(),
        files: Vec::new(),
    };
    Ok(profile::load(&request, &mut Profiles::new(&common.profile_path, trust)))
}

/// What the host file says of the daemon, whatever the profiles that it names.
///
/// # Errors
/// Every problem of the host file.
pub fn host_config(common: &Common) -> Result<HostConfig, Failure> {
    let trust = Trust::of_this_process();
    let request = Request {
        roles: Some(Vec::new()),
        host_file: host_file(common, trust)?,
        netns: common.netns.clone(),
        sets: Vec::new(),
        params: Vec::new(),
        files: Vec::new(),
    };
    let loaded = profile::load(&request, &mut Profiles::new(&common.profile_path, trust));
    Ok(accept(loaded)?.bundle.host)
}

/// Whether the host file lets anything be written.
///
/// # Errors
/// Every problem of the host file and its profiles.
pub fn mode(common: &Common) -> Result<Mode, Failure> {
    Ok(accept(load(common, &Wanted::default())?)?.bundle.host.mode)
}

/// What was loaded, unless anything in it is an error.
///
/// # Errors
/// Every problem.
pub fn accept(loaded: Loaded) -> Result<Accepted, Failure> {
    let Loaded { sources, diagnostics, bundle } = loaded;
    match bundle {
        Some(bundle) => Ok(Accepted { bundle, loaded: Texts { sources, diagnostics } }),
        None => Err(Failure::invalid("the settings have errors, so nothing was done", diagnostics, sources)),
    }
}

fn host_file(common: &Common, trust: Trust) -> Result<Option<ProfileText>, Failure> {
    match library::read(&common.config, trust) {
        Ok(text) => Ok(Some(text)),
        Err(ReadError::Absent) if common.config == Path::new(DEFAULT_CONFIG) => Ok(None),
        Err(ReadError::Absent) => {
            let message = format!("there is no host file {}", common.config.display());
            Err(Failure::new(Exit::BadInput, message))
        }
        Err(error @ (ReadError::Untrusted(_) | ReadError::Unreadable { .. })) => {
            Err(Failure::new(Exit::BadInput, error.to_string()))
        }
    }
}
