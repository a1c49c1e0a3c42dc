//! News of settings: the multicast group `monitor`.

use std::sync::Arc;

use super::channels::Channels;
use super::client::Ethtool;
use super::client::FAMILY;
use super::coalesce::Coalesce;
use super::device;
use super::device::DeviceId;
use super::features::Features;
use super::link::LinkModes;
use super::number::from_kernel;
use super::pause::Pause;
use super::rings::Rings;
use super::rss::Rss;
use super::settings::Settings;
use super::strings::StringSet;
use crate::error::Error;
use crate::generic::Family;
use crate::generic::GenericMessage;
use crate::socket;
use crate::socket::EventSocket;
use crate::socket::Protocol;
use crate::socket::RequestSocket;
use crate::wire::Malformed;
use crate::wire::Message;

/// A change to a device, with what it has now. The kernel does not say who made it, and does not tell of a setting that
/// was set to what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `ETHTOOL_MSG_FEATURES_NTF`: also if the kernel changed them itself.
    Features(Features),
    /// `ETHTOOL_MSG_RINGS_NTF`
    Rings(Rings),
    /// `ETHTOOL_MSG_CHANNELS_NTF`
    Channels(Channels),
    /// `ETHTOOL_MSG_COALESCE_NTF`
    Coalesce(Coalesce),
    /// `ETHTOOL_MSG_PAUSE_NTF`
    Pause(Pause),
    /// `ETHTOOL_MSG_RSS_NTF`, since Linux 6.17.
    Rss(Rss),
    /// `ETHTOOL_MSG_LINKMODES_NTF`
    LinkModes(LinkModes),
    /// `ETHTOOL_MSG_LINKINFO_NTF`
    LinkInfo(DeviceId),
    /// `ETHTOOL_MSG_PRIVFLAGS_NTF`, which comes without names.
    PrivateFlags(DeviceId),
    /// Anything else.
    Other {
        /// `ETHTOOL_MSG_*_NTF`
        command: u8,
        /// The device.
        device: DeviceId,
    },
}

impl Change {
    /// The device.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        match self {
            Change::Features(features) => &features.device,
            Change::Rings(rings) => &rings.device,
            Change::Channels(channels) => &channels.device,
            Change::Coalesce(coalesce) => &coalesce.device,
            Change::Pause(pause) => &pause.device,
            Change::Rss(rss) => &rss.device,
            Change::LinkModes(modes) => &modes.device,
            Change::LinkInfo(device) | Change::PrivateFlags(device) | Change::Other { device, .. } => device,
        }
    }

    pub(super) fn read(message: &Message<'_>, names: &Arc<StringSet>) -> Result<Change, Malformed> {
        let GenericMessage { command, attributes, .. } = GenericMessage::parse(message)?;
        let device = device::read(attributes.clone())?;
        Ok(match command {
            from_kernel::FEATURES_NTF => Change::Features(Features::parse(device, attributes, names)?),
            from_kernel::RINGS_NTF => Change::Rings(Rings::parse(device, attributes)?),
            from_kernel::CHANNELS_NTF => Change::Channels(Channels::parse(device, attributes)?),
            from_kernel::COALESCE_NTF => Change::Coalesce(Coalesce::parse(device, attributes)?),
            from_kernel::PAUSE_NTF => Change::Pause(Pause::parse(device, attributes)?),
            from_kernel::RSS_NTF => Change::Rss(Rss::parse(device, attributes)?),
            from_kernel::LINKMODES_NTF => Change::LinkModes(LinkModes::parse(device, attributes)?),
            from_kernel::LINKINFO_NTF => Change::LinkInfo(device),
            from_kernel::PRIVFLAGS_NTF => Change::PrivateFlags(device),
            _ => Change::Other { command, device },
        })
    }
}

/// What a [`Monitor`] has to tell.
pub type News = socket::News<Change>;

/// Listens to changes of settings of all devices of the namespace of the thread that opened it.
#[derive(Debug)]
pub struct Monitor {
    socket: EventSocket,
    family: u16,
    names: Arc<StringSet>,
}

impl Monitor {
    /// Opens a socket in the network namespace of the calling thread, with room for so many bytes of changes that wait to
    /// be read; see [`EventSocket::open`].
    ///
    /// # Errors
    /// [`Error::NoFamily`] if the kernel was built without `CONFIG_ETHTOOL_NETLINK`.
    pub fn open(buffer: usize) -> Result<Monitor, Error> {
        let family = Family::resolve(&mut RequestSocket::open(Protocol::Generic)?, FAMILY)?;
        let socket = EventSocket::open(Protocol::Generic, buffer)?;
        socket.join(family.group("monitor")?)?;
        Ok(Monitor { socket, family: family.id, names: Ethtool::open()?.feature_names()? })
    }

    /// What has come, without waiting. Call it until it is [`News::Idle`] before waiting again.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn read(&mut self) -> Result<News, Error> {
        let Monitor { socket, family, names } = self;
        let is_ours = |message: &Message<'_>| message.header.kind == *family;
        socket.news(|message| is_ours(message).then(|| Change::read(message, names)).transpose())
    }
}

socket::waits!(Monitor);
