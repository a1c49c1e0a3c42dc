//! The name of one value of a network interface: `eth0/mtu`, `eth0/feature/tx-tcp-segmentation`, `eth0/queue/rx-0/rps-cpus`.
//!
//! The words are ethtool(8)'s and ip-link(8)'s; features have the kernel's names (net/ethtool/common.c
//! `netdev_features_strings`). The order of the variants is the order in which one device is written: what loses other
//! settings comes before them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::diagnostic::suggest;

pub mod feature;
pub(super) mod interface;

use interface::InterfaceName;

/// One value of one interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKey {
    interface: InterfaceName,
    attribute: LinkAttribute,
}

/// Which value of the interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkAttribute {
    /// Of the device itself, by rtnetlink: `mtu`, `gso-max-size`.
    Device(Device),
    /// How many queues it works with (ethtool -l): `channel/combined`.
    Channel(Channel),
    /// How long its queues are (ethtool -g): `ring/rx`.
    Ring(Ring),
    /// An offload (ethtool -k), by the kernel's name: `feature/rx-gro`.
    Feature(FeatureName),
    /// When it interrupts (ethtool -c): `coalesce/rx-usecs`.
    Coalesce(Coalesce),
    /// Flow control (ethtool -a): `pause/rx`.
    Pause(Pause),
    /// Of one queue, by sysfs: `queue/rx-0/rps-cpus`.
    Queue(Queue),
}

/// A closed list of words with a type of its own. The doc comment of each is what `explain` says of it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $meaning])+ $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The word in addresses and profiles.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $($name::$variant => concat!($($meaning),+).trim(),)+ }
            }

            /// The one of this word.
            pub fn of_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// Values of the device itself (rtnetlink(7) `IFLA_*`).
    Device {
        /// The least MTU that the driver takes, read-only.
        MtuMin = "mtu-min",
        /// The greatest MTU that the driver takes, read-only; 0 if it does not say.
        MtuMax = "mtu-max",
        /// The MTU in bytes.
        Mtu = "mtu",
        /// Packets that the queue of a discipline such as pfifo_fast holds.
        Txqueuelen = "txqueuelen",
        /// The largest segment that the device can segment itself, in bytes, read-only: the ceiling of `gso-max-size`.
        TsoMaxSize = "tso-max-size",
        /// As many segments as the device can make of one packet, read-only: the ceiling of `gso-max-segs`.
        TsoMaxSegs = "tso-max-segs",
        /// The largest packet that is handed to the device, in bytes.
        GsoMaxSize = "gso-max-size",
        /// As many segments as one packet handed to the device may have.
        GsoMaxSegs = "gso-max-segs",
        /// The largest packet that GRO builds, in bytes.
        GroMaxSize = "gro-max-size",
        /// `gso-max-size` for IPv4.
        GsoIpv4MaxSize = "gso-ipv4-max-size",
        /// `gro-max-size` for IPv4.
        GroIpv4MaxSize = "gro-ipv4-max-size",
    }
}

words! {
    /// Numbers of queues (Documentation/networking/ethtool-netlink.rst, `CHANNELS_GET`).
    Channel {
        /// The most receive queues, read-only.
        RxMax = "rx-max",
        /// The most transmit queues, read-only.
        TxMax = "tx-max",
        /// The most other queues, read-only.
        OtherMax = "other-max",
        /// The most combined queues, read-only.
        CombinedMax = "combined-max",
        /// Receive queues.
        Rx = "rx",
        /// Transmit queues.
        Tx = "tx",
        /// Queues for other things, e.g. link interrupts.
        Other = "other",
        /// Queues that both receive and transmit.
        Combined = "combined",
    }
}

