//! Sets: many values that one rule looks up at once.

use super::Family;
use super::interval;
use super::number;
use super::number::data;
use super::number::element;
use super::number::elements as list;
use super::number::set as is;
use super::userdata;
use crate::became::Became;
use crate::error::Error;
use crate::netfilter::header::Header;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// `NFT_SET_*`
pub mod flags {
    /// It has no name of its own and goes with the rule that uses it.
    pub const ANONYMOUS: u32 = 1;
    /// Nothing is added once a rule uses it.
    pub const CONSTANT: u32 = 2;
    /// Its keys are ranges.
    pub const INTERVAL: u32 = 4;
}

/// `NFT_SET_ELEM_*`
const INTERVAL_END: u32 = 1;
const CATCHALL: u32 = 2;

/// So many elements go in one message: an attribute has no more than 64 KiB, and the largest element has less than 200 bytes.
const AT_ONCE: usize = 300;

/// What the keys of a set are. The number means nothing to the kernel; it is one of nft(8)'s (nftables include/datatype.h
/// `enum datatypes`), which shows them accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyType {
    /// Its number.
    pub number: u32,
    /// Length in bytes.
    pub length: u32,
}

impl KeyType {
    /// `TYPE_IPADDR`
    pub const IPV4_ADDRESS: KeyType = KeyType { number: 7, length: 4 };
    /// `TYPE_IP6ADDR`
    pub const IPV6_ADDRESS: KeyType = KeyType { number: 8, length: 16 };
    /// `TYPE_INET_PROTOCOL`
    pub const PROTOCOL: KeyType = KeyType { number: 12, length: 1 };
    /// `TYPE_INET_SERVICE`
    pub const PORT: KeyType = KeyType { number: 13, length: 2 };
    /// `TYPE_IFNAME`
    pub const INTERFACE_NAME: KeyType = KeyType { number: 41, length: 16 };
}

/// A set as the kernel shows it, without what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The family of its table.
    pub family: Family,
    /// Its table.
    pub table: String,
    /// Its name among those of the table; the kernel makes one up if it has none of its own.
    pub name: String,
    /// A number that no other object of the table has or had.
    pub handle: u64,
    /// Bits of [`flags`], and others.
    pub flags: u32,
    /// What its keys are.
    pub key: KeyType,
}

/// News of a set; elements that come or go are told apart.
pub type Change = Became<Set>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_SET, number::DELETE_SET], set)
    }
}

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// Its key; empty of the one that stands for all that are not there.
    pub key: Vec<u8>,
    /// In a set of ranges: whether it is the first that is no longer in the range before it.
    pub is_end: bool,
    /// In a set of ranges of several fields: the last key of the range.
    pub key_end: Option<Vec<u8>>,
}

/// A set to make: one without a name, for one rule of the same batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSet {
    /// What a [`Lookup`](super::Lookup) of the batch calls it.
    pub id: u32,
    /// What its keys are.
    pub key: KeyType,
    /// Its keys, from one up to and with the other, as long as they should be, and in network byte order.
    pub ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

impl NewSet {
    /// What a rule that looks it up calls it.
    pub const NAME: &str = "__set%d";

    /// The requests that make it and fill it: one, and another for each few hundred elements.
    ///
    /// # Errors
    /// [`Error::NoName`] if the name of the table has a NUL in it.
    pub fn add(&self, family: Family, table: &str) -> Result<Vec<Request>, Error> {
        let NewSet { id, key, ranges } = self;
        let what = |verb: &str| format!("{verb} set {id} of table {} {}", family.name(), table.escape_debug());
        whole(&what("add"), table)?;
        let is_interval = ranges.iter().any(|(first, last)| first != last);
        let flags = flags::ANONYMOUS | flags::CONSTANT | if is_interval { flags::INTERVAL } else { 0 };
        let mut body = Header::of(family.number()).writer();
        body.text(is::TABLE, table).text(is::NAME, NewSet::NAME).be32(is::FLAGS, flags);
        body.be32(is::KEY_TYPE, key.number).be32(is::KEY_LENGTH, key.length).be32(is::ID, *id);
        body.attribute(is::USERDATA, &userdata::of_key(*key == KeyType::INTERFACE_NAME));
        let create = crate::wire::Header::CREATE;
        let mut requests = vec![Request::new(what("add"), number::NEW_SET, body).with_flags(create)];
        let elements = if is_interval {
            interval::elements(ranges)
        } else {
            let plain = |key: &Vec<u8>| Element { key: key.clone(), is_end: false, key_end: None };
            ranges.iter().map(|(key, _)| plain(key)).collect()
        };
        for some in elements.chunks(AT_ONCE) {
            let mut body = Header::of(family.number()).writer();
            body.text(list::TABLE, table).text(list::SET, NewSet::NAME).be32(list::SET_ID, *id);
            body.nest(list::ELEMENTS, |inside| some.iter().for_each(|element| write(element, inside)));
            requests.push(Request::new(what("fill"), number::NEW_ELEMENTS, body).with_flags(create));
        }
        Ok(requests)
    }
}

