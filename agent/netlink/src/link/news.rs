//! News of interfaces.

use super::Link;
use super::decode;
use super::decode::Said;
use super::header::Header;
use super::number;
use super::number::attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;

/// News of an interface. Which of its properties have changed the kernel does not say, nor what they were: whoever wants to
/// know, a rename say, compares with what was known under the index.
///
/// Some changes it does not tell at all: those of gso and gro limits never; those of alias and group only of
/// an interface that is up (net/core/dev.c `netdev_state_change`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is here newly: made, found by a driver, or moved from another namespace.
    New(Box<Link>),
    /// Something of it may be other than it was.
    Changed {
        /// As it is now.
        link: Box<Link>,
        /// What happened, if the kernel says.
        cause: Option<Cause>,
    },
    /// It went to another namespace.
    Moved {
        /// As it was here.
        link: Box<Link>,
        /// The namespace by the number that this one knows it by; none if by none.
        namespace: Option<i32>,
        /// Its index there; none if the kernel does not say: before Linux 5.0.
        index: Option<u32>,
    },
    /// It exists no longer.
    Gone(Box<Link>),
}

/// `IFLA_EVENT_*` (include/uapi/linux/if_link.h): what happened to an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It lost all its settings and was set up anew.
    Reboot,
    /// Its features are others.
    Features,
    /// A bond uses another of its members.
    BondingFailover,
    /// Its neighbours shall learn of it anew.
    NotifyPeers,
    /// Its multicast memberships shall be told anew.
    IgmpResend,
    /// Options of a bond are others.
    BondingOptions,
    /// Something that is not in this list.
    Other(u32),
}

impl Cause {
    fn of(number: u32) -> Option<Cause> {
        match number {
            0 => None,
            1 => Some(Cause::Reboot),
            2 => Some(Cause::Features),
            3 => Some(Cause::BondingFailover),
            4 => Some(Cause::NotifyPeers),
            5 => Some(Cause::IgmpResend),
            6 => Some(Cause::BondingOptions),
            other => Some(Cause::Other(other)),
        }
    }
}

impl Change {
    /// The interface, as it is or last was.
    #[must_use]
    pub fn link(&self) -> &Link {
        match self {
            Change::New(link) | Change::Changed { link, .. } | Change::Moved { link, .. } | Change::Gone(link) => link,
        }
    }

    /// The news that a message holds; none if it is no news of an interface: bridges tell of their ports, and wireless
    /// drivers of their own matters, in messages of the same type.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        let kind = message.header.kind;
        if kind != number::NEW && kind != number::DELETE {
            return Ok(None);
        }
        let (header, attributes) = Header::split(message)?;
        if header.family != number::ANY_FAMILY || is_wireless(attributes.clone())? {
            return Ok(None);
        }
        let Said { link, event, new_namespace, new_index } = decode::said(header, attributes)?;
        let link = Box::new(link);
        Ok(Some(match kind {
            number::DELETE if new_namespace.is_some() || new_index.is_some() => {
                let namespace = new_namespace.filter(|number| *number >= 0);
                Change::Moved { link, namespace, index: new_index }
            }
            number::DELETE => Change::Gone(link),
            // All flags at once change only when an interface appears (net/core/rtnetlink.c `rtnl_configure_link`,
            // net/core/dev.c `register_netdevice` and `__dev_change_net_namespace`).
            _ if header.changed == u32::MAX => Change::New(link),
            _ => Change::Changed { link, cause: event.and_then(Cause::of) },
        }))
    }
}

/// `IFLA_WIRELESS` comes without anything else (net/wireless/wext-core.c `rtnetlink_ifinfo_prep`).
fn is_wireless(attributes: Attributes<'_>) -> Result<bool, Malformed> {
    Ok(attributes.find_kind(attribute::WIRELESS)?.is_some())
}
