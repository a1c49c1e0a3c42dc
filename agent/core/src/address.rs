//! Addresses: the name of one value that trimtab compares, writes and undoes.
//!
//! An address is parsed once, at the edge, into path segments, so that an interface called `eth0.100` can never be
//! confused with two directories. It never says anything about the value.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;
use std::str::FromStr;
use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use thiserror::Error;

pub mod link;
pub mod nft;
pub mod tc;

pub use link::LinkKey;
pub use nft::NftKey;
pub use tc::TcKey;

use crate::catalogue;

/// The kinds of kernel objects that trimtab knows; the word before the colon of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A value below `/proc/sys`.
    Sysctl,
    /// A value of a network interface.
    Link,
    /// What queues, shapes and polices the packets of an interface.
    Tc,
    /// Rules for packets in trimtab's own nftables table.
    Nft,
}

impl Kind {
    /// Every kind, in the order in which plans show them.
    pub const ALL: &[Kind] = &[Kind::Sysctl, Kind::Link, Kind::Tc, Kind::Nft];

    /// The word used in addresses and as the section of a profile.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Sysctl => "sysctl",
            Kind::Link => "link",
            Kind::Tc => "tc",
            Kind::Nft => "nft",
        }
    }
}

/// One unit of comparing and of undoing, e.g. `sysctl:net.core.somaxconn` or `sysctl@blue:net.ipv4.ip_forward`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The name of the network namespace, if it is not the one trimtab acts on.
    pub netns: Option<String>,
    /// What is addressed there.
    pub object: Object,
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Address) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By namespace, then by object. Nearly all addresses name no namespace, and maps of them are searched all the time.
impl Ord for Address {
    #[inline]
    fn cmp(&self, other: &Address) -> Ordering {
        match (&self.netns, &other.netns) {
            (None, None) => self.object.cmp(&other.object),
            (own, other_netns) => own.cmp(other_netns).then_with(|| self.object.cmp(&other.object)),
        }
    }
}

/// The kernel object of an address, one variant per [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A value below `/proc/sys`.
    Sysctl(SysctlKey),
    /// A value of a network interface.
    Link(LinkKey),
    /// A value of traffic control.
    Tc(TcKey),
    /// Rules for packets in trimtab's own nftables table.
    Nft(NftKey),
}

