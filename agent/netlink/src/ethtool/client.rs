//! Questions and settings.

use std::sync::Arc;

use super::bitset;
use super::bitset::Bitset;
use super::channels::Channels;
use super::channels::ChannelsChange;
use super::coalesce::Coalesce;
use super::coalesce::CoalesceChange;
use super::device;
use super::device::Bits;
use super::device::Device;
use super::features;
use super::features::Features;
use super::features::FeaturesOutcome;
use super::link::LinkModes;
use super::link::LinkState;
use super::number::CAN_DUMP;
use super::number::from_kernel;
use super::number::to_kernel;
use super::pause::Pause;
use super::pause::PauseChange;
use super::private_flags;
use super::private_flags::PrivateFlags;
use super::rings::Rings;
use super::rings::RingsChange;
use super::rss::Rss;
use super::rss::RssChange;
use super::settings::Settings;
use super::strings;
use super::strings::StringSet;
use super::strings::StringSetId;
use crate::error::Error;
use crate::generic::Family;
use crate::generic::GenericMessage;
use crate::generic::body;
use crate::socket::Ack;
use crate::socket::Protocol;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// Name of the family.
pub(super) const FAMILY: &str = "ethtool";
/// `ETHTOOL_GENL_VERSION`
const VERSION: u8 = 1;

/// A socket for ethtool, in the network namespace of the thread that opened it.
///
/// Errors of all methods: [`Error::Refused`] with the kernel's words, of which [`Error::is_unsupported`] says that driver
/// or device does not have it and [`Error::is_gone`] that there is no such device; [`Error::NoCommand`] if the kernel is
/// too old. A dump fails as a whole if one device fails in another way than by not having it (net/ethtool/netlink.c
/// `ethnl_default_dumpit`): ask for each device then.
#[derive(Debug)]
pub struct Ethtool {
    socket: RequestSocket,
    family: Family,
    /// Names of features; the kernel's own, so they stay.
    names: Option<Arc<StringSet>>,
}

macro_rules! reads {
    ($($kind:ident $one:ident $all:ident: $what:literal;)*) => {
        $(
            #[doc = concat!("Reads the ", $what, " of a device.")]
            ///
            /// # Errors
            /// See [`Ethtool`].
            pub fn $one(&mut self, device: Device<'_>) -> Result<$kind, Error> {
                self.get(device, Bits::Compact)
            }

            #[doc = concat!("Reads the ", $what, " of all devices that have any, with one request.")]
            ///
            /// # Errors
            /// See [`Ethtool`].
            pub fn $all(&mut self) -> Result<Vec<$kind>, Error> {
                self.dump(Bits::Compact)
            }
        )*
    };
}

macro_rules! writes {
    ($($change:ident $set:ident $command:ident: $what:literal;)*) => {
        $(
            #[doc = concat!("Sets ", $what, " of a device. Answers with what the kernel says although it did, if anything.")]
            ///
            /// # Errors
            /// See [`Ethtool`].
            pub fn $set(&mut self, device: Device<'_>, change: &$change) -> Result<Ack, Error> {
                let what = concat!("set ", $what);
                self.set(device, what, to_kernel::$command, |request| change.write(request))
            }
        )*
    };
}

impl Ethtool {
    /// Opens a socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`Error::NoFamily`] if the kernel was built without `CONFIG_ETHTOOL_NETLINK`.
    pub fn open() -> Result<Ethtool, Error> {
        let mut socket = RequestSocket::open(Protocol::Generic)?;
        let family = Family::resolve(&mut socket, FAMILY)?;
        Ok(Ethtool { socket, family, names: None })
    }

    reads! {
        Rings rings dump_rings: "rings";
        Channels channels dump_channels: "channels";
        Coalesce coalesce dump_coalesce: "coalescing";
        Pause pause dump_pause: "pause";
        LinkModes link_modes dump_link_modes: "link modes";
        LinkState link_state dump_link_state: "link state";
        Rss rss dump_rss: "receive-side scaling (since Linux 6.2, of all devices since 6.11)";
    }

    writes! {
        RingsChange set_rings RINGS_SET: "rings";
        ChannelsChange set_channels CHANNELS_SET: "channels";
        CoalesceChange set_coalesce COALESCE_SET: "coalescing";
        PauseChange set_pause PAUSE_SET: "pause";
        RssChange set_rss RSS_SET: "receive-side scaling";
    }