words! {
    /// Lengths of queues in descriptors (Documentation/networking/ethtool-netlink.rst, `RINGS_GET`).
    Ring {
        /// The longest receive ring, read-only.
        RxMax = "rx-max",
        /// The longest ring for short packets, read-only.
        RxMiniMax = "rx-mini-max",
        /// The longest ring for long packets, read-only.
        RxJumboMax = "rx-jumbo-max",
        /// The longest transmit ring, read-only.
        TxMax = "tx-max",
        /// The longest buffer for pushed packets, read-only.
        TxPushBufLenMax = "tx-push-buf-len-max",
        /// The receive ring.
        Rx = "rx",
        /// The receive ring for short packets.
        RxMini = "rx-mini",
        /// The receive ring for long packets.
        RxJumbo = "rx-jumbo",
        /// The transmit ring.
        Tx = "tx",
        /// The buffer behind each receive descriptor, in bytes.
        RxBufLen = "rx-buf-len",
        /// A completion entry, in bytes.
        CqeSize = "cqe-size",
        /// Whether descriptors are pushed to the device.
        TxPush = "tx-push",
        /// Whether receive descriptors are pushed to the device.
        RxPush = "rx-push",
        /// How much of a packet is pushed with its descriptor, in bytes.
        TxPushBufLen = "tx-push-buf-len",
    }
}

words! {
    /// When the device interrupts (Documentation/networking/ethtool-netlink.rst, `COALESCE_GET`): microseconds, frames,
    /// packets a second.
    Coalesce {
        /// Whether the driver adapts to what it receives.
        AdaptiveRx = "adaptive-rx",
        /// Whether the driver adapts to what it sends.
        AdaptiveTx = "adaptive-tx",
        /// Microseconds to wait after a packet was received.
        RxUsecs = "rx-usecs",
        /// Packets to wait for.
        RxFrames = "rx-frames",
        /// As `rx-usecs`, in the interrupt handler.
        RxUsecsIrq = "rx-usecs-irq",
        /// As `rx-frames`, in the interrupt handler.
        RxFramesIrq = "rx-frames-irq",
        /// Microseconds to wait after a packet was sent.
        TxUsecs = "tx-usecs",
        /// Packets to wait for.
        TxFrames = "tx-frames",
        /// As `tx-usecs`, in the interrupt handler.
        TxUsecsIrq = "tx-usecs-irq",
        /// As `tx-frames`, in the interrupt handler.
        TxFramesIrq = "tx-frames-irq",
        /// Microseconds between updates of the counters.
        StatsBlockUsecs = "stats-block-usecs",
        /// Below so many packets a second the `low` values hold.
        PktRateLow = "pkt-rate-low",
        /// `rx-usecs` at a low rate.
        RxUsecsLow = "rx-usecs-low",
        /// `rx-frames` at a low rate.
        RxFramesLow = "rx-frames-low",
        /// `tx-usecs` at a low rate.
        TxUsecsLow = "tx-usecs-low",
        /// `tx-frames` at a low rate.
        TxFramesLow = "tx-frames-low",
        /// Above so many packets a second the `high` values hold.
        PktRateHigh = "pkt-rate-high",
        /// `rx-usecs` at a high rate.
        RxUsecsHigh = "rx-usecs-high",
        /// `rx-frames` at a high rate.
        RxFramesHigh = "rx-frames-high",
        /// `tx-usecs` at a high rate.
        TxUsecsHigh = "tx-usecs-high",
        /// `tx-frames` at a high rate.
        TxFramesHigh = "tx-frames-high",
        /// Seconds between two looks at the rate.
        SampleInterval = "sample-interval",
        /// Whether the receive timer starts anew with each completion.
        CqeModeRx = "cqe-mode-rx",
        /// Whether the transmit timer starts anew with each completion.
        CqeModeTx = "cqe-mode-tx",
        /// The largest aggregate that is sent, in bytes.
        TxAggrMaxBytes = "tx-aggr-max-bytes",
        /// As many packets as one aggregate may hold.
        TxAggrMaxFrames = "tx-aggr-max-frames",
        /// Microseconds to wait for an aggregate.
        TxAggrTimeUsecs = "tx-aggr-time-usecs",
    }
}