/// Why a text is no address. Each variant carries what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// No `kind:` in front.
    #[error("`{0}` names no kind: write `sysctl:{0}`")]
    NoKind(String),
    /// A kind that this version does not know.
    #[error("unknown kind `{0}`: this version knows {known}", known = known_kinds())]
    UnknownKind(String),
    /// An empty or impossible namespace name.
    #[error("`{0}` is no name of a network namespace")]
    BadNetns(String),
    /// The key itself is wrong.
    #[error(transparent)]
    Sysctl(#[from] SysctlKeyError),
    /// The value of an interface is none.
    #[error(transparent)]
    Link(#[from] link::LinkKeyError),
    /// What it names of traffic control is nothing.
    #[error(transparent)]
    Tc(#[from] tc::TcKeyError),
    /// No such rules are trimtab's.
    #[error(transparent)]
    Nft(#[from] nft::NftKeyError),
}

fn known_kinds() -> String {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    words.join(", ")
}

impl Address {
    /// The address of a sysctl in the namespace trimtab acts on.
    pub fn sysctl(key: SysctlKey) -> Address {
        Address { netns: None, object: Object::Sysctl(key) }
    }

    /// The address of a value of an interface in the namespace trimtab acts on.
    pub fn link(key: LinkKey) -> Address {
        Address { netns: None, object: Object::Link(key) }
    }

    /// The address of a value of traffic control in the namespace trimtab acts on.
    pub fn tc(key: TcKey) -> Address {
        Address { netns: None, object: Object::Tc(key) }
    }

    /// The address of rules for packets in the namespace trimtab acts on.
    pub fn nft(key: NftKey) -> Address {
        Address { netns: None, object: Object::Nft(key) }
    }

    /// The kind of the addressed object.
    pub fn kind(&self) -> Kind {
        match self.object {
            Object::Sysctl(_) => Kind::Sysctl,
            Object::Link(_) => Kind::Link,
            Object::Tc(_) => Kind::Tc,
            Object::Nft(_) => Kind::Nft,
        }
    }

    /// The interface it belongs to, if it belongs to one.
    pub fn interface(&self) -> Option<&str> {
        match &self.object {
            Object::Sysctl(key) => key.interface().filter(|name| *name != "all" && *name != "default"),
            Object::Link(key) => Some(key.interface()),
            Object::Tc(key) => key.interface(),
            Object::Nft(_) => None,
        }
    }

    /// The same value of another interface; nothing if it belongs to none, or no address can hold that name. Of one that is
    /// called `all` or `default` the kernel has no sysctls: under these words stand everybody's.
    pub fn with_interface(&self, interface: &str) -> Option<Address> {
        self.interface()?;
        let object = match &self.object {
            Object::Sysctl(key) => Object::Sysctl(key.with_interface(interface)?),
            Object::Link(key) => Object::Link(key.with_interface(interface)?),
            Object::Tc(key) => Object::Tc(key.with_interface(interface)?),
            Object::Nft(_) => return None,
        };
        let address = Address { netns: self.netns.clone(), object };
        address.interface().is_some().then_some(address)
    }

    /// The address without the word of its kind: what a plan shows below the heading of that kind.
    pub fn local_name(&self) -> String {
        match &self.object {
            Object::Sysctl(key) => key.to_string(),
            Object::Link(key) => key.to_string(),
            Object::Tc(key) => key.to_string(),
            Object::Nft(key) => key.to_string(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().word())?;
        if let Some(netns) = &self.netns {
            write!(f, "@{netns}")?;
        }
        match &self.object {
            Object::Sysctl(key) => write!(f, ":{key}"),
            Object::Link(key) => write!(f, ":{key}"),
            Object::Tc(key) => write!(f, ":{key}"),
            Object::Nft(key) => write!(f, ":{key}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let Some((head, rest)) = text.split_once(':') else {
            return Err(AddressError::NoKind(text.to_owned()));
        };
        let (kind, netns) = match head.split_once('@') {
            Some((kind, netns)) => (kind, Some(netns)),
            None => (head, None),
        };
        let Some(kind) = Kind::ALL.iter().copied().find(|known| known.word() == kind) else {
            return Err(AddressError::UnknownKind(kind.to_owned()));
        };
        if let Some(netns) = netns
            && !is_netns_name(netns)
        {
            return Err(AddressError::BadNetns(netns.to_owned()));
        }
        let object = match kind {
            Kind::Sysctl => Object::Sysctl(rest.parse()?),
            Kind::Link => Object::Link(rest.parse()?),
            Kind::Tc => Object::Tc(rest.parse()?),
            Kind::Nft => Object::Nft(rest.parse()?),
        };
        Ok(Address { netns: netns.map(str::to_owned), object })
    }
}

/// Whether iproute2 could have made a namespace of this name: one file name, see ip-netns(8).
pub fn is_netns_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name != "." && name != ".." && !name.contains(['/', '\0'])
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One value of the kernel, e.g. `sysctl:net.core.somaxconn` or `link:eth0/mtu`, `tc:eth0/root`, or \
                            `sysctl@blue:net.ipv4.ip_forward` in another network namespace. A dot inside a part of a \
                            sysctl's key is written as a slash.",
            "type": "string",
            "pattern": r"^(sysctl(@[^:/]+)?:[^\s=.]+(\.[^\s=.]+)+|link(@[^:/]+)?:[^\s:/]+(/[^\s:/]+)+|tc(@[^:/]+)?:(kinds|[^\s:/]+/root)|nft(@[^:/]+)?:[a-z]+/[a-z-]+)$",
        })
    }
}

/// The path of a sysctl below `/proc/sys`, made of segments.
///
/// Its text is the spelling of procps: segments joined by dots, a dot inside a segment written as a slash
/// (sysctl(8): "the key ... `/` can be used in place of a dot"; the first separator decides). Inside it is the path:
/// keys are compared and looked up all the time, and one text compares faster than many.
///
/// A key carries what the catalogue says of it: it is asked for that a dozen times on its way through a plan. Most keys of
/// a journal never are, so it is looked up when it is first asked for.
#[derive(Clone)]
pub struct SysctlKey {
    path: Box<str>,
    entry: OnceLock<Option<&'static catalogue::Entry>>,
}

/// Why a text is no sysctl key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SysctlKeyError {
    /// Nothing, or nothing between two separators.
    #[error("sysctl key `{0}` has an empty part")]
    Empty(String),
    /// An absolute path.
    #[error("sysctl key `{0}` is a path: write the part behind /proc/sys/")]
    Absolute(String),
    /// `.` or `..` as a part, which would leave /proc/sys.
    #[error("sysctl key `{0}` has a part `.` or `..`, which would leave /proc/sys")]
    Parent(String),
    /// NUL, white space, `=` or a control character.
    #[error("sysctl key `{}` has a character that no key has", .0.escape_debug())]
    BadCharacter(String),
    /// More than the kernel would ever make.
    #[error("sysctl key of {0} bytes is longer than any key")]
    TooLong(usize),
    /// Only one part: all sysctls live in a folder.
    #[error("sysctl key `{0}` names a folder at most, not a value")]
    TooShort(String),
}

