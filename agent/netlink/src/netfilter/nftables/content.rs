//! A table with all that is in it, read so that its parts belong together.

use std::collections::BTreeMap;

use super::Chain;
use super::Element;
use super::Family;
use super::Rule;
use super::Set;
use super::Table;
use super::chain;
use super::generation;
use super::rule;
use super::set;
use super::table;
use crate::error::Error;
use crate::socket::RequestSocket;

/// How often it is read anew because something changed meanwhile.
const TRIES: u32 = 5;

/// A table and what is in it. Maps have their keys only; objects and flow tables are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The table itself.
    pub table: Table,
    /// Its chains.
    pub chains: Vec<Chain>,
    /// Its rules, those of each chain in their order.
    pub rules: Vec<Rule>,
    /// Its sets and what they hold, by name.
    pub sets: BTreeMap<String, (Set, Vec<Element>)>,
    /// The [generation](super::Generation) of which all this is.
    pub generation: u32,
}

/// Reads a table; none if there is none. If the rules of the namespace change meanwhile it is read anew, some times.
///
/// # Errors
/// [`Error::NoFamily`] if the kernel has no nftables; [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`;
/// [`Error::Interrupted`] if something changed each time.
pub fn read(socket: &mut RequestSocket, family: Family, name: &str) -> Result<Option<Content>, Error> {
    let request = || format!("read table {} {}", family.name(), name.escape_debug());
    for _ in 0..TRIES {
        let before = generation::get(socket)?.id;
        let content = match parts(socket, family, name) {
            Ok(content) => content,
            // What was listed was gone when it was asked for.
            Err(error) if error.refusal_errno() == Some(rustix::io::Errno::NOENT.raw_os_error()) => continue,
            Err(error) => return Err(error),
        };
        if generation::get(socket)?.id == before {
            return Ok(content.map(|content| Content { generation: before, ..content }));
        }
    }
    Err(Error::Interrupted { request: request().into(), tries: TRIES })
}

fn parts(socket: &mut RequestSocket, family: Family, name: &str) -> Result<Option<Content>, Error> {
    let Some(table) = table::get(socket, family, name)? else { return Ok(None) };
    let chains = chain::dump(socket, family, name)?;
    let rules = rule::dump(socket, family, name)?;
    let mut sets = BTreeMap::new();
    for set in set::dump(socket, family, name)? {
        let elements = set::elements(socket, family, name, &set.name)?;
        sets.insert(set.name.clone(), (set, elements));
    }
    Ok(Some(Content { table, chains, rules, sets, generation: 0 }))
}