words! {
    /// Flow control (Documentation/networking/ethtool-netlink.rst, `PAUSE_GET`).
    Pause {
        /// Whether the other end is asked.
        Autoneg = "autoneg",
        /// Whether pause frames are obeyed.
        Rx = "rx",
        /// Whether pause frames are sent.
        Tx = "tx",
    }
}

words! {
    /// The two directions of a queue.
    Direction {
        /// Receiving.
        Rx = "rx",
        /// Transmitting.
        Tx = "tx",
    }
}

words! {
    /// Values of a queue (Documentation/networking/scaling.rst).
    QueueAttribute {
        /// The CPUs that packets of a receive queue are steered to.
        RpsCpus = "rps-cpus",
        /// Entries in the table that steers flows of a receive queue to where they are read.
        RpsFlowCnt = "rps-flow-cnt",
        /// The CPUs that send through a transmit queue.
        XpsCpus = "xps-cpus",
        /// The receive queues whose flows are answered through a transmit queue.
        XpsRxqs = "xps-rxqs",
    }
}

impl QueueAttribute {
    /// The direction of the queues that have it.
    pub fn direction(self) -> Direction {
        match self {
            QueueAttribute::RpsCpus | QueueAttribute::RpsFlowCnt => Direction::Rx,
            QueueAttribute::XpsCpus | QueueAttribute::XpsRxqs => Direction::Tx,
        }
    }
}

/// A value of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    /// Its number, from 0.
    pub index: u16,
    /// Which value; it says the direction too.
    pub attribute: QueueAttribute,
}

/// The name of a feature as the kernel gives it, e.g. `tx-tcp-segmentation`.
///
/// What another feature needs comes before it: the order in which a plan looks at them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeatureName(Name);

/// Names are compared all the time, and nearly all are known: those compare by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    /// By its place among the known, which are sorted.
    Known {
        at: u8,
        depth: u8,
    },
    Other(Box<str>),
}

impl Ord for FeatureName {
    fn cmp(&self, other: &FeatureName) -> Ordering {
        match (&self.0, &other.0) {
            (Name::Known { at, depth }, Name::Known { at: other, depth: below }) => (depth, at).cmp(&(below, other)),
            (Name::Known { .. } | Name::Other(_), _) => {
                (self.depth(), self.as_str()).cmp(&(other.depth(), other.as_str()))
            }
        }
    }
}

