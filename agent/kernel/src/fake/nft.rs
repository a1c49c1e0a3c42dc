//! The nftables of a fake kernel, as far as trimtab's own table goes: all of a batch is carried out, or nothing.

use std::collections::BTreeMap;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::NftKey;
use trimtab_core::address::Object;
use trimtab_core::kind::nft;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use super::FakeKernel;
use super::Fault;
use crate::WriteError;

/// What there is.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    values: BTreeMap<NftKey, Value>,
    is_lacking: bool,
    is_foreign: bool,
    batches: usize,
}

impl Table {
    pub(super) fn read(&self, key: NftKey) -> Reading {
        if self.is_lacking {
            return Reading::Unsupported;
        }
        if self.is_foreign {
            return Reading::Typed { value: nft::foreign(), writable: false };
        }
        let value = self.values.get(&key).cloned().unwrap_or_else(nft::none);
        Reading::Typed { value, writable: true }
    }

    fn carry_out(&mut self, cells: &[(NftKey, Value)]) -> Result<(), i32> {
        if self.is_lacking {
            return Err(libc::EOPNOTSUPP);
        }
        if self.is_foreign {
            return Err(libc::EEXIST);
        }
        if cells.iter().any(|(key, value)| nft::parse(*key, value).is_none()) {
            return Err(libc::EINVAL);
        }
        self.values.extend(cells.iter().cloned());
        self.values.retain(|_, value| *value != nft::none());
        self.batches += 1;
        Ok(())
    }
}

impl FakeKernel {
    /// A kernel without nf_tables, from now on.
    pub fn lack_nf_tables(&mut self) {
        self.nft.is_lacking = true;
    }

    /// Somebody else makes a table `inet trimtab`, or takes it away; what was in trimtab's is gone.
    pub fn set_foreign_table(&mut self, is_there: bool) {
        self.nft.values.clear();
        self.nft.is_foreign = is_there;
    }

    /// Somebody else changes rules in trimtab's table.
    pub fn set_rules(&mut self, key: NftKey, value: Value) {
        self.nft.values.insert(key, value);
    }

    /// The rules of a key, without counting as a read.
    pub fn rules(&self, key: NftKey) -> Option<&Value> {
        self.nft.values.get(&key)
    }

    /// Batches carried out so far.
    pub fn batches(&self) -> usize {
        self.nft.batches
    }

    pub(super) fn write_rules(&mut self, cells: &[(Address, Value)], fault: Option<Fault>) -> Result<(), WriteError> {
        let Some((address, value)) = cells.first() else { return Ok(()) };
        let refused = |errno| WriteError::Refused {
            address: address.clone(),
            text: value.to_string(),
            source: io::Error::from_raw_os_error(errno),
        };
        if cells.iter().any(|(address, _)| address.netns.is_some() && address.netns != self.identity.netns.name) {
            return Err(refused(libc::EXDEV));
        }
        let keys = cells.iter().map(|(address, value)| match &address.object {
            Object::Nft(key) => Some((*key, value.clone())),
            Object::Sysctl(_) | Object::Link(_) | Object::Tc(_) => None,
        });
        let keys = keys.collect::<Option<Vec<(NftKey, Value)>>>().ok_or_else(|| refused(libc::EINVAL))?;
        let errno = cells.iter().find_map(|(address, _)| self.refused.get(address).copied());
        match (errno, fault) {
            (Some(errno), _) | (None, Some(Fault::Fail(errno))) => Err(refused(errno)),
            (None, None) => self.nft.carry_out(&keys).map_err(refused),
            // No batch is carried out in part, nor otherwise than it says.
            (None, Some(Fault::Ignore | Fault::Short(_) | Fault::Store(_))) => Ok(()),
        }
    }
}
