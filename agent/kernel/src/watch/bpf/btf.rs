//! Where fields of the kernel's structures lie, from its own description of them, `/sys/kernel/btf/vmlinux`
//! (Documentation/bpf/btf.rst). Read whole, looked through once, thrown away.

use std::path::Path;

use crate::file;

/// What is looked for. A kernel that calls something otherwise has no such offset, and that is then not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    /// `task_struct.loginuid`
    pub(super) login_uid: Option<i16>,
    /// `task_struct.nsproxy`
    pub(super) namespaces: Option<i16>,
    /// `nsproxy.net_ns`
    pub(super) network: Option<i16>,
    /// `net.ns.inum`
    pub(super) inode: Option<i16>,
    /// `net.net_cookie`, or `net.ns.ns_id` where the one became the other (Linux 6.18).
    pub(super) cookie: Option<i16>,
}

/// Some 5 MiB; as much on kernels with everything built in.
const LARGEST: usize = 64 << 20;

impl Offsets {
    /// Those of the running kernel; none where it does not describe itself.
    pub(super) fn of_this_kernel() -> Offsets {
        match file::read(Path::new("/sys/kernel/btf/vmlinux"), LARGEST) {
            Ok(bytes) => Offsets::of(&bytes).unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, "the kernel does not describe its types");
                Offsets::default()
            }
        }
    }

    fn of(bytes: &[u8]) -> Option<Offsets> {
        let types = Types::of(bytes)?;
        let small = |offset: Option<u32>| offset.and_then(|offset| i16::try_from(offset).ok());
        let namespace = types.member("net", "ns");
        let within = |name: &str| namespace.zip(types.member("ns_common", name)).map(|(own, inner)| own + inner);
        Some(Offsets {
            login_uid: small(types.member("task_struct", "loginuid")),
            namespaces: small(types.member("task_struct", "nsproxy")),
            network: small(types.member("nsproxy", "net_ns")),
            inode: small(within("inum")),
            cookie: small(types.member("net", "net_cookie").or_else(|| within("ns_id"))),
        })
    }
}

/// The types of a description. Their numbers begin at 1.
struct Types<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins.
    places: Vec<u32>,
}

/// `struct btf_type`
struct Type {
    name: u32,
    kind: u32,
    count: u32,
    /// Whether the offsets of members are bit-fields' too.
    flag: bool,
    /// Where its members begin.
    members: usize,
}

const STRUCT: u32 = 4;
const UNION: u32 = 5;
/// `struct btf_member`
const MEMBER: usize = 12;
/// Structures without a name in one another, as in `task_struct`.
const DEEPEST: u8 = 4;