impl PartialOrd for FeatureName {
    fn partial_cmp(&self, other: &FeatureName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FeatureName {
    /// A name of lower-case letters, digits and hyphens, at most 31 bytes (`ETH_GSTRING_LEN` with its NUL).
    pub fn new(name: &str) -> Option<FeatureName> {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
        if let Some(at) = feature::place(name) {
            return Some(FeatureName(Name::Known { at, depth: feature::depth(name) }));
        }
        (!name.is_empty() && name.len() < 32 && name.bytes().all(fits)).then(|| FeatureName(Name::Other(name.into())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Known { at, depth: _ } => feature::at(*at),
            Name::Other(name) => name,
        }
    }

    fn depth(&self) -> u8 {
        match &self.0 {
            Name::Known { at: _, depth } => *depth,
            Name::Other(name) => feature::depth(name),
        }
    }

    /// What it means, if it is a feature of a kernel that trimtab has seen.
    pub fn meaning(&self) -> Option<&'static str> {
        feature::meaning(self.as_str())
    }
}

/// Why a text is no value of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkKeyError {
    /// No slash.
    #[error("`{0}` names no value of an interface: write `eth0/mtu`")]
    NoAttribute(String),
    /// No interface could have this name (net/core/dev.c `dev_valid_name`).
    #[error("`{}` is no name of an interface", .0.escape_debug())]
    BadInterface(String),
    /// A value that no interface has.
    #[error("an interface has no value `{}`{}", attribute.escape_debug(), did_you_mean(near.as_deref()))]
    UnknownAttribute {
        /// As written.
        attribute: String,
        /// What may have been meant.
        near: Option<String>,
    },
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

impl LinkKey {
    /// A value of an interface.
    ///
    /// # Errors
    /// [`LinkKeyError::BadInterface`] if no interface could have that name.
    pub fn new(interface: &str, attribute: LinkAttribute) -> Result<LinkKey, LinkKeyError> {
        match InterfaceName::new(interface) {
            Some(interface) => Ok(LinkKey { interface, attribute }),
            None => Err(LinkKeyError::BadInterface(interface.to_owned())),
        }
    }

    /// The interface.
    pub fn interface(&self) -> &str {
        self.interface.as_str()
    }

    /// Which of its values.
    pub fn attribute(&self) -> &LinkAttribute {
        &self.attribute
    }

    /// Another value of the same interface.
    #[must_use]
    pub fn with(&self, attribute: LinkAttribute) -> LinkKey {
        LinkKey { interface: self.interface, attribute }
    }

    /// The same value of another interface; nothing if no interface could have that name.
    pub fn with_interface(&self, interface: &str) -> Option<LinkKey> {
        LinkKey::new(interface, self.attribute.clone()).ok()
    }
}

/// Whether an interface could have this name (net/core/dev.c `dev_valid_name`, `IFNAMSIZ`), and it can be told from the
/// rest of an address.
pub fn is_interface_name(name: &str) -> bool {
    InterfaceName::new(name).is_some()
}

impl LinkAttribute {
    /// Whether it only tells and cannot be set.
    pub fn is_read_only(&self) -> bool {
        match self {
            LinkAttribute::Device(device) => {
                matches!(device, Device::MtuMin | Device::MtuMax | Device::TsoMaxSize | Device::TsoMaxSegs)
            }
            LinkAttribute::Channel(channel) => {
                matches!(channel, Channel::RxMax | Channel::TxMax | Channel::OtherMax | Channel::CombinedMax)
            }
            LinkAttribute::Ring(ring) => {
                matches!(ring, Ring::RxMax | Ring::RxMiniMax | Ring::RxJumboMax | Ring::TxMax | Ring::TxPushBufLenMax)
            }
            LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_) => false,
        }
    }

    /// What the value means, in a sentence; nothing for a feature that nobody described.
    pub fn meaning(&self) -> Option<&'static str> {
        Some(match self {
            LinkAttribute::Device(device) => device.meaning(),
            LinkAttribute::Channel(channel) => channel.meaning(),
            LinkAttribute::Ring(ring) => ring.meaning(),
            LinkAttribute::Feature(name) => return name.meaning(),
            LinkAttribute::Coalesce(coalesce) => coalesce.meaning(),
            LinkAttribute::Pause(pause) => pause.meaning(),
            LinkAttribute::Queue(queue) => queue.attribute.meaning(),
        })
    }

    /// Every attribute that is a fixed word, i.e. all but features and queues.
    pub fn fixed() -> impl Iterator<Item = LinkAttribute> {
        let device = Device::ALL.iter().copied().map(LinkAttribute::Device);
        let channel = Channel::ALL.iter().copied().map(LinkAttribute::Channel);
        let ring = Ring::ALL.iter().copied().map(LinkAttribute::Ring);
        let coalesce = Coalesce::ALL.iter().copied().map(LinkAttribute::Coalesce);
        let pause = Pause::ALL.iter().copied().map(LinkAttribute::Pause);
        device.chain(channel).chain(ring).chain(coalesce).chain(pause)
    }

