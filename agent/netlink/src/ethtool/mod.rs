//! ethtool by netlink: settings of network devices, and news of them.
//!
//! [`Ethtool`] reads and sets: features, rings, channels, coalescing, pause, receive-side scaling, private flags; and reads
//! link modes, link state and string sets. Each can be read of one device, or of all devices of the namespace with one
//! request. [`Monitor`] hears of changes, whoever made them, by netlink or by the older ioctl.
//!
//! A value that a device, its driver or the kernel does not have is `None`; in a dump a device that has nothing of a kind
//! is left out. Devices are named by number and name, of which the name may change.
//!
//! Sources: Documentation/networking/ethtool-netlink.rst for meanings, include/uapi/linux/ethtool_netlink.h and, since
//! Linux 6.14, ethtool_netlink_generated.h for numbers. Needs a kernel with `CONFIG_ETHTOOL_NETLINK`, since Linux 5.6;
//! what is younger than Linux 6.1 says so.
//!
//! ```no_run
//! use trimtab_netlink::ethtool::{Device, Ethtool, RingsChange};
//!
//! let mut ethtool = Ethtool::open()?;
//! let rings = ethtool.rings(Device::Name("eth0"))?;
//! if rings.rx < rings.rx_max {
//!     let change = RingsChange { rx: rings.rx_max, ..RingsChange::default() };
//!     ethtool.set_rings(Device::Index(rings.device.index), &change)?;
//! }
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

mod bitset;
mod channels;
mod client;
mod coalesce;
#[cfg(any(test, feature = "decoders"))]
mod decode;
mod device;
mod features;
mod link;
mod monitor;
mod number;
mod pause;
mod private_flags;
mod rings;
mod rss;
mod settings;
mod strings;
#[cfg(test)]
mod tests;

pub use bitset::Bitset;
pub use channels::Channels;
pub use channels::ChannelsChange;
pub use client::Ethtool;
pub use coalesce::Coalesce;
pub use coalesce::CoalesceChange;
pub use coalesce::Moderation;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use decode::decode;
pub use device::Device;
pub use device::DeviceId;
pub use features::Feature;
pub use features::Features;
pub use features::FeaturesOutcome;
pub use link::Duplex;
pub use link::LinkModes;
pub use link::LinkState;
pub use monitor::Change;
pub use monitor::Monitor;
pub use monitor::News;
pub use pause::Pause;
pub use pause::PauseChange;
pub use private_flags::PrivateFlags;
pub use rings::Rings;
pub use rings::RingsChange;
pub use rings::TcpDataSplit;
pub use rss::Rss;
pub use rss::RssChange;
pub use strings::StringSet;
pub use strings::StringSetId;