    /// Reads the features of a device.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn features(&mut self, device: Device<'_>) -> Result<Features, Error> {
        let names = self.feature_names()?;
        let request = self.request(Some(device), "get features", to_kernel::FEATURES_GET, Bits::Compact)?;
        Ok(self.socket.one(request, |message| read_features(message, &names))?.0)
    }

    /// Reads the features of all devices, with one request.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn dump_features(&mut self) -> Result<Vec<Features>, Error> {
        let names = self.feature_names()?;
        let request = self.request(None, "get features", to_kernel::FEATURES_GET, Bits::Compact)?;
        self.socket.dump(request, |message| read_features(message, &names).map(Some))
    }

    /// Sets features by the kernel's names for them. That it succeeds does not say that all of them are as asked: the
    /// outcome does.
    ///
    /// # Errors
    /// [`Error::NoName`] for a feature that this kernel does not have; see [`Ethtool`].
    pub fn set_features(&mut self, device: Device<'_>, wanted: &[(&str, bool)]) -> Result<FeaturesOutcome, Error> {
        let names = self.feature_names()?;
        let mut request = self.request(Some(device), "set features", to_kernel::FEATURES_SET, Bits::Compact)?;
        let mut set = Bitset::none_of(u32::try_from(names.len()).unwrap_or(u32::MAX));
        for (name, on) in wanted {
            let unknown = || Error::NoName { request: request.what.clone(), name: (*name).to_owned() };
            set.set(names.index(name).ok_or_else(unknown)?, *on);
        }
        set.write(&mut request.body, features::number::WANTED);
        let mut outcome = FeaturesOutcome::default();
        let ack = self.socket.exchange(request, |message| {
            outcome = FeaturesOutcome::read(message, &names)?;
            Ok(())
        })?;
        outcome.warning = ack.warning;
        Ok(outcome)
    }

    /// The names of features that this kernel has.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn feature_names(&mut self) -> Result<Arc<StringSet>, Error> {
        match &self.names {
            Some(names) => Ok(Arc::clone(names)),
            None => {
                let names = Arc::new(self.strings(StringSetId::Features, None)?);
                Ok(Arc::clone(self.names.insert(names)))
            }
        }
    }

    /// Reads a string set, of the kernel or of a device, as the set says.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn strings(&mut self, id: StringSetId, device: Option<Device<'_>>) -> Result<StringSet, Error> {
        let what = what(device, "get string set");
        if let Some(Device::Name(name)) = device {
            whole(&what, name)?;
        }
        let request = Request::new(what, self.family.id, strings::request(id, device));
        Ok(self.socket.one(request, |message| strings::read(message, id))?.0)
    }

    /// Reads the private flags of a device.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn private_flags(&mut self, device: Device<'_>) -> Result<PrivateFlags, Error> {
        self.get(device, Bits::Named)
    }

    /// Reads the private flags of all devices that have any, with one request.
    ///
    /// # Errors
    /// See [`Ethtool`].
    pub fn dump_private_flags(&mut self) -> Result<Vec<PrivateFlags>, Error> {
        self.dump(Bits::Named)
    }

    /// Sets private flags of a device by name.
    ///
    /// # Errors
    /// [`Error::Refused`], `bit name not found`, for a flag that the driver does not have; see [`Ethtool`].
    pub fn set_private_flags(&mut self, device: Device<'_>, flags: &[(&str, bool)]) -> Result<Ack, Error> {
        for (name, _) in flags {
            whole(&what(Some(device), "set private flags"), name)?;
        }
        self.set(device, "set private flags", to_kernel::PRIVFLAGS_SET, |request| {
            bitset::write_list(request, private_flags::FLAGS, flags);
        })
    }

    fn request(
        &self,
        device: Option<Device<'_>>,
        action: &'static str,
        command: u8,
        bits: Bits,
    ) -> Result<Request, Error> {
        let what = what(device, action);
        let operation = self.family.operations.get(&command.into());
        // A newer kernel may have the command, but not for all devices at once.
        if operation.is_none_or(|operation| device.is_none() && operation.flags & CAN_DUMP == 0) {
            return Err(Error::NoCommand { request: what.into() });
        }
        if let Some(Device::Name(name)) = device {
            whole(&what, name)?;
        }
        let mut request = body(command, VERSION);
        device::write(&mut request, device, bits);
        Ok(Request::new(what, self.family.id, request))
    }

    fn get<T: Settings>(&mut self, device: Device<'_>, bits: Bits) -> Result<T, Error> {
        let request = self.request(Some(device), T::ASK, T::GET, bits)?;
        Ok(self.socket.one(request, T::read)?.0)
    }

    fn dump<T: Settings>(&mut self, bits: Bits) -> Result<Vec<T>, Error> {
        let request = self.request(None, T::ASK, T::GET, bits)?;
        self.socket.dump(request, |message| T::read(message).map(Some))
    }

    fn set(
        &mut self,
        device: Device<'_>,
        action: &'static str,
        command: u8,
        write: impl FnOnce(&mut Writer),
    ) -> Result<Ack, Error> {
        let mut request = self.request(Some(device), action, command, Bits::Compact)?;
        write(&mut request.body);
        self.socket.acknowledged(request)
    }
}

fn what(device: Option<Device<'_>>, action: &str) -> String {
    device.map_or_else(|| format!("all devices: {action}"), |device| format!("{device}: {action}"))
}

/// The kernel reads a name up to its first NUL: with one inside, it would be somebody else's.
fn whole(what: &str, name: &str) -> Result<(), Error> {
    if name.contains('\0') {
        return Err(Error::NoName { request: what.to_owned().into(), name: name.escape_debug().to_string() });
    }
    Ok(())
}

pub(super) fn read_features(message: &Message<'_>, names: &Arc<StringSet>) -> Result<Features, Malformed> {
    let GenericMessage { command, attributes, .. } = GenericMessage::parse(message)?;
    if command != from_kernel::FEATURES_GET_REPLY {
        return Err(Malformed::Missing { what: "ETHTOOL_MSG_FEATURES_GET_REPLY" });
    }
    Features::parse(device::read(attributes.clone())?, attributes, names)
}
