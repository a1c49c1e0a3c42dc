//! What was meant by a name: an address that was asked for stays the same interface's, whatever that is called by now.

use trimtab_core::address::Address;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::interface_id::Whereabouts;
use trimtab_kernel::WriteError;

use crate::engine::Store;
use crate::engine::execute;

/// A value, by the name that its interface has now.
#[derive(Debug)]
pub(super) struct Named {
    /// Its address.
    pub(super) address: Address,
    /// Whose it is, if it is an interface's and that is known.
    interface: Option<InterfaceId>,
}

impl Named {
    /// What the state means by this address.
    pub(super) fn of(address: &Address, store: &Store) -> Named {
        let held = store.history.held.get(address).and_then(|held| held.interface.as_ref());
        let applied = || address.interface().and_then(|name| store.in_force()?.links.get(name));
        Named { address: address.clone(), interface: held.or_else(applied).cloned() }
    }

    /// Goes to the name that the interface has now.
    ///
    /// # Errors
    /// If it is not there, or by no name that an address can hold: the address is then nobody's who was meant.
    pub(super) fn follow(&mut self, links: &InterfaceIds) -> Result<(), execute::Failure> {
        let Some((name, interface)) = self.address.interface().zip(self.interface.as_ref()) else { return Ok(()) };
        let there = match interface.find(name, links) {
            Whereabouts::Here(now) => Some((now, interface)),
            Whereabouts::Back(now, id) | Whereabouts::Anew(now, id) => Some((now, id)),
            Whereabouts::Away | Whereabouts::Gone => None,
        };
        let now = there.and_then(|(now, id)| Some((self.address.with_interface(now)?, id.clone())));
        match now {
            Some((address, id)) => {
                *self = Named { address, interface: Some(id) };
                Ok(())
            }
            None => Err(execute::Failure::Stale {
                address: self.address.clone(),
                found: "its interface gone from here".to_owned(),
                expected: "it there".to_owned(),
            }),
        }
    }
}

/// A value that the kernel did not take back.
#[derive(Debug)]
pub(super) struct Refused {
    /// Which one.
    pub(super) named: Named,
    /// Why.
    pub(super) failure: execute::Failure,
}

impl Refused {
    /// The value that a failure is about, if it is about one. `links` are the interfaces that were written to.
    pub(super) fn of(failure: execute::Failure, links: &InterfaceIds) -> Result<Refused, execute::Failure> {
        let address = match &failure {
            execute::Failure::Refused(
                WriteError::Elsewhere { address }
                | WriteError::Refused { address, .. }
                | WriteError::Netlink { address, .. }
                | WriteError::CarrierLost { address, .. }
                | WriteError::Short { address, .. },
            )
            | execute::Failure::Differs { address, .. }
            | execute::Failure::HeldUp { address, .. } => address.clone(),
            execute::Failure::Stale { .. } | execute::Failure::State(_) => return Err(failure),
        };
        let interface = address.interface().and_then(|name| links.get(name)).cloned();
        Ok(Refused { named: Named { address, interface }, failure })
    }

    /// A value that cannot be put back now, and why.
    pub(super) fn held_up(address: &Address, why: String) -> Refused {
        let failure = execute::Failure::HeldUp { address: address.clone(), why };
        Refused { named: Named { address: address.clone(), interface: None }, failure }
    }

    /// Whether it is about this address, or about one that moved it.
    pub(super) fn concerns(&self, address: &Address, store: &Store) -> bool {
        let cause = store.history.held.get(address).and_then(|held| held.cause.as_ref());
        self.named.address == *address || cause == Some(&self.named.address)
    }
}
