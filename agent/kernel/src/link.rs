//! The link adapter: values of network interfaces, by rtnetlink, the ethtool family of generic netlink, and sysfs for what
//! neither tells.
//!
//! Of many devices all are asked for at once, one dump a kind; of a few, each. One message carries all rings, all
//! features, all channels of a device, so that the kernel checks them together. Sockets belong to the namespace of the
//! thread that opens them, and are opened when first needed: whoever tunes no link pays nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::LinkKey;
use trimtab_core::address::Object;
use trimtab_core::address::link::FeatureName;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Queue;
use trimtab_core::address::link::QueueAttribute;
use trimtab_core::facts::Asked;
use trimtab_core::facts::LinkFacts;
use trimtab_core::interface_id;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;
use trimtab_netlink::Error;
use trimtab_netlink::ethtool;
use trimtab_netlink::ethtool::Ethtool;
use trimtab_netlink::link;
use trimtab_netlink::link::Link;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::WriteError;
use crate::addressed::Numbers;

mod carrier;
mod change;
mod cpus;
mod facts;
mod queues;
mod show;

use change::Unsendable;
use queues::DeviceIdentity;
use queues::Queues;

/// So many devices are asked for one by one; of more, all at once.
const FEW: usize = 4;

/// The interfaces of the calling thread's namespace.
#[derive(Debug, Default)]
pub(crate) struct Links {
    route: Option<RequestSocket>,
    ethtool: Option<Ethtool>,
    queues: Option<Queues>,
    numbers: Numbers,
}

/// What is asked of one interface, and what each answers.
type Answers<T> = BTreeMap<String, Result<T, Reading>>;

/// What came of asking for all that the addresses need, kind by kind.
#[derive(Debug, Default)]
struct Gathered {
    links: Answers<Link>,
    channels: Answers<ethtool::Channels>,
    rings: Answers<ethtool::Rings>,
    features: Answers<ethtool::Features>,
    coalesce: Answers<ethtool::Coalesce>,
    pause: Answers<ethtool::Pause>,
}

impl Links {
    /// Reads many values; the answers stand in the order of the keys.
    pub(crate) fn read(&mut self, keys: &[&LinkKey]) -> Vec<Reading> {
        if let Some(queues) = &mut self.queues {
            queues.look_anew();
        }
        let gathered = self.gather(keys);
        keys.iter().map(|key| self.reading(key, &gathered)).collect()
    }

    fn gather(&mut self, keys: &[&LinkKey]) -> Gathered {
        let names = |meant: fn(&LinkAttribute) -> bool| -> BTreeSet<&str> {
            keys.iter().filter(|key| meant(key.attribute())).map(|key| key.interface()).collect()
        };
        let links = names(|attribute| matches!(attribute, LinkAttribute::Device(_)));
        let channels = names(|attribute| matches!(attribute, LinkAttribute::Channel(_)));
        let rings = names(|attribute| matches!(attribute, LinkAttribute::Ring(_)));
        let features = names(|attribute| matches!(attribute, LinkAttribute::Feature(_)));
        let coalesce = names(|attribute| matches!(attribute, LinkAttribute::Coalesce(_)));
        let pause = names(|attribute| matches!(attribute, LinkAttribute::Pause(_)));
        Gathered {
            links: self.links_of(&links),
            channels: self.settings(&channels, Ethtool::channels, Ethtool::dump_channels, |all| &all.device.name),
            rings: self.settings(&rings, Ethtool::rings, Ethtool::dump_rings, |all| &all.device.name),
            features: self.settings(&features, Ethtool::features, Ethtool::dump_features, |all| &all.device.name),
            coalesce: self.settings(&coalesce, Ethtool::coalesce, Ethtool::dump_coalesce, |all| &all.device.name),
            pause: self.settings(&pause, Ethtool::pause, Ethtool::dump_pause, |all| &all.device.name),
        }
    }

