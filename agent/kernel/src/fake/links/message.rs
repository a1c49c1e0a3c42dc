//! One message: values of one kind of one device, all looked at and then stored.

use std::borrow::Cow;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::LinkKey;
use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Device as Attribute;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Ring;
use trimtab_core::kind::link::limit;
use trimtab_core::value::Value;
use trimtab_netlink::Error;
use trimtab_netlink::Refusal;

use super::Links;
use super::device::Device;
use super::device::Rounding;
use super::features;
use crate::WriteError;

/// The largest packet (include/linux/netdevice.h `GSO_MAX_SIZE`, `GRO_MAX_SIZE`).
const LARGEST: i64 = 8 * 65_535;
/// Up to this size IPv4 follows (`GSO_LEGACY_MAX_SIZE`).
const LEGACY: i64 = 65_536;
/// The most segments (`GSO_MAX_SEGS`).
const SEGMENTS: i64 = 65_535;
/// More than the headers of TCP may take (include/net/tcp.h `MAX_TCP_HEADER`; how much that is depends on what the kernel was
/// built with), the least that the kernel's policy for these attributes takes.
const HEADERS: i64 = 193;

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fake) enum Refused {
    /// By the kernel, with its words where it has any.
    Kernel { errno: i32, words: Option<&'static str> },
    /// By a file.
    Io(i32),
    /// It could never be sent.
    Invalid(&'static str),
    /// There is no such feature.
    NoName(String),
}

impl Refused {
    pub(super) fn errno(errno: i32) -> Refused {
        Refused::Kernel { errno, words: None }
    }

    pub(super) fn words(errno: i32, words: &'static str) -> Refused {
        Refused::Kernel { errno, words: Some(words) }
    }

    pub(super) fn gone() -> Refused {
        Refused::errno(libc::ENODEV)
    }

    /// A fault of this errno, as the message of this value would meet it.
    pub(in crate::fake) fn of(key: &LinkKey, errno: i32) -> Refused {
        match key.attribute() {
            LinkAttribute::Queue(_) => Refused::Io(errno),
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_) => Refused::errno(errno),
        }
    }

    /// As the live adapter tells it.
    pub(in crate::fake) fn told(self, cells: &[(Address, Value)], address: &Address) -> WriteError {
        let address = address.clone();
        let text = cells.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(", ");
        let request: Cow<'static, str> = "set".into();
        match self {
            Refused::Kernel { errno, words } => {
                let message = words.map(str::to_owned);
                let refusal = Refusal { request, errno, message, offset: None, missing: None, missing_in: None };
                WriteError::Netlink { address, text, source: Box::new(Error::Refused(refusal)) }
            }
            Refused::NoName(name) => {
                WriteError::Netlink { address, text, source: Box::new(Error::NoName { request, name }) }
            }
            Refused::Io(errno) => WriteError::Refused { address, text, source: io::Error::from_raw_os_error(errno) },
            Refused::Invalid(why) => {
                WriteError::Refused { address, text, source: io::Error::new(io::ErrorKind::InvalidInput, why) }
            }
        }
    }
}

const MIXED: Refused = Refused::Invalid("one message carries one kind of value");
const SHAPE: Refused = Refused::Invalid("the value has not the shape that the kernel takes");

impl Links {
    /// One message.
    pub(in crate::fake) fn write(&mut self, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let Some((first, _)) = cells.first() else { return Ok(()) };
        if cells.iter().any(|(key, _)| key.interface() != first.interface()) {
            return Err(Refused::Invalid("one message is for one device"));
        }
        let kind = std::mem::discriminant(first.attribute());
        if cells.iter().any(|(key, _)| std::mem::discriminant(key.attribute()) != kind) {
            return Err(MIXED);
        }
        for (key, value) in cells {
            check_shape(key.attribute(), value)?;
        }
        let Some(index) = self.index_of(first.interface()) else { return Err(Refused::gone()) };
        match first.attribute() {
            LinkAttribute::Device(_) => self.write_device(index, cells),
            LinkAttribute::Channel(_) => self.write_channels(index, cells),
            LinkAttribute::Ring(_) => self.write_rings(index, cells),
            LinkAttribute::Feature(_) => self.write_features(index, cells),
            LinkAttribute::Coalesce(_) => self.write_plain(index, cells, "cannot modify an unsupported parameter"),
            LinkAttribute::Pause(_) => self.write_plain(index, cells, ""),
            LinkAttribute::Queue(_) => {
                let cpus = self.cpus;
                let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
                // Each is a file of its own.
                cells.iter().try_for_each(|(key, value)| {
                    let LinkAttribute::Queue(queue) = key.attribute() else { return Err(MIXED) };
                    device.write_queue(*queue, value, cpus)
                })
            }
        }
    }

    /// net/core/rtnetlink.c: what `ifla_policy` and `validate_linkmsg` refuse changes nothing; then `do_setlink` does one thing
    /// after the other, in this order, up to the first that the device refuses.
    fn write_device(&mut self, index: u32, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let mut told: Vec<(Attribute, i64)> = cells.iter().filter_map(device_cell).collect();
        let segmented = |device: Attribute| matches!(device, Attribute::GsoMaxSize | Attribute::GsoIpv4MaxSize);
        if told.iter().any(|(device, to)| segmented(*device) && *to < HEADERS) {
            return Err(Refused::words(libc::ERANGE, "integer out of range"));
        }
        let Some(device) = self.devices.get(&index) else { return Err(Refused::gone()) };
        told.sort_by_key(|(attribute, _)| *attribute);
        for (attribute, to) in &told {
            if let Some((_, words)) = ceiling(device, *attribute).filter(|(most, _)| to > most) {
                return Err(Refused::words(libc::EINVAL, words));
            }
        }
        told.into_iter().try_for_each(|(attribute, to)| self.set_device(index, attribute, to))
    }

    fn set_device(&mut self, index: u32, attribute: Attribute, to: i64) -> Result<(), Refused> {
        if attribute == Attribute::Mtu {
            return self.set_mtu(index, to);
        }
        let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
        if device.number(&LinkAttribute::Device(attribute)) == Some(to) {
            return Ok(());
        }
        device.values.insert(LinkAttribute::Device(attribute), Value::Int(to));
        // net/core/dev.c `netif_set_gso_max_size`, `netif_set_gro_max_size`.
        let follower = match attribute {
            Attribute::GsoMaxSize => Attribute::GsoIpv4MaxSize,
            Attribute::GroMaxSize => Attribute::GroIpv4MaxSize,
            Attribute::MtuMin
            | Attribute::MtuMax
            | Attribute::Mtu
            | Attribute::Txqueuelen
            | Attribute::TsoMaxSize
            | Attribute::TsoMaxSegs
            | Attribute::GsoMaxSegs
            | Attribute::GsoIpv4MaxSize
            | Attribute::GroIpv4MaxSize => return Ok(()),
        };
        if to <= LEGACY {
            device.values.insert(LinkAttribute::Device(follower), Value::Int(to));
        }
        Ok(())
    }

    /// net/ethtool/channels.c `ethnl_set_channels`.
    fn write_channels(&mut self, index: u32, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let cpus = self.cpus;
        let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
        if !device.values.keys().any(|held| matches!(held, LinkAttribute::Channel(_))) {
            return Err(Refused::errno(libc::EOPNOTSUPP));
        }
        check_maxima(device, cells, "requested channel count exceeds maximum")?;
        let count = |channel: Channel| {
            let attribute = LinkAttribute::Channel(channel);
            let told =
                cells.iter().find(|(key, _)| *key.attribute() == attribute).and_then(|(_, value)| value.as_int());
            told.or(device.number(&attribute)).unwrap_or(0)
        };
        let combined = count(Channel::Combined);
        if combined == 0 && (count(Channel::Rx) == 0 || count(Channel::Tx) == 0) {
            let words = "requested channel counts would result in no RX or TX channel being configured";
            return Err(Refused::words(libc::EINVAL, words));
        }
        if store(device, cells) {
            device.make_queues(cpus);
        }
        Ok(())
    }

    /// net/ethtool/rings.c `ethnl_set_rings`, and the driver's rounding.
    fn write_rings(&mut self, index: u32, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
        if !device.values.keys().any(|held| matches!(held, LinkAttribute::Ring(_))) {
            return Err(Refused::errno(libc::EOPNOTSUPP));
        }
        check_maxima(device, cells, "requested ring size exceeds maximum")?;
        if cells.iter().any(|(key, _)| !device.values.contains_key(key.attribute())) {
            return Err(Refused::errno(libc::EOPNOTSUPP));
        }
        let rounding = device.rounding;
        let mut cells = cells.to_vec();
        // What no driver is told it is given as it holds it; this one rounds that, too.
        if let (Rounding::Buffers, Some((key, _))) = (rounding, cells.first()) {
            let rx = key.with(LinkAttribute::Ring(Ring::Rx));
            let held = device.values.get(rx.attribute()).cloned();
            cells.extend(held.filter(|_| cells.iter().all(|(key, _)| *key != rx)).map(|held| (rx, held)));
        }
        let rounded = cells.iter().map(|(key, value)| {
            let is_length =
                matches!(key.attribute(), LinkAttribute::Ring(Ring::Rx | Ring::Tx | Ring::RxMini | Ring::RxJumbo));
            let Some(told) = value.as_int().filter(|_| is_length) else { return (key.clone(), value.clone()) };
            let most = limit(key.attribute()).and_then(|limit| device.number(&limit)).unwrap_or(i64::MAX);
            let buffers = if *key.attribute() == LinkAttribute::Ring(Ring::Rx) { device.buffers() } else { 1 };
            (key.clone(), Value::Int(rounding.round(told, buffers).min(most)))
        });
        let rounded: Vec<(LinkKey, Value)> = rounded.collect();
        store(device, &rounded);
        Ok(())
    }

    /// net/ethtool/features.c `ethnl_set_features`: what is fixed is not taken, the rest is.
    fn write_features(&mut self, index: u32, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
        for (key, _) in cells {
            if let LinkAttribute::Feature(name) = key.attribute()
                && !features::NAMES.contains(&name.as_str())
            {
                return Err(Refused::NoName(name.as_str().to_owned()));
            }
        }
        let never = |(key, _): &(LinkKey, Value)| matches!(key.attribute(), LinkAttribute::Feature(name) if features::NEVER_CHANGED.contains(&name.as_str()));
        if cells.iter().any(never) {
            return Err(Refused::words(libc::EINVAL, "attempt to change non-ethtool features"));
        }
        for (key, value) in cells {
            if let (LinkAttribute::Feature(name), Value::Switch { wanted, active: _ }) = (key.attribute(), value) {
                device.features.want(name.as_str(), *wanted);
            }
        }
        self.update_features(index);
        Ok(())
    }

    /// net/ethtool/coalesce.c, net/ethtool/pause.c: what the device has not, makes the message fail.
    fn write_plain(&mut self, index: u32, cells: &[(LinkKey, Value)], words: &'static str) -> Result<(), Refused> {
        let Some(device) = self.devices.get_mut(&index) else { return Err(Refused::gone()) };
        let group = cells.first().map(|(key, _)| std::mem::discriminant(key.attribute()));
        if !device.values.keys().any(|held| Some(std::mem::discriminant(held)) == group) {
            return Err(Refused::errno(libc::EOPNOTSUPP));
        }
        if cells.iter().any(|(key, _)| !device.values.contains_key(key.attribute())) {
            let words = Some(words).filter(|words| !words.is_empty());
            return Err(Refused::Kernel { errno: libc::EOPNOTSUPP, words });
        }
        store(device, cells);
        Ok(())
    }
}

fn device_cell((key, value): &(LinkKey, Value)) -> Option<(Attribute, i64)> {
    match (key.attribute(), value) {
        (LinkAttribute::Device(device), Value::Int(to)) => Some((*device, *to)),
        _ => None,
    }
}

/// The most that one of a device's values can be, and the kernel's words for more.
fn ceiling(device: &Device, attribute: Attribute) -> Option<(i64, &'static str)> {
    let told = |attribute| device.number(&LinkAttribute::Device(attribute)).unwrap_or(i64::MAX);
    match attribute {
        Attribute::GsoMaxSize => Some((told(Attribute::TsoMaxSize).min(LARGEST), "too big gso_max_size")),
        Attribute::GsoMaxSegs => Some((told(Attribute::TsoMaxSegs).min(SEGMENTS), "too big gso_max_segs")),
        Attribute::GroMaxSize => Some((LARGEST, "too big gro_max_size")),
        Attribute::GsoIpv4MaxSize => Some((told(Attribute::TsoMaxSize).min(LARGEST), "too big gso_ipv4_max_size")),
        Attribute::GroIpv4MaxSize => Some((LARGEST, "too big gro_ipv4_max_size")),
        Attribute::MtuMin
        | Attribute::MtuMax
        | Attribute::Mtu
        | Attribute::Txqueuelen
        | Attribute::TsoMaxSize
        | Attribute::TsoMaxSegs => None,
    }
}

/// What could be sent at all.
fn check_shape(attribute: &LinkAttribute, value: &Value) -> Result<(), Refused> {
    if attribute.is_read_only() {
        return Err(Refused::Invalid("it only tells, and cannot be set"));
    }
    let fits = match (attribute, value) {
        (LinkAttribute::Queue(_), _) => true,
        (LinkAttribute::Feature(_) | LinkAttribute::Pause(_), Value::Switch { .. }) => true,
        (LinkAttribute::Ring(Ring::TxPush | Ring::RxPush), value) => matches!(value, Value::Switch { .. }),
        (LinkAttribute::Coalesce(_), Value::Switch { .. }) => true,
        (_, value) => value.as_int().is_some_and(|number| u32::try_from(number).is_ok()),
    };
    if fits { Ok(()) } else { Err(SHAPE) }
}

fn check_maxima(device: &Device, cells: &[(LinkKey, Value)], words: &'static str) -> Result<(), Refused> {
    let past = |(key, value): &(LinkKey, Value)| {
        let most = limit(key.attribute()).map(|limit| device.number(&limit).unwrap_or(0));
        most.zip(value.as_int()).is_some_and(|(most, to)| to > most)
    };
    if cells.iter().any(past) { Err(Refused::words(libc::EINVAL, words)) } else { Ok(()) }
}

/// Stores what the device has; whether anything is not as it was.
fn store(device: &mut Device, cells: &[(LinkKey, Value)]) -> bool {
    let mut changed = false;
    for (key, value) in cells {
        if let Some(held) = device.values.get_mut(key.attribute()).filter(|held| *held != value) {
            held.clone_from(value);
            changed = true;
        }
    }
    changed
}