/// All sets of a table, those without a name of their own too.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn dump(socket: &mut RequestSocket, family: Family, table: &str) -> Result<Vec<Set>, Error> {
    let what = format!("list sets of table {}", table.escape_debug());
    whole(&what, table)?;
    let mut body = Header::of(family.number()).writer();
    body.text(is::TABLE, table);
    socket.dump(Request::new(what, number::GET_SET, body), |message| {
        Ok(match message.header.kind {
            number::NEW_SET => Some(set(message)?).filter(|set| set.table == table),
            _ => None,
        })
    })
}

/// All that a set holds, in no order. What a map has for its keys is not read.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`, `ENOENT` if there is no such set.
pub fn elements(socket: &mut RequestSocket, family: Family, table: &str, name: &str) -> Result<Vec<Element>, Error> {
    let what = format!("list elements of set {} of table {}", name.escape_debug(), table.escape_debug());
    whole(&what, table)?;
    whole(&what, name)?;
    let mut body = Header::of(family.number()).writer();
    body.text(list::TABLE, table).text(list::SET, name);
    let some = socket.dump(Request::new(what, number::GET_ELEMENTS, body), |message| {
        Ok(match message.header.kind {
            number::NEW_ELEMENTS => Some(read_elements(message)?.elements),
            _ => None,
        })
    })?;
    Ok(some.into_iter().flatten().collect())
}

/// Elements of one set, as they are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements {
    /// The family of its table.
    pub family: Family,
    /// Its table.
    pub table: String,
    /// Its name.
    pub set: String,
    /// They.
    pub elements: Vec<Element>,
}

pub(super) fn read_elements(message: &Message<'_>) -> Result<Elements, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut table, mut set, mut elements) = (None, None, Vec::new());
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            list::TABLE => table = Some(attribute.text_lossy().into_owned()),
            list::SET => set = Some(attribute.text_lossy().into_owned()),
            list::ELEMENTS => {
                for element in attribute.nested() {
                    elements.push(read(&element?)?);
                }
            }
            _ => (),
        }
    }
    Ok(Elements {
        family: Family::of(header.family),
        table: table.ok_or(Malformed::Missing { what: "NFTA_SET_ELEM_LIST_TABLE" })?,
        set: set.ok_or(Malformed::Missing { what: "NFTA_SET_ELEM_LIST_SET" })?,
        elements,
    })
}

fn read(attribute: &Attribute<'_>) -> Result<Element, Malformed> {
    let key = |attribute: &Attribute<'_>| {
        let value = attribute.nested().find_kind(data::VALUE)?;
        Ok(value.ok_or(Malformed::Missing { what: "NFTA_DATA_VALUE" })?.payload.to_vec())
    };
    let (mut first, mut key_end, mut flags) = (None, None, 0);
    for attribute in attribute.nested() {
        let attribute = attribute?;
        match attribute.kind {
            element::KEY => first = Some(key(&attribute)?),
            element::KEY_END => key_end = Some(key(&attribute)?),
            element::FLAGS => flags = attribute.be32()?,
            _ => (),
        }
    }
    if first.is_none() && flags & CATCHALL == 0 {
        return Err(Malformed::Missing { what: "NFTA_SET_ELEM_KEY" });
    }
    Ok(Element { key: first.unwrap_or_default(), is_end: flags & INTERVAL_END != 0, key_end })
}

fn write(element: &Element, writer: &mut Writer) {
    let Element { key, is_end, key_end } = element;
    writer.nest(number::LIST_ELEMENT, |inside| {
        if *is_end {
            inside.be32(element::FLAGS, INTERVAL_END);
        }
        for (kind, key) in [(element::KEY, Some(key)), (element::KEY_END, key_end.as_ref())] {
            if let Some(key) = key {
                inside.nest(kind, |value| {
                    value.attribute(data::VALUE, key);
                });
            }
        }
    });
}

fn set(message: &Message<'_>) -> Result<Set, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut table, mut name, mut handle, mut flags) = (None, None, 0, 0);
    let mut key = KeyType { number: 0, length: 0 };
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::TABLE => table = Some(attribute.text_lossy().into_owned()),
            is::NAME => name = Some(attribute.text_lossy().into_owned()),
            is::HANDLE => handle = attribute.be64()?,
            is::FLAGS => flags = attribute.be32()?,
            is::KEY_TYPE => key.number = attribute.be32()?,
            is::KEY_LENGTH => key.length = attribute.be32()?,
            _ => (),
        }
    }
    Ok(Set {
        family: Family::of(header.family),
        table: table.ok_or(Malformed::Missing { what: "NFTA_SET_TABLE" })?,
        name: name.ok_or(Malformed::Missing { what: "NFTA_SET_NAME" })?,
        handle,
        flags,
        key,
    })
}
