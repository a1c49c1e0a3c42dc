//! Rules: expressions, one after the other, until one says no.

use super::Expression;
use super::Family;
use super::expression;
use super::number;
use super::number::rule as is;
use super::userdata;
use crate::became::Became;
use crate::error::Error;
use crate::netfilter::header::Header;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire::Header as Netlink;
use crate::wire::Malformed;
use crate::wire::Message;

/// A rule as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The family of its table.
    pub family: Family,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// A number that no other object of the table has or had.
    pub handle: u64,
    /// What it looks at and does; empty in news of one that is gone, which newer kernels do not repeat.
    pub expressions: Vec<Expression>,
    /// Its comment, in the form of nft(8).
    pub comment: Option<String>,
}

/// News of a rule.
pub type Change = Became<Rule>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_RULE, number::DELETE_RULE], rule)
    }
}

/// All rules of a table: those of each chain in their order.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn dump(socket: &mut RequestSocket, family: Family, table: &str) -> Result<Vec<Rule>, Error> {
    let what = format!("list rules of table {}", table.escape_debug());
    whole(&what, table)?;
    let mut body = Header::of(family.number()).writer();
    body.text(is::TABLE, table);
    socket.dump(Request::new(what, number::GET_RULE, body), |message| {
        Ok(match message.header.kind {
            number::NEW_RULE => Some(rule(message)?).filter(|rule| rule.table == table),
            _ => None,
        })
    })
}

/// Puts a rule behind all others of its chain.
///
/// # Errors
/// [`Error::NoName`] if a name has a NUL in it.
pub fn append(
    family: Family,
    table: &str,
    chain: &str,
    expressions: &[Expression],
    comment: Option<&str>,
) -> Result<Request, Error> {
    let mut request = request("add rule to", number::NEW_RULE, family, table, chain)?;
    for name in expressions.iter().flat_map(Expression::names) {
        whole(&request.what, name)?;
    }
    expression::write_all(is::EXPRESSIONS, expressions, &mut request.body);
    if let Some(comment) = comment {
        request.body.attribute(is::USERDATA, &userdata::of_comment(comment));
    }
    Ok(request.with_flags(Netlink::CREATE | Netlink::APPEND))
}

/// Deletes one rule.
///
/// # Errors
/// [`Error::NoName`] if a name has a NUL in it. The kernel refuses: `ENOENT` if there is none.
pub fn delete(family: Family, table: &str, chain: &str, handle: u64) -> Result<Request, Error> {
    let mut request = request("delete rule of", number::DELETE_RULE, family, table, chain)?;
    request.body.be64(is::HANDLE, handle);
    Ok(request)
}

/// Deletes all rules of a chain.
///
/// # Errors
/// [`Error::NoName`] if a name has a NUL in it. The kernel refuses: `ENOENT` if there is no such chain.
pub fn flush(family: Family, table: &str, chain: &str) -> Result<Request, Error> {
    request("delete all rules of", number::DELETE_RULE, family, table, chain)
}

fn request(verb: &str, kind: u16, family: Family, table: &str, chain: &str) -> Result<Request, Error> {
    let what = format!("{verb} chain {} {} {}", family.name(), table.escape_debug(), chain.escape_debug());
    whole(&what, table)?;
    whole(&what, chain)?;
    let mut body = Header::of(family.number()).writer();
    body.text(is::TABLE, table).text(is::CHAIN, chain);
    Ok(Request::new(what, kind, body))
}

fn rule(message: &Message<'_>) -> Result<Rule, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut table, mut chain, mut handle, mut comment) = (None, None, 0, None);
    let mut expressions = Vec::new();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::TABLE => table = Some(attribute.text_lossy().into_owned()),
            is::CHAIN => chain = Some(attribute.text_lossy().into_owned()),
            is::HANDLE => handle = attribute.be64()?,
            is::EXPRESSIONS => expressions = expression::read_all(&attribute)?,
            is::USERDATA => comment = userdata::comment(attribute.payload),
            _ => (),
        }
    }
    Ok(Rule {
        family: Family::of(header.family),
        table: table.ok_or(Malformed::Missing { what: "NFTA_RULE_TABLE" })?,
        chain: chain.ok_or(Malformed::Missing { what: "NFTA_RULE_CHAIN" })?,
        handle,
        expressions,
        comment,
    })
}
