//! Chains: rules in their order, and where the kernel comes to them.

use super::Family;
use super::number;
use super::number::chain as is;
use super::number::hook;
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

/// Where packets come by: `NF_INET_*` (include/uapi/linux/netfilter.h), of the families inet, ip, ip6 and bridge.
pub mod hooks {
    /// `NF_INET_PRE_ROUTING`
    pub const PREROUTING: u32 = 0;
    /// `NF_INET_LOCAL_IN`
    pub const INPUT: u32 = 1;
    /// `NF_INET_FORWARD`
    pub const FORWARD: u32 = 2;
    /// `NF_INET_LOCAL_OUT`
    pub const OUTPUT: u32 = 3;
    /// `NF_INET_POST_ROUTING`
    pub const POSTROUTING: u32 = 4;
}

/// When, among others of the same hook: `NF_IP_PRI_*` (include/uapi/linux/netfilter_ipv4.h).
pub mod priorities {
    /// `NF_IP_PRI_RAW`: before connections are tracked.
    pub const RAW: i32 = -300;
    /// `NF_IP_PRI_MANGLE`
    pub const MANGLE: i32 = -150;
    /// `NF_IP_PRI_FILTER`
    pub const FILTER: i32 = 0;
}

/// Where the kernel comes to a chain by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The type: `filter`, `nat` or `route`.
    pub kind: String,
    /// One of [`hooks`], or another number.
    pub hook: u32,
    /// The smaller, the sooner.
    pub priority: i32,
    /// Whether packets that come to the end of it are dropped.
    pub drops: bool,
    /// The interfaces whose packets it sees, in the families that have those of each interface apart.
    pub devices: Vec<String>,
}

impl Base {
    /// A chain of type filter that lets packets pass.
    #[must_use]
    pub fn filter(hook: u32, priority: i32) -> Base {
        Base { kind: "filter".to_owned(), hook, priority, drops: false, devices: Vec::new() }
    }
}

/// A chain as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The family of its table.
    pub family: Family,
    /// Its table.
    pub table: String,
    /// Its name among those of the table.
    pub name: String,
    /// A number that no other object of the table has or had.
    pub handle: u64,
    /// Where the kernel comes to it by itself; none if only rules lead there.
    pub base: Option<Base>,
    /// Its comment, in the form of nft(8). Kernels before 5.10 keep none.
    pub comment: Option<String>,
}

/// News of a chain.
pub type Change = Became<Chain>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_CHAIN, number::DELETE_CHAIN], chain)
    }
}

/// All chains of a table.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn dump(socket: &mut RequestSocket, family: Family, table: &str) -> Result<Vec<Chain>, Error> {
    // The kernel tells those of all tables of the family.
    let body = Header::of(family.number()).writer();
    let request = Request::new(format!("list chains of table {}", table.escape_debug()), number::GET_CHAIN, body);
    socket.dump(request, |message| {
        Ok(match message.header.kind {
            number::NEW_CHAIN => Some(chain(message)?).filter(|chain| chain.table == table),
            _ => None,
        })
    })
}

/// Makes a chain, or leaves alone what is there.
///
/// # Errors
/// [`Error::NoName`] if a name has a NUL in it. The kernel refuses a chain that is there and is another: `EEXIST`.
pub fn add(family: Family, table: &str, name: &str, base: Option<&Base>) -> Result<Request, Error> {
    let mut request = request("add", number::NEW_CHAIN, family, table, name)?;
    if let Some(Base { kind, hook: number, priority, drops, devices }) = base {
        whole(&request.what, kind)?;
        for device in devices {
            whole(&request.what, device)?;
        }
        let body = &mut request.body;
        body.nest(is::HOOK, |inside| {
            inside.be32(hook::NUMBER, *number).be32(hook::PRIORITY, priority.cast_unsigned());
            match devices.as_slice() {
                [] => (),
                [one] => {
                    inside.text(hook::DEVICE, one);
                }
                several => {
                    inside.nest(hook::DEVICES, |list| {
                        for device in several {
                            list.text(hook::DEVICE_NAME, device);
                        }
                    });
                }
            }
        });
        body.be32(is::POLICY, u32::from(!drops)).text(is::TYPE, kind);
    }
    Ok(request.with_flags(crate::wire::Header::CREATE))
}

/// Deletes a chain with its rules. Sets that have no name of their own go with the rules that use them.
///
/// # Errors
/// [`Error::NoName`] if a name has a NUL in it. The kernel refuses: `ENOENT` if there is none, `EBUSY` if rules lead there.
pub fn delete(family: Family, table: &str, name: &str) -> Result<Request, Error> {
    request("delete", number::DELETE_CHAIN, family, table, name)
}

fn request(verb: &str, kind: u16, family: Family, table: &str, name: &str) -> Result<Request, Error> {
    let what = format!("{verb} chain {} {} {}", family.name(), table.escape_debug(), name.escape_debug());
    whole(&what, table)?;
    whole(&what, name)?;
    let mut body = Header::of(family.number()).writer();
    body.text(is::TABLE, table).text(is::NAME, name);
    Ok(Request::new(what, kind, body))
}

fn chain(message: &Message<'_>) -> Result<Chain, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut table, mut name, mut handle, mut comment) = (None, None, 0, None);
    let (mut base, mut kind, mut policy) = (None, String::new(), 1);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::TABLE => table = Some(attribute.text_lossy().into_owned()),
            is::NAME => name = Some(attribute.text_lossy().into_owned()),
            is::HANDLE => handle = attribute.be64()?,
            is::HOOK => base = Some(read_hook(&attribute)?),
            is::TYPE => kind = attribute.text_lossy().into_owned(),
            is::POLICY => policy = attribute.be32()?,
            is::USERDATA => comment = userdata::comment(attribute.payload),
            _ => (),
        }
    }
    Ok(Chain {
        family: Family::of(header.family),
        table: table.ok_or(Malformed::Missing { what: "NFTA_CHAIN_TABLE" })?,
        name: name.ok_or(Malformed::Missing { what: "NFTA_CHAIN_NAME" })?,
        handle,
        base: base.map(|base| Base { kind, drops: policy == 0, ..base }),
        comment,
    })
}

/// `NFTA_CHAIN_HOOK`; type and policy are beside it.
fn read_hook(attribute: &Attribute<'_>) -> Result<Base, Malformed> {
    let mut base = Base::filter(0, 0);
    let mut devices = Vec::new();
    for attribute in attribute.nested() {
        let attribute = attribute?;
        match attribute.kind {
            hook::NUMBER => base.hook = attribute.be32()?,
            hook::PRIORITY => base.priority = attribute.be32()?.cast_signed(),
            hook::DEVICE => devices.push(attribute.text_lossy().into_owned()),
            hook::DEVICES => {
                for device in attribute.nested() {
                    devices.push(device?.text_lossy().into_owned());
                }
            }
            _ => (),
        }
    }
    for device in devices {
        // One alone is told twice.
        if !base.devices.contains(&device) {
            base.devices.push(device);
        }
    }
    Ok(base)
}
