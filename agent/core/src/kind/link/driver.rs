//! What is known of drivers: how they round, and what they do to traffic when they are set.
//!
//! From the drivers' `set_ringparam`, `set_channels` and `set_coalesce` in Linux 6.12 and 7.2. A driver that is not here
//! may do any of these.

use super::topology;
use crate::address::link::Coalesce;
use crate::address::link::LinkAttribute;
use crate::address::link::QueueAttribute;
use crate::address::link::Ring;
use crate::facts::Facts;

/// How a number that was asked for becomes the one that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// It is taken as it is.
    Exact,
    /// Up to the next multiple.
    Up(i64),
    /// Down to a multiple.
    Down(i64),
    /// Up to the next power of two.
    UpToPower,
    /// Down to a power of two.
    DownToPower,
    /// Into the driver's own limits, of which the lower one is not told: what is below this may become as much as this.
    AtLeast(i64),
    /// Up to the next multiple, but to no other than the last one up to this.
    UpWithin(i64, i64),
    /// Kept as so many in a second, rounded down to a multiple of four, and told as the time between them, rounded down again.
    PerSecond,
}

/// The roundings that a driver may apply to a ring.
fn ring(driver: &str) -> &'static [Rounding] {
    match driver {
        "e1000" | "e1000e" | "igb" | "igbvf" | "igc" | "ixgbe" | "ixgbevf" | "fm10k" => {
            &[Rounding::Up(8), Rounding::AtLeast(80)]
        }
        "i40e" | "ice" | "iavf" => &[Rounding::Up(32), Rounding::AtLeast(64)],
        // By 32 for each buffer of a packet, of which there are up to three. How many there are follows the MTU only while
        // the device is up, so none of them can be ruled out (`vmxnet3_set_ringparam`, `vmxnet3_adjust_rx_ring_size`;
        // measured on 6.1 and 6.12). Devices of version 7 and later round down to a power of two besides: where that
        // makes another number, both are told, as there is no telling these devices from others.
        "vmxnet3" => &[Rounding::UpWithin(32, MOST), Rounding::UpWithin(64, MOST), Rounding::UpWithin(96, MOST)],
        "mlx4_en" | "mlx5_core" => &[Rounding::UpToPower, Rounding::AtLeast(64)],
        "ena" => &[Rounding::DownToPower, Rounding::AtLeast(256)],
        "hv_netvsc" => &[Rounding::AtLeast(10)],
        "virtio_net" | "veth" | "gve" => &[Rounding::Exact],
        _ => &[Rounding::Up(8), Rounding::Up(32), Rounding::UpToPower],
    }
}

/// The roundings that may befall a number on its way into the kernel.
pub fn roundings(attribute: &LinkAttribute, interface: &str, facts: &Facts) -> &'static [Rounding] {
    let driver = topology::driver(facts, interface);
    match attribute {
        LinkAttribute::Ring(Ring::Rx | Ring::Tx | Ring::RxMini | Ring::RxJumbo) => ring(driver),
        LinkAttribute::Coalesce(
            Coalesce::RxUsecs | Coalesce::TxUsecs | Coalesce::RxUsecsHigh | Coalesce::RxUsecsLow,
        ) => match driver {
            // Their registers count in 2 µs (`ITR_GRAN_S`, `I40E_ITR_MASK`).
            "i40e" | "ice" | "iavf" => &[Rounding::Up(2), Rounding::Down(2)],
            "virtio_net" | "veth" => &[Rounding::Exact],
            // `e1000_set_coalesce`: of 1500 µs it makes 664 interrupts a second, which are 1506 µs (measured on 6.12).
            "e1000" | "e1000e" => &[Rounding::PerSecond],
            _ => &[Rounding::Exact, Rounding::Down(2), Rounding::Up(2)],
        },
        // A mask over a table (net/core/net-sysfs.c `store_rps_dev_flow_table_cnt`).
        LinkAttribute::Queue(queue) if queue.attribute == QueueAttribute::RpsFlowCnt => &[Rounding::UpToPower],
        LinkAttribute::Device(_)
        | LinkAttribute::Channel(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Feature(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_)
        | LinkAttribute::Queue(_) => &[Rounding::Exact],
    }
}

impl Rounding {
    /// Whether `told` becomes `found`.
    pub fn takes(self, told: i64, found: i64) -> bool {
        told == found
            || match self {
                Rounding::Exact => false,
                Rounding::Up(step) => told > 0 && found > told && found - told < step && found % step == 0,
                Rounding::Down(step) => found >= 0 && found < told && told - found < step && found % step == 0,
                Rounding::UpToPower => told > 0 && found > told && is_power(found) && found / 2 < told,
                Rounding::DownToPower => found > 0 && found < told && is_power(found) && told / 2 < found,
                Rounding::UpWithin(step, most) => told > 0 && found == up_within(told, step, most),
                Rounding::AtLeast(least) => told > 0 && told < found && found <= least,
                Rounding::PerSecond => {
                    let other = |number: i64| 1_000_000_i64.checked_div(number).filter(|_| number > 0);
                    other(told).and_then(|rate| other(rate & !3)) == Some(found)
                }
            }
    }
}