const LONGEST_KEY: usize = 512;
const LONGEST_SEGMENT: usize = 255;

impl SysctlKey {
    /// A key of these path segments, exactly as the kernel names its folders and files.
    ///
    /// # Errors
    /// [`SysctlKeyError`] if a segment could not be one file name below `/proc/sys`.
    pub fn from_segments<I, S>(segments: I) -> Result<SysctlKey, SysctlKeyError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let segments: Vec<S> = segments.into_iter().collect();
        let shown = || show(&segments);
        let length: usize = segments.iter().map(|segment| segment.as_ref().len() + 1).sum();
        if length > LONGEST_KEY {
            return Err(SysctlKeyError::TooLong(length));
        }
        let mut path = String::with_capacity(length);
        for segment in segments.iter().map(AsRef::as_ref) {
            if segment.is_empty() || segment.len() > LONGEST_SEGMENT {
                return Err(SysctlKeyError::Empty(shown()));
            }
            if segment == "." || segment == ".." {
                return Err(SysctlKeyError::Parent(shown()));
            }
            if !is_spelt(segment) {
                return Err(SysctlKeyError::BadCharacter(shown()));
            }
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(segment);
        }
        if segments.len() < 2 {
            return Err(SysctlKeyError::TooShort(shown()));
        }
        Ok(SysctlKey::of_path(path))
    }

    /// A path that is known to be one.
    fn of_path(path: String) -> SysctlKey {
        SysctlKey { path: path.into_boxed_str(), entry: OnceLock::new() }
    }

    /// The segments of the path, in order.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.path.split('/')
    }

    /// The segments of the path as a list, to be matched against patterns.
    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }

    /// The last segment: the name of the value in its folder.
    pub fn name(&self) -> &str {
        name_of(&self.path)
    }

    /// Whether this is the key of that name in dots; no part of `name` holds a dot itself.
    pub fn is(&self, name: &str) -> bool {
        spells(name, &self.path)
    }

    /// What the catalogue says of it.
    pub(crate) fn entry(&self) -> Option<&'static catalogue::Entry> {
        *self.entry.get_or_init(|| catalogue::look_up(&self.path))
    }

    /// The path relative to `/proc/sys`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same key with another segment at `index`, e.g. another interface; unchanged if there is no such segment.
    #[must_use]
    pub fn with_segment(&self, index: usize, segment: &str) -> SysctlKey {
        let mut parts = self.parts();
        if let Some(slot) = parts.get_mut(index) {
            *slot = segment;
        }
        SysctlKey::of_path(parts.join("/"))
    }

    /// The same key of another interface, or of `all` or `default`; nothing if it is no interface's key, or `interface` could be
    /// none's name. See [`Address::with_interface`] for those that are an interface's.
    pub fn with_interface(&self, interface: &str) -> Option<SysctlKey> {
        let own = self.interface()?;
        let name = self.name();
        let head = self.path.get(..self.path.len() - own.len() - name.len() - 1)?;
        let is_name = !interface.is_empty() && interface != "." && interface != ".." && is_spelt(interface);
        is_name.then(|| SysctlKey::of_path([head, interface, "/", name].concat()))
    }

    /// For `net.FAMILY.{conf,neigh}.IFACE.NAME`: the position of the interface's segment.
    ///
    /// `all` and `default` stand in that position too; the kernel has no interfaces of these names
    /// (`dev_valid_name` allows them, `devinet_sysctl_register` refuses them).
    pub fn interface_index(&self) -> Option<usize> {
        self.interface().map(|_| 3)
    }

    /// The interface (or `all`, `default`) this key belongs to, if it belongs to one.
    pub fn interface(&self) -> Option<&str> {
        let family = self.path.strip_prefix("net/ipv4/").or_else(|| self.path.strip_prefix("net/ipv6/"))?;
        // Where the kernel keeps one folder an interface.
        let below = family.strip_prefix("conf/").or_else(|| family.strip_prefix("neigh/"))?;
        let (interface, name) = below.split_once('/')?;
        (!name.contains('/')).then_some(interface)
    }
}

