//! The table, written: in one batch that is carried out as one or not at all.

use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::NftKey;
use trimtab_core::address::Object;
use trimtab_core::kind::nft;
use trimtab_core::value::Value;
use trimtab_netlink::Error;
use trimtab_netlink::netfilter::nftables;
use trimtab_netlink::netfilter::nftables::Content;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::generation;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::set::flags;
use trimtab_netlink::netfilter::nftables::table;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::Request;
use trimtab_netlink::socket::RequestSocket;

use super::FAMILY;
use super::MARK;
use super::TABLE;
use super::base;
use super::compile::compile;
use super::is_ours;
use crate::WriteError;

/// How often a batch is made anew because somebody changed rules between the look and the write.
const TRIES: u32 = 5;
/// `ERESTART` of include/linux/errno.h, which libc has no name for everywhere: the rules are not of that generation any more.
const CHANGED: i32 = 85;

/// Replaces the chains of each key by those that are wanted, all at once.
///
/// # Errors
/// [`WriteError`], with the kernel's own words.
pub(crate) fn write(cells: &[(Address, Value)]) -> Result<(), WriteError> {
    let Some((address, _)) = cells.first() else { return Ok(()) };
    let text = || cells.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(", ");
    let refused = |source: io::Error| WriteError::Refused { address: address.clone(), text: text(), source };
    let told = |source: Error| WriteError::Netlink { address: address.clone(), text: text(), source: Box::new(source) };
    let mut wanted = Vec::new();
    for (address, value) in cells {
        let Object::Nft(key) = &address.object else {
            return Err(refused(io::Error::other("one batch is for one table")));
        };
        let chains = nft::parse(*key, value);
        let chains = chains.ok_or_else(|| refused(io::Error::other("these are no rules that trimtab makes")))?;
        wanted.push((*key, chains));
    }
    let mut socket = RequestSocket::open(Protocol::Netfilter).map_err(told)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let before = generation::get(&mut socket).map_err(told)?.id;
        let content = nftables::read(&mut socket, FAMILY, TABLE).map_err(told)?;
        if content.as_ref().is_some_and(|content| !is_ours(content)) {
            return Err(refused(io::Error::other("somebody else has a table `inet trimtab`")));
        }
        let generation = content.as_ref().map_or(before, |content| content.generation);
        let sleeps = content.as_ref().is_some_and(|content| content.table.is_dormant);
        let requests = if sleeps {
            // A table that is woken takes no other change in the same batch (net/netfilter/nf_tables_api.c `nf_tables_addchain`).
            table::add(FAMILY, TABLE, None).map(|wake| vec![wake])
        } else {
            requests(&wanted, content.as_ref())
        };
        let requests = requests.map_err(told)?;
        match commit(&mut socket, requests, Some(generation)) {
            Ok(()) if sleeps && tries < TRIES => {}
            Ok(()) => return Ok(()),
            Err(error) if error.refusal_errno() == Some(CHANGED) && tries < TRIES => {}
            Err(error) => return Err(told(error)),
        }
    }
}

/// What leads from what is there to what is wanted; nothing if neither is anything.
fn requests(wanted: &[(NftKey, Vec<nft::Chain>)], content: Option<&Content>) -> Result<Vec<Request>, Error> {
    let replaced: Vec<&str> =
        wanted.iter().flat_map(|(key, _)| nft::chains_of(*key)).map(|hook| hook.chain()).collect();
    let present = |name: &&&str| content.is_some_and(|content| content.chains.iter().any(|chain| chain.name == **name));
    let gone: Vec<&&str> = replaced.iter().filter(present).collect();
    let is_empty = wanted.iter().all(|(_, chains)| chains.is_empty());
    if is_empty {
        return match content {
            None => Ok(Vec::new()),
            Some(content) if holds_nothing_but(content, &replaced) => {
                Ok(vec![table::delete_handle(FAMILY, content.table.handle)])
            }
            Some(_) => gone.into_iter().map(|name| chain::delete(FAMILY, TABLE, name)).collect(),
        };
    }
    let mut requests = vec![match content {
        Some(_) => table::add(FAMILY, TABLE, Some(MARK))?,
        None => table::create(FAMILY, TABLE, Some(MARK))?,
    }];
    for name in gone {
        requests.push(chain::delete(FAMILY, TABLE, name)?);
    }
    let mut sets = 0;
    for nft::Chain { hook, rules } in wanted.iter().flat_map(|(_, chains)| chains) {
        let name = hook.chain();
        requests.push(chain::add(FAMILY, TABLE, name, Some(&base(*hook)))?);
        for one in rules {
            let compiled = compile(one, sets);
            for set in &compiled.sets {
                sets = set.id.saturating_add(1);
                requests.extend(set.add(FAMILY, TABLE)?);
            }
            requests.push(rule::append(FAMILY, TABLE, name, &compiled.expressions, None)?);
        }
    }
    Ok(requests)
}

/// Whether nothing is left of a table but itself once these chains are gone.
fn holds_nothing_but(content: &Content, chains: &[&str]) -> bool {
    let Content { table, chains: all, rules: _, sets, generation: _ } = content;
    let known = all.len().saturating_add(sets.len());
    all.iter().all(|chain| chains.contains(&chain.name.as_str()))
        && sets.values().all(|(set, _)| set.flags & flags::ANONYMOUS != 0)
        // What is not read here, objects and flow tables, is counted.
        && usize::try_from(table.uses).is_ok_and(|uses| uses <= known)
}