fn up_within(told: i64, step: i64, most: i64) -> i64 {
    told.saturating_add(step - 1).min(most) / step * step
}

fn is_power(number: i64) -> bool {
    u64::try_from(number).is_ok_and(u64::is_power_of_two)
}

/// What setting a value does to traffic.
pub fn disrupts(attribute: &LinkAttribute, interface: &str, facts: &Facts) -> Option<&'static str> {
    let driver = topology::driver(facts, interface);
    let hardware = topology::is_hardware(facts, interface);
    match attribute {
        LinkAttribute::Channel(_) => match driver {
            "veth" => Some("takes the carrier of both ends away for a moment"),
            "virtio_net" | "tun" => Some("spreads flows over its queues anew"),
            "mlx5_core" => Some("stops its queues for a moment, spreads the RSS table anew"),
            _ if !hardware => None,
            _ => Some("resets the link, spreads the RSS table anew"),
        },
        LinkAttribute::Ring(_) => match driver {
            "virtio_net" => Some("drops what its queues hold"),
            "mlx5_core" => Some("stops its queues for a moment"),
            _ if !hardware => None,
            _ => Some("resets the link"),
        },
        LinkAttribute::Feature(name) => match (driver, name.as_str()) {
            _ if !hardware => None,
            ("virtio_net", _) => None,
            ("e1000" | "e1000e" | "igb" | "igc" | "ixgbe", "rx-lro" | "rx-all" | "rx-fcs" | "rx-ntuple-filter") => {
                Some("resets the link")
            }
            (_, "rx-lro" | "rx-gro-hw" | "rx-all" | "loopback") => Some("may reset the link"),
            (_, _) => None,
        },
        LinkAttribute::Pause(_) if hardware => Some("may take the link down while it is negotiated anew"),
        LinkAttribute::Device(_) | LinkAttribute::Coalesce(_) | LinkAttribute::Pause(_) | LinkAttribute::Queue(_) => {
            None
        }
    }
}

/// Whether a driver has one switch for both directions of VLAN tags (`e1000_fix_features`, `igb_fix_features`): sending
/// follows receiving.
pub fn couples_vlan_tags(driver: &str) -> bool {
    matches!(driver, "e1000" | "e1000e" | "igb" | "igbvf" | "igc" | "atl1" | "atl1c" | "atl1e" | "atl2" | "alx")
}

/// The longest rings of vmxnet3 (`VMXNET3_RX_RING_MAX_SIZE`).
const MOST: i64 = 4096;
/// The MTU up to which a packet takes one buffer of vmxnet3 (`VMXNET3_MAX_SKB_BUF_SIZE` less `VMXNET3_MAX_ETH_HDR_SIZE`);
/// behind it comes a page for each.
const ONE_BUFFER: i64 = 3072 - 22;
const PAGE: i64 = 4096;

/// Whether a driver rounds the receive ring that it has whenever any other ring is set (`vmxnet3_set_ringparam`). A new MTU
/// alone changes only how it rounds, not what it tells of the ring.
pub fn refits_rings(driver: &str) -> bool {
    driver == "vmxnet3"
}

/// What such a driver makes of a receive ring of this length where packets are of this size.
pub fn refitted(length: i64, mtu: i64) -> i64 {
    let buffers = 1 + (mtu - ONE_BUFFER).max(0).saturating_add(PAGE - 1) / PAGE;
    up_within(length, buffers.saturating_mul(32), MOST)
}

/// Whether a driver sets XPS of all its queues when their number changes (`netif_set_xps_queue`). Most do.
pub fn sets_xps(driver: &str) -> bool {
    !matches!(driver, "veth" | "tun" | "dummy" | "netdevsim")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `ethtool -G` made them on Linux 6.1 and 6.12.
    #[test]
    fn rings_of_vmxnet3_are_fitted_to_packets() {
        for (length, mtu, found) in [
            (500, 1500, 512),
            (4096, 1500, 4096),
            (500, 4000, 512),
            (4096, 4000, 4096),
            (512, 9000, 576),
            (2000, 9000, 2016),
            (4096, 9000, 4032),
        ] {
            assert_eq!(refitted(length, mtu), found, "{length} {mtu}");
            assert!(ring("vmxnet3").iter().any(|rounding| rounding.takes(length, found)), "{length} {found}");
        }
        for (told, found) in [(500, 480), (500, 544), (512, 640), (4096, 4000), (0, 32), (-1, 0)] {
            assert!(!ring("vmxnet3").iter().any(|rounding| rounding.takes(told, found)), "{told} {found}");
        }
        assert_eq!(refitted(i64::MAX, i64::MAX), 0);
    }

    #[test]
    fn interrupts_per_second_make_other_microseconds() {
        for (told, found) in [(30, 30), (1500, 1506), (9000, 9259)] {
            assert!(Rounding::PerSecond.takes(told, found), "{told} {found}");
        }
        for (told, found) in [(1500, 1501), (1500, 1494), (30, 31), (0, 1), (-1, -1_000_000), (2_000_000, 0)] {
            assert!(!Rounding::PerSecond.takes(told, found), "{told} {found}");
        }
    }
}