/// The path is the key; what is known of it follows from that.
impl PartialEq for SysctlKey {
    fn eq(&self, other: &SysctlKey) -> bool {
        self.path == other.path
    }
}

impl Eq for SysctlKey {}

impl PartialOrd for SysctlKey {
    fn partial_cmp(&self, other: &SysctlKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SysctlKey {
    fn cmp(&self, other: &SysctlKey) -> Ordering {
        self.path.cmp(&other.path)
    }
}

impl Hash for SysctlKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path.hash(state);
    }
}

impl fmt::Debug for SysctlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SysctlKey").field(&self.path).finish()
    }
}

/// Whether a segment holds only what may stand in a key: the kernel takes nearly anything for an interface's name, but
/// a key that cannot be read back could never be undone.
fn is_spelt(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b'=';
    segment.bytes().all(is_plain)
        || !segment.chars().any(|c| c == '/' || c == '=' || c.is_control() || c.is_whitespace())
}

/// The path of a key as nearly all are written: dots between parts of plain letters. Whatever else it may be, or be wrong
/// with it, is left to a closer look.
fn plain_path(text: &str) -> Option<String> {
    let mut path = Vec::with_capacity(text.len());
    let mut last = b'.';
    for byte in text.bytes() {
        path.push(match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => byte,
            b'.' if last != b'.' => b'/',
            _ => return None,
        });
        last = byte;
    }
    let is_key = text.len() <= LONGEST_SEGMENT && last != b'.' && path.contains(&b'/');
    is_key.then(|| String::from_utf8(path).ok()).flatten()
}

/// The last segment of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether a name in dots, no part of which holds a dot itself, is this path.
pub(crate) fn spells(name: &str, path: &str) -> bool {
    let same = |(own, other): (u8, u8)| if own == b'/' { other == b'.' } else { own == other && own != b'.' };
    path.len() == name.len() && path.bytes().zip(name.bytes()).all(same)
}

/// A segment as the kernel names it: what is written as a slash is a dot in it.
fn with_dots(segment: &str) -> Cow<'_, str> {
    if segment.contains('/') { Cow::Owned(segment.replace('/', ".")) } else { Cow::Borrowed(segment) }
}

fn show<S: AsRef<str>>(segments: &[S]) -> String {
    let spelled: Vec<String> = segments.iter().map(|segment| segment.as_ref().replace('.', "/")).collect();
    spelled.join(".")
}

impl fmt::Display for SysctlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.path.as_bytes().to_vec();
        for byte in &mut bytes {
            match *byte {
                b'/' => *byte = b'.',
                b'.' => *byte = b'/',
                _ => {}
            }
        }
        // One ASCII byte for another: it is as good a text as before.
        f.pad(std::str::from_utf8(&bytes).unwrap_or_default())
    }
}

impl FromStr for SysctlKey {
    type Err = SysctlKeyError;