    fn links_of(&mut self, names: &BTreeSet<&str>) -> Answers<Link> {
        if names.is_empty() {
            return Answers::new();
        }
        let route = match self.route() {
            Ok(route) => route,
            Err(error) => return everywhere(names, &error),
        };
        if names.len() <= FEW {
            let one = |name: &&str| ((*name).to_owned(), link::get_by_name(route, name).map_err(|error| told(&error)));
            return names.iter().map(one).collect();
        }
        match link::dump(route) {
            Ok(all) => {
                let mut answers: Answers<Link> =
                    names.iter().map(|name| ((*name).to_owned(), Err(Reading::Absent))).collect();
                for link in all {
                    if let Some(answer) = answers.get_mut(&link.name) {
                        *answer = Ok(link);
                    }
                }
                answers
            }
            Err(error) => everywhere(names, &error),
        }
    }

    /// The settings of a kind: of a few devices one by one, else of all at once.
    fn settings<T>(
        &mut self,
        names: &BTreeSet<&str>,
        one: impl Fn(&mut Ethtool, ethtool::Device<'_>) -> Result<T, Error>,
        all: impl Fn(&mut Ethtool) -> Result<Vec<T>, Error>,
        name_of: fn(&T) -> &str,
    ) -> Answers<T> {
        if names.is_empty() {
            return Answers::new();
        }
        let ethtool = match self.ethtool() {
            Ok(ethtool) => ethtool,
            Err(error) => return everywhere(names, &error),
        };
        if names.len() > FEW
            && let Ok(all) = all(ethtool)
        {
            let mut answers: Answers<T> = BTreeMap::new();
            for settings in all {
                if names.contains(name_of(&settings)) {
                    answers.insert(name_of(&settings).to_owned(), Ok(settings));
                }
            }
            self.fill(names, &mut answers);
            return answers;
        }
        // One device that fails makes a dump fail, so each is asked then.
        let one =
            |name: &&str| ((*name).to_owned(), one(ethtool, ethtool::Device::Name(name)).map_err(|error| told(&error)));
        names.iter().map(one).collect()
    }

    /// A dump leaves out devices that do not have what is asked for, and those that are not there.
    fn fill<T>(&mut self, names: &BTreeSet<&str>, answers: &mut Answers<T>) {
        let missing: Vec<&str> = names.iter().copied().filter(|name| !answers.contains_key(*name)).collect();
        if missing.is_empty() {
            return;
        }
        let there: BTreeSet<String> =
            self.dump().map(|links| links.into_iter().map(|link| link.name).collect()).unwrap_or_default();
        for name in missing {
            let reading = if there.contains(name) { Reading::Unsupported } else { Reading::Absent };
            answers.insert(name.to_owned(), Err(reading));
        }
    }

    fn reading(&mut self, key: &LinkKey, gathered: &Gathered) -> Reading {
        let name = key.interface();
        let writable = !key.attribute().is_read_only();
        match key.attribute() {
            LinkAttribute::Device(device) => {
                typed(gathered.links.get(name), writable, |link| show::device(link, *device))
            }
            LinkAttribute::Channel(channel) => {
                typed(gathered.channels.get(name), writable, |all| show::channel(all, *channel))
            }
            LinkAttribute::Ring(ring) => typed(gathered.rings.get(name), writable, |all| show::ring(all, *ring)),
            LinkAttribute::Feature(feature) => feature_reading(gathered.features.get(name), feature),
            LinkAttribute::Coalesce(coalesce) => {
                typed(gathered.coalesce.get(name), writable, |all| show::coalesce(all, *coalesce))
            }
            LinkAttribute::Pause(pause) => typed(gathered.pause.get(name), writable, |all| show::pause(all, *pause)),
            LinkAttribute::Queue(queue) => self.queue(name, queue),
        }
    }

    fn queue(&mut self, name: &str, queue: &Queue) -> Reading {
        let Links { route, queues, .. } = self;
        match open_queues(queues) {
            Ok(queues) => queues.read(name, queue, &mut || identity(route, name)),
            Err(error) => Reading::Failed { errno: error.raw_os_error().unwrap_or(libc::EIO) },
        }
    }

    /// Writes one kernel object: values of one kind of one device, in one message, which goes to its number. `meant` is the
    /// device that must have the name, where that is known.
    ///
    /// # Errors
    /// [`WriteError`], with the kernel's own words.
    pub(crate) fn write(&mut self, cells: &[(Address, Value)], meant: Option<&InterfaceId>) -> Result<(), WriteError> {
        let keys: Vec<(&LinkKey, &Value)> = cells
            .iter()
            .filter_map(|(address, value)| match &address.object {
                Object::Link(key) => Some((key, value)),
                Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => None,
            })
            .collect();
        let Some((address, _)) = cells.first() else { return Ok(()) };
        let refused = |unsent| refused(address, cells, unsent);
        let (Some((first, _)), true) = (keys.first().copied(), keys.len() == cells.len()) else {
            return Err(refused(MIXED));
        };
        let link = self.meant(first.interface(), meant).map_err(refused)?;
        let Some(link) = link else { return Err(WriteError::Elsewhere { address: address.clone() }) };
        let waiting = carrier::Waiting::before(&link, first);
        self.send(&link, first, &keys).map_err(refused)?;
        waiting.until_back(self).map_err(refused)
    }

    /// The device of this name, unless it is another than is meant.
    fn meant(&mut self, name: &str, meant: Option<&InterfaceId>) -> Result<Option<Link>, Unsent> {
        let link = match link::get_by_name(self.route()?, name) {
            Ok(link) => link,
            // It was there.
            Err(error) if error.is_gone() && meant.is_some() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let same = |meant: &InterfaceId| link.name == name && meant.is_no_other_than(&identity_of(&link));
        Ok(meant.is_none_or(same).then_some(link))
    }

    fn send(&mut self, link: &Link, first: &LinkKey, keys: &[(&LinkKey, &Value)]) -> Result<(), Unsent> {
        if keys.iter().any(|(key, _)| key.interface() != first.interface()) {
            return Err(Unsent::Invalid("one message is for one device"));
        }
        // By number: from here on it may be called what it will.
        let device = ethtool::Device::Index(link.index);
        match first.attribute() {
            LinkAttribute::Device(_) => {
                let mut change = link::Settings::default();
                for (key, value) in keys {
                    let LinkAttribute::Device(device) = key.attribute() else { return Err(MIXED) };
                    change::device(&mut change, *device, value)?;
                }
                link::set(self.route()?, link.index, &change)?;
            }
            LinkAttribute::Channel(_) => {
                let mut change = ethtool::ChannelsChange::default();
                for (key, value) in keys {
                    let LinkAttribute::Channel(channel) = key.attribute() else { return Err(MIXED) };
                    change::channel(&mut change, *channel, value)?;
                }
                self.ethtool()?.set_channels(device, &change)?;
            }
            LinkAttribute::Ring(_) => {
                let mut change = ethtool::RingsChange::default();
                for (key, value) in keys {
                    let LinkAttribute::Ring(ring) = key.attribute() else { return Err(MIXED) };
                    change::ring(&mut change, *ring, value)?;
                }
                self.ethtool()?.set_rings(device, &change)?;
            }
            LinkAttribute::Feature(_) => {
                let mut wanted = Vec::with_capacity(keys.len());
                for (key, value) in keys {
                    let LinkAttribute::Feature(feature) = key.attribute() else { return Err(MIXED) };
                    wanted.push((feature.as_str(), change::switch(value)?));
                }
                // What the kernel did not take of it is found at the read-back, which names it.
                self.ethtool()?.set_features(device, &wanted)?;
            }
            LinkAttribute::Coalesce(_) => {
                let mut change = ethtool::CoalesceChange::default();
                for (key, value) in keys {
                    let LinkAttribute::Coalesce(coalesce) = key.attribute() else { return Err(MIXED) };
                    change::coalesce(&mut change, *coalesce, value)?;
                }
                self.ethtool()?.set_coalesce(device, &change)?;
            }
            LinkAttribute::Pause(_) => {
                let mut change = ethtool::PauseChange::default();
                for (key, value) in keys {
                    let LinkAttribute::Pause(pause) = key.attribute() else { return Err(MIXED) };
                    change::pause(&mut change, *pause, value)?;
                }
                self.ethtool()?.set_pause(device, &change)?;
            }
            LinkAttribute::Queue(_) => {
                for (nth, (key, value)) in keys.iter().enumerate() {
                    let LinkAttribute::Queue(queue) = key.attribute() else { return Err(MIXED) };
                    let written = open_queues(&mut self.queues)?.write(link, queue, value);
                    written.map_err(|error| match error.raw_os_error() {
                        Some(libc::ENODEV) if nth == 0 => Unsent::Elsewhere,
                        Some(_) | None => Unsent::Io(error),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Every value that every interface has now, in order.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces.
    pub(crate) fn list(&mut self) -> io::Result<Vec<LinkKey>> {
        let links = self.dump().map_err(|error| io::Error::other(error.to_string()))?;
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        let features: Vec<FeatureName> = match self.ethtool().and_then(Ethtool::feature_names) {
            Ok(names) => names.iter().filter_map(|(_, name)| FeatureName::new(name)).collect(),
            // A kernel without the family has its devices all the same.
            Err(error) => {
                tracing::debug!(%error, "no features are listed");
                Vec::new()
            }
        };
        let mut keys: Vec<LinkKey> = Vec::new();
        for name in names {
            let queues = self.queue_attributes(name);
            let of_features = features.iter().cloned().map(LinkAttribute::Feature);
            let attributes = LinkAttribute::fixed().chain(of_features).chain(queues);
            keys.extend(attributes.filter_map(|attribute| LinkKey::new(name, attribute).ok()));
        }
        let readings = self.read(&keys.iter().collect::<Vec<_>>());
        let there = |reading: &Reading| !matches!(reading, Reading::Absent | Reading::Unsupported);
        let mut keys: Vec<LinkKey> =
            keys.into_iter().zip(readings).filter(|(_, reading)| there(reading)).map(|(key, _)| key).collect();
        keys.sort();
        Ok(keys)
    }

    fn queue_attributes(&mut self, name: &str) -> Vec<LinkAttribute> {
        let Some((rx, tx)) = open_queues(&mut self.queues).ok().and_then(|queues| queues.count(name)) else {
            return Vec::new();
        };
        let of = |attribute: &QueueAttribute| {
            let count = match attribute.direction() {
                trimtab_core::address::link::Direction::Rx => rx,
                trimtab_core::address::link::Direction::Tx => tx,
            };
            let attribute = *attribute;
            (0..count).map(move |index| LinkAttribute::Queue(Queue { index, attribute }))
        };
        QueueAttribute::ALL.iter().flat_map(of).collect()
    }

    /// What is known of these interfaces; see [`facts`].
    pub(crate) fn facts(&mut self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        facts::gather(self, names, asked)
    }

    /// What tells each interface from others, by their names.
    ///
    /// # Errors
    /// If the kernel does not list them.
    pub(crate) fn identities(&mut self) -> Result<InterfaceIds, Error> {
        let links = self.dump()?;
        let queues = open_queues(&mut self.queues).ok();
        let numbers = &mut self.numbers;
        let mut node = |link: &Link| {
            let node = queues.as_ref()?.node(link)?;
            // Unless the name went to another since the dump.
            numbers.of(&link.name).is_ok_and(|number| number == Some(link.index)).then_some(node)
        };
        let mut identity = |link: &Link| (link.name.clone(), InterfaceId { node: node(link), ..identity_of(link) });
        let mut all: InterfaceIds = links.iter().map(&mut identity).collect();
        interface_id::tell_apart(&mut all);
        Ok(all)
    }

    /// Every interface of the namespace.
    fn dump(&mut self) -> Result<Vec<Link>, Error> {
        link::dump(self.route()?)
    }

    fn route(&mut self) -> Result<&mut RequestSocket, Error> {
        opened(&mut self.route, || RequestSocket::open(Protocol::Route))
    }

    fn ethtool(&mut self) -> Result<&mut Ethtool, Error> {
        opened(&mut self.ethtool, Ethtool::open)
    }
}

pub(crate) fn opened<T>(slot: &mut Option<T>, open: impl FnOnce() -> Result<T, Error>) -> Result<&mut T, Error> {
    match slot {
        Some(open) => Ok(open),
        None => Ok(slot.insert(open()?)),
    }
}

fn open_queues(slot: &mut Option<Queues>) -> io::Result<&mut Queues> {
    match slot {
        Some(queues) => Ok(queues),
        None => Ok(slot.insert(Queues::open()?)),
    }
}

/// What tells this interface from others of its name.
fn identity(route: &mut Option<RequestSocket>, name: &str) -> Option<DeviceIdentity> {
    let route = opened(route, || RequestSocket::open(Protocol::Route)).ok()?;
    let link = link::get_by_name(route, name).ok()?;
    queues::identity(&link)
}

/// What tells an interface from others, as far as netlink can show that.
pub(crate) fn identity_of(link: &Link) -> InterfaceId {
    InterfaceId {
        ifindex: link.index,
        kind: Some(interface_id::kind_or_hardware(facts::kind(link))),
        permanent_address: link.permanent_address.as_ref().map(ToString::to_string),
        node: None,
        bus: link.parent_bus.as_deref().map(str::to_owned),
    }
}

fn typed<T>(answer: Option<&Result<T, Reading>>, writable: bool, show: impl FnOnce(&T) -> Option<Value>) -> Reading {
    match answer {
        Some(Ok(settings)) => match show(settings) {
            Some(value) => Reading::Typed { value, writable },
            None => Reading::Unsupported,
        },
        Some(Err(reading)) => reading.clone(),
        None => Reading::Absent,
    }
}

fn feature_reading(answer: Option<&Result<ethtool::Features, Reading>>, name: &FeatureName) -> Reading {
    match answer {
        // What this kernel has never heard of is absent, on a device that is there.
        Some(Ok(features)) => features.get(name.as_str()).map_or(Reading::Absent, |feature| {
            let writable = !feature.is_fixed();
            // What nobody can change nobody has asked for: only the driver's word counts.
            let wanted = if writable { feature.wanted } else { feature.active };
            Reading::Typed { value: Value::Switch { wanted, active: feature.active }, writable }
        }),
        Some(Err(reading)) => reading.clone(),
        None => Reading::Absent,
    }
}

fn everywhere<T>(names: &BTreeSet<&str>, error: &Error) -> Answers<T> {
    names.iter().map(|name| ((*name).to_owned(), Err(told(error)))).collect()
}

/// What an error says about the value that was to be read.
fn told(error: &Error) -> Reading {
    if error.is_gone() {
        Reading::Absent
    } else if error.is_unsupported() {
        Reading::Unsupported
    } else if error.is_denied() {
        Reading::Denied
    } else {
        tracing::debug!(%error, "an interface could not be asked");
        Reading::Failed { errno: error.refusal_errno().unwrap_or(libc::EIO) }
    }
}

/// Why a write was not made, or did not end well.
#[derive(Debug)]
enum Unsent {
    /// The kernel's answer.
    Netlink(Error),
    /// A file of sysfs.
    Io(io::Error),
    /// The interface is not called so any more.
    Elsewhere,
    /// It could never be sent.
    Invalid(&'static str),
    /// The link did not come back.
    CarrierLost {
        /// Seconds.
        waited: u64,
    },
}

const MIXED: Unsent = Unsent::Invalid("one message carries one kind of value");

impl From<Error> for Unsent {
    fn from(error: Error) -> Unsent {
        Unsent::Netlink(error)
    }
}

impl From<io::Error> for Unsent {
    fn from(error: io::Error) -> Unsent {
        Unsent::Io(error)
    }
}

impl From<Unsendable> for Unsent {
    fn from(unsendable: Unsendable) -> Unsent {
        Unsent::Invalid(match unsendable {
            Unsendable::ReadOnly => "it only tells, and cannot be set",
            Unsendable::Shape => "the value has not the shape that the kernel takes",
        })
    }
}

fn refused(address: &Address, cells: &[(Address, Value)], unsent: Unsent) -> WriteError {
    let address = address.clone();
    let text = cells.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(", ");
    match unsent {
        Unsent::Netlink(source) => WriteError::Netlink { address, text, source: Box::new(source) },
        Unsent::Io(source) => WriteError::Refused { address, text, source },
        Unsent::Elsewhere => WriteError::Elsewhere { address },
        Unsent::Invalid(why) => {
            WriteError::Refused { address, text, source: io::Error::new(io::ErrorKind::InvalidInput, why) }
        }
        Unsent::CarrierLost { waited } => WriteError::CarrierLost { address, text, waited },
    }
}

#[cfg(test)]
mod tests;
