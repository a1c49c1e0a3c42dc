//! Waiting for a link to come back behind a change that resets it.
//!
//! Most drivers stop and start the device when its rings, channels or MTU change. A bond lives on its other members
//! meanwhile, so the next one is not touched before this one carries again.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use trimtab_core::address::LinkKey;
use trimtab_core::address::link::Device;
use trimtab_core::address::link::LinkAttribute;
use trimtab_netlink::link;
use trimtab_netlink::link::Link;

use super::Links;
use super::Unsent;

/// Longer than any autonegotiation (10GBASE-T takes some seconds).
const LONGEST: Duration = Duration::from_secs(20);
/// Carrier is lost a little after the request is answered, so its first look is not the last.
const STEP: Duration = Duration::from_millis(20);
/// Bonds and teams: what goes on while one member is away.
const REDUNDANT: &[&str] = &["bond", "team"];

/// What is to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing: the link was down, carries alone, or is not reset.
    Nothing,
    /// The carrier of the device of this number.
    Carrier(u32),
}

impl Waiting {
    /// For a device as it was before it is written.
    pub(super) fn before(link: &Link, key: &LinkKey) -> Waiting {
        let resets = match key.attribute() {
            LinkAttribute::Device(device) => *device == Device::Mtu,
            LinkAttribute::Channel(_) | LinkAttribute::Ring(_) | LinkAttribute::Feature(_) => true,
            LinkAttribute::Coalesce(_) | LinkAttribute::Pause(_) => true,
            LinkAttribute::Queue(_) => false,
        };
        let is_one_of_many = link.slave_kind.as_deref().is_some_and(|kind| REDUNDANT.contains(&kind));
        if resets && is_one_of_many && link.carrier == Some(true) {
            Waiting::Carrier(link.index)
        } else {
            Waiting::Nothing
        }
    }

    /// Waits until it carries again.
    ///
    /// # Errors
    /// [`Unsent::CarrierLost`] if it does not in time: the change has cost the bond a member, and is undone.
    pub(super) fn until_back(self, links: &mut Links) -> Result<(), Unsent> {
        let Waiting::Carrier(index) = self else { return Ok(()) };
        let start = Instant::now();
        loop {
            thread::sleep(STEP);
            if link::get(links.route()?, index)?.carrier == Some(true) {
                return Ok(());
            }
            if start.elapsed() > LONGEST {
                return Err(Unsent::CarrierLost { waited: start.elapsed().as_secs() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(slave_kind: Option<&'static str>, carrier: Option<bool>, key: &str) -> Waiting {
        let link = Link { index: 7, slave_kind: slave_kind.map(Into::into), carrier, ..Link::default() };
        Waiting::before(&link, &key.parse().unwrap())
    }

    #[test]
    fn a_member_that_carries_is_waited_for_where_it_is_reset() {
        for key in ["eth0/mtu", "eth0/ring/rx", "eth0/channel/combined", "eth0/feature/rx-gro", "eth0/pause/rx"] {
            for kind in ["bond", "team"] {
                assert_eq!(before(Some(kind), Some(true), key), Waiting::Carrier(7), "{kind} {key}");
            }
        }
        for key in ["eth0/txqueuelen", "eth0/queue/rx-0/rps-cpus"] {
            assert_eq!(before(Some("bond"), Some(true), key), Waiting::Nothing, "{key}");
        }
    }

    #[test]
    fn what_was_down_or_carries_alone_is_not_waited_for() {
        for carrier in [None, Some(false)] {
            assert_eq!(before(Some("bond"), carrier, "eth0/mtu"), Waiting::Nothing);
        }
        for kind in [None, Some("bridge")] {
            assert_eq!(before(kind, Some(true), "eth0/mtu"), Waiting::Nothing);
        }
    }
}