    fn from_str(text: &str) -> Result<SysctlKey, SysctlKeyError> {
        if let Some(path) = plain_path(text) {
            return Ok(SysctlKey::of_path(path));
        }
        if text.starts_with('/') {
            return Err(SysctlKeyError::Absolute(text.to_owned()));
        }
        let slashed = text.find(['.', '/']).is_some_and(|at| text.as_bytes().get(at) == Some(&b'/'));
        if slashed {
            SysctlKey::from_segments(text.split('/'))
        } else {
            SysctlKey::from_segments(text.split('.').map(with_dots))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SysctlKey {
        text.parse().unwrap()
    }

    #[test]
    fn first_separator_decides_as_in_procps() {
        assert_eq!(key("net.ipv4.conf.eth0/100.rp_filter"), key("net/ipv4/conf/eth0.100/rp_filter"));
        assert_eq!(key("net/ipv4/conf/eth0.100/rp_filter").to_string(), "net.ipv4.conf.eth0/100.rp_filter");
        assert_eq!(key("net.ipv4.conf.eth0/100.rp_filter").path(), "net/ipv4/conf/eth0.100/rp_filter");
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_to_a_key_leads_where_the_long_one_does(text in "[a-cA-C1_./= -]{0,12}|[a-c.]{250,260}") {
            let long = SysctlKey::from_segments(text.split('.').map(with_dots));
            if let Some(path) = plain_path(&text) {
                proptest::prop_assert_eq!(Ok(SysctlKey::of_path(path)), long);
            }
        }
    }

    #[test]
    fn text_and_address_round_trip() {
        for text in ["sysctl:net.core.somaxconn", "sysctl@blue:net.ipv4.conf.eth0/100.rp_filter"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_would_leave_proc_sys() {
        assert!(matches!("/proc/sys/net/core".parse::<SysctlKey>(), Err(SysctlKeyError::Absolute(_))));
        assert!(matches!("net/../kernel/core_pattern".parse::<SysctlKey>(), Err(SysctlKeyError::Parent(_))));
        assert!(matches!("net.ipv4.//.x".parse::<SysctlKey>(), Err(SysctlKeyError::Parent(_))));
        assert!(matches!("net..x".parse::<SysctlKey>(), Err(SysctlKeyError::Empty(_))));
        assert!(matches!("net.a\0b".parse::<SysctlKey>(), Err(SysctlKeyError::BadCharacter(_))));
        assert!(matches!("".parse::<SysctlKey>(), Err(SysctlKeyError::Empty(_))));
        assert!(matches!("net".parse::<SysctlKey>(), Err(SysctlKeyError::TooShort(_))));
        assert!(matches!("a.".repeat(600).parse::<SysctlKey>(), Err(SysctlKeyError::TooLong(_))));
    }

    #[test]
    fn unknown_kinds_and_namespaces_are_refused() {
        assert!(matches!("net.core.somaxconn".parse::<Address>(), Err(AddressError::NoKind(_))));
        assert!(matches!("sysctll:net.core.x".parse::<Address>(), Err(AddressError::UnknownKind(_))));
        assert!(matches!("sysctl@:net.core.x".parse::<Address>(), Err(AddressError::BadNetns(_))));
        assert!(matches!("sysctl@a/b:net.core.x".parse::<Address>(), Err(AddressError::BadNetns(_))));
    }

    #[test]
    fn puts_another_interface_in_place() {
        let vlan = key("net.ipv4.conf.all.rp_filter").with_interface("eth0.100").unwrap();
        assert_eq!(vlan, key("net.ipv4.conf.eth0/100.rp_filter"));
        assert_eq!(vlan.with_interface("lo").unwrap(), key("net.ipv4.conf.lo.rp_filter"));
        for name in ["../x", "a=b", "a b", "a\u{1b}[31m", "a\u{a0}b", "", "."] {
            assert_eq!(vlan.with_interface(name), None, "{name}");
        }
        assert_eq!(key("net.core.somaxconn").with_interface("lo"), None);
        for other in ["all", "default"] {
            assert_eq!(Address::sysctl(vlan.clone()).with_interface(other), None, "{other}");
            assert_eq!(
                Address::sysctl(key("net.ipv4.conf.lo.rp_filter").with_interface(other).unwrap()).with_interface("lo"),
                None
            );
        }
    }

    #[test]
    fn knows_the_interface_of_a_key() {
        assert_eq!(key("net.ipv4.conf.eth0/100.rp_filter").interface(), Some("eth0.100"));
        assert_eq!(key("net.ipv6.neigh.default.gc_thresh1").interface(), Some("default"));
        assert_eq!(key("net.core.somaxconn").interface(), None);
    }
}