impl<'a> Types<'a> {
    fn of(bytes: &'a [u8]) -> Option<Types<'a>> {
        const MAGIC: u16 = 0xeb9f;
        if u16::from_ne_bytes(bytes.first_chunk().copied()?) != MAGIC {
            return None;
        }
        let header = number(bytes, 4)? as usize;
        let part = |offset: usize, length: usize| {
            let start = header.checked_add(number(bytes, offset)? as usize)?;
            bytes.get(start..start.checked_add(number(bytes, length)? as usize)?)
        };
        let mut types = Types { bytes: part(8, 12)?, strings: part(16, 20)?, places: vec![0] };
        let mut place = 0;
        while place < types.bytes.len() {
            types.places.push(u32::try_from(place).ok()?);
            place = types.end(place)?;
        }
        Some(types)
    }

    fn at(&self, place: usize) -> Option<Type> {
        let info = number(self.bytes, place.checked_add(4)?)?;
        Some(Type {
            name: number(self.bytes, place)?,
            kind: info >> 24 & 0x1f,
            count: info & 0xffff,
            flag: info >> 31 == 1,
            members: place.checked_add(12)?,
        })
    }

    /// Where the next type begins.
    fn end(&self, place: usize) -> Option<usize> {
        let found = self.at(place)?;
        let count = found.count as usize;
        let more = match found.kind {
            // INT, VAR, DECL_TAG
            1 | 14 | 17 => 4,
            ARRAY => 12,
            STRUCT | UNION => count.checked_mul(MEMBER)?,
            // ENUM, FUNC_PROTO
            6 | 13 => count.checked_mul(8)?,
            // DATASEC, ENUM64
            15 | 19 => count.checked_mul(12)?,
            // PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG
            2 | 7..=12 | 16 | 18 => 0,
            // One that is newer than this: nobody knows its length.
            _ => return None,
        };
        found.members.checked_add(more).filter(|end| *end <= self.bytes.len())
    }

    /// The offset of a member of a structure, in bytes.
    fn member(&self, of: &str, name: &str) -> Option<u32> {
        let is_it =
            |found: &Type| found.kind == STRUCT && found.count > 0 && self.text(found.name) == Some(of.as_bytes());
        let mut all = self.places.iter().skip(1).filter_map(|place| self.at(*place as usize));
        self.within(&all.find(is_it)?, name.as_bytes(), DEEPEST)
    }

    fn within(&self, structure: &Type, name: &[u8], depth: u8) -> Option<u32> {
        for index in 0..structure.count as usize {
            let place = structure.members.checked_add(index.checked_mul(MEMBER)?)?;
            let bits = number(self.bytes, place.checked_add(8)?)?;
            let bits = if structure.flag { bits & 0x00ff_ffff } else { bits };
            let offset = bits / 8;
            match self.text(number(self.bytes, place)?)? {
                own if own == name => return Some(offset),
                b"" if depth > 0 => {
                    let inner = self.places.get(number(self.bytes, place.checked_add(4)?)? as usize);
                    let inner = inner.and_then(|place| self.at(*place as usize));
                    let found = inner
                        .filter(|inner| inner.kind == STRUCT || inner.kind == UNION)
                        .and_then(|inner| self.within(&inner, name, depth - 1));
                    if let Some(found) = found {
                        return offset.checked_add(found);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn text(&self, offset: u32) -> Option<&'a [u8]> {
        self.strings.get(offset as usize..)?.split(|byte| *byte == 0).next()
    }
}

const ARRAY: u32 = 3;

fn number(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Members = &'static [(&'static str, u32, u32)];

    /// A description of these structures: name, and members with type and offset in bytes.
    fn description(structures: &[(&str, Members)]) -> Vec<u8> {
        let mut strings = vec![0];
        let mut types: Vec<u8> = Vec::new();
        let mut put = |types: &mut Vec<u8>, text: &str| {
            let offset = if text.is_empty() { 0 } else { strings.len() };
            if !text.is_empty() {
                strings.extend(text.bytes().chain([0]));
            }
            types.extend(u32::try_from(offset).unwrap().to_ne_bytes());
        };
        for (name, members) in structures {
            put(&mut types, name);
            types.extend((4 << 24 | u32::try_from(members.len()).unwrap()).to_ne_bytes());
            types.extend(8u32.to_ne_bytes());
            for (member, kind, offset) in *members {
                put(&mut types, member);
                types.extend(kind.to_ne_bytes());
                types.extend((offset * 8).to_ne_bytes());
            }
        }
        let mut bytes = 0xeb9fu16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let (types_length, strings_length) =
            (u32::try_from(types.len()).unwrap(), u32::try_from(strings.len()).unwrap());
        for number in [24, 0, types_length, types_length, strings_length] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(types);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn members_are_found_by_name_in_structures_without_one_too() {
        let bytes = description(&[
            ("", &[("nsproxy", 0, 16), ("loginuid", 0, 40)]),
            ("task_struct", &[("state", 0, 0), ("", 1, 64)]),
            ("nsproxy", &[("net_ns", 0, 32)]),
            ("ns_common", &[("inum", 0, 24), ("ns_id", 0, 48)]),
            ("net", &[("ns", 4, 100)]),
        ]);
        let wanted = Offsets {
            login_uid: Some(104),
            namespaces: Some(80),
            network: Some(32),
            inode: Some(124),
            cookie: Some(148),
        };
        assert_eq!(Offsets::of(&bytes), Some(wanted));
        for cut in 0..bytes.len() {
            let _ = Offsets::of(&bytes[..cut]);
        }
    }

    #[test]
    fn what_a_kernel_does_not_have_is_not_known() {
        let bytes = description(&[("task_struct", &[("nsproxy", 0, 100_000)]), ("net", &[("net_cookie", 0, 8)])]);
        let found = Offsets::of(&bytes).unwrap();
        assert_eq!(found, Offsets { cookie: Some(8), ..Offsets::default() }, "an offset that no instruction holds");
        assert_eq!(Offsets::of(b"not a description"), None);
    }

    proptest! {
        #[test]
        fn any_description_is_survived(at in 0..200usize, byte in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Offsets::of(&bytes);
            let mut good = description(&[("", &[("nsproxy", 2, 16)]), ("task_struct", &[("", 1, 64), ("", 2, 1)])]);
            if let Some(slot) = good.get_mut(at) {
                *slot = byte;
            }
            let _ = Offsets::of(&good);
        }
    }
}