    fn parse(text: &str) -> Option<LinkAttribute> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["channel", word] => Channel::of_word(word).map(LinkAttribute::Channel),
            ["ring", word] => Ring::of_word(word).map(LinkAttribute::Ring),
            ["feature", name] => FeatureName::new(name).map(LinkAttribute::Feature),
            ["coalesce", word] => Coalesce::of_word(word).map(LinkAttribute::Coalesce),
            ["pause", word] => Pause::of_word(word).map(LinkAttribute::Pause),
            ["queue", queue, word] => {
                let attribute = QueueAttribute::of_word(word)?;
                let (direction, index) = queue.split_once('-')?;
                let same = Direction::of_word(direction) == Some(attribute.direction());
                // One number has one spelling: not `rx-00`, not `rx-+1`.
                let index = index.parse::<u16>().ok().filter(|number| number.to_string() == index)?;
                same.then_some(LinkAttribute::Queue(Queue { index, attribute }))
            }
            [word] => Device::of_word(word).map(LinkAttribute::Device),
            _ => None,
        }
    }
}

impl fmt::Display for LinkAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkAttribute::Device(device) => f.write_str(device.word()),
            LinkAttribute::Channel(channel) => write!(f, "channel/{}", channel.word()),
            LinkAttribute::Ring(ring) => write!(f, "ring/{}", ring.word()),
            LinkAttribute::Feature(name) => write!(f, "feature/{}", name.as_str()),
            LinkAttribute::Coalesce(coalesce) => write!(f, "coalesce/{}", coalesce.word()),
            LinkAttribute::Pause(pause) => write!(f, "pause/{}", pause.word()),
            LinkAttribute::Queue(Queue { index, attribute }) => {
                write!(f, "queue/{}-{index}/{}", attribute.direction().word(), attribute.word())
            }
        }
    }
}

impl fmt::Display for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.interface(), self.attribute)
    }
}

impl FromStr for LinkKey {
    type Err = LinkKeyError;

    fn from_str(text: &str) -> Result<LinkKey, LinkKeyError> {
        let Some((interface, attribute)) = text.split_once('/') else {
            return Err(LinkKeyError::NoAttribute(text.to_owned()));
        };
        match LinkAttribute::parse(attribute) {
            Some(attribute) => LinkKey::new(interface, attribute),
            None => {
                let words: Vec<String> = LinkAttribute::fixed().map(|known| known.to_string()).collect();
                let near = suggest(attribute, words.iter().map(String::as_str)).map(str::to_owned);
                Err(LinkKeyError::UnknownAttribute { attribute: attribute.to_owned(), near })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_round_trips() {
        let features =
            ["tx-tcp-segmentation", "rx-gro"].map(|name| LinkAttribute::Feature(FeatureName::new(name).unwrap()));
        let queues = QueueAttribute::ALL
            .iter()
            .map(|attribute| LinkAttribute::Queue(Queue { index: 63, attribute: *attribute }));
        for attribute in LinkAttribute::fixed().chain(features).chain(queues) {
            let key = LinkKey::new("eth0.100", attribute).unwrap();
            assert_eq!(key.to_string().parse::<LinkKey>().unwrap(), key, "{key}");
        }
    }

    #[test]
    fn what_is_no_value_of_an_interface_is_refused_with_a_hint() {
        assert_eq!("eth0".parse::<LinkKey>(), Err(LinkKeyError::NoAttribute("eth0".into())));
        for text in ["/mtu", "a b/mtu", "a:b/mtu", "../mtu", "sixteen-bytes-123/mtu"] {
            assert!(
                matches!(
                    text.parse::<LinkKey>(),
                    Err(LinkKeyError::BadInterface(_) | LinkKeyError::UnknownAttribute { .. })
                ),
                "{text}"
            );
        }
        let near = |text: &str| match text.parse::<LinkKey>() {
            Err(LinkKeyError::UnknownAttribute { near, .. }) => near,
            other => panic!("{other:?}"),
        };
        assert_eq!(near("eth0/mtuu").as_deref(), Some("mtu"));
        assert_eq!(near("eth0/ring/rxx").as_deref(), Some("ring/rx"));
        for text in [
            "eth0/",
            "eth0/queue/rx-00/rps-cpus",
            "eth0/queue/tx-0/rps-cpus",
            "eth0/queue/rx-70000/rps-cpus",
            "eth0/feature/A b",
        ] {
            near(text);
        }
    }
}
