//! IP prefixes: read, and brought into the one form in which sets of them are compared.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

/// A version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Version {
    /// Bits of an address.
    pub fn bits(self) -> u8 {
        match self {
            Version::V4 => 32,
            Version::V6 => 128,
        }
    }

    fn last(self) -> u128 {
        match self {
            Version::V4 => u32::MAX.into(),
            Version::V6 => u128::MAX,
        }
    }
}

/// All addresses that begin with the same bits: `10.0.0.0/8`. No bit behind them is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    version: Version,
    first: u128,
    length: u8,
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrefixError {
    /// Not even an address.
    #[error("`{0}` is no IP address or prefix")]
    NoAddress(String),
    /// A length that no address has.
    #[error("`{text}`: the length of a prefix of {what} is 0 to {most}")]
    Length {
        /// What was written.
        text: String,
        /// `IPv4` or `IPv6`.
        what: &'static str,
        /// The most.
        most: u8,
    },
    /// Bits behind the prefix are set.
    #[error("`{text}` has bits set behind its length: did you mean `{meant}` or `{address}`?")]
    HostBits {
        /// What was written.
        text: String,
        /// The prefix that it lies in.
        meant: Prefix,
        /// The address alone.
        address: IpAddr,
    },
}

impl Prefix {
    /// The prefix of this length that an address lies in; the longest if it is longer than there are bits.
    pub fn around(address: IpAddr, length: u8) -> Prefix {
        let (version, bits) = number(address);
        let length = length.min(version.bits());
        Prefix { version, first: bits & !hosts(version, length), length }
    }

    /// Which version of IP it is of.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        address(self.version, self.first)
    }

    /// Its last address.
    pub fn last(&self) -> IpAddr {
        address(self.version, self.first | hosts(self.version, self.length))
    }

    /// How many bits all its addresses have in common.
    pub fn length(&self) -> u8 {
        self.length
    }
}

/// The same addresses in as few prefixes as can be, in order: those of IPv4 first.
pub fn merged(prefixes: &[Prefix]) -> Vec<Prefix> {
    let ranges = prefixes.iter().map(|prefix| (prefix.first(), prefix.last()));
    of_ranges(ranges)
}

/// The addresses from one up to and with another, of each pair, as few prefixes as can be. A pair of two versions, or with its last
/// before its first, has none.
pub fn of_ranges(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> Vec<Prefix> {
    let mut sorted: Vec<(Version, u128, u128)> = ranges
        .into_iter()
        .map(|(first, last)| (number(first), number(last)))
        .filter(|((version, first), (other, last))| version == other && first <= last)
        .map(|((version, first), (_, last))| (version, first, last))
        .collect();
    sorted.sort_unstable();
    let mut merged: Vec<(Version, u128, u128)> = Vec::new();
    for (version, first, last) in sorted {
        match merged.last_mut() {
            Some((before, _, end)) if *before == version && first <= end.saturating_add(1) => *end = (*end).max(last),
            Some(_) | None => merged.push((version, first, last)),
        }
    }
    merged.into_iter().flat_map(|(version, first, last)| taken_apart(version, first, last)).collect()
}

/// The prefixes that make up a range: from its beginning the largest that fits, and so on.
fn taken_apart(version: Version, mut first: u128, last: u128) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    loop {
        let fits = |length: &u8| {
            let behind = hosts(version, *length);
            first & behind == 0 && first | behind <= last
        };
        let length = (0..=version.bits()).find(fits).unwrap_or(version.bits());
        prefixes.push(Prefix { version, first, length });
        let end = first | hosts(version, length);
        if end >= last {
            return prefixes;
        }
        first = end.saturating_add(1);
    }
}

/// The bits behind a prefix of this length.
fn hosts(version: Version, length: u8) -> u128 {
    version.last().checked_shr(length.into()).unwrap_or(0)
}

fn number(address: IpAddr) -> (Version, u128) {
    match address {
        IpAddr::V4(four) => (Version::V4, four.to_bits().into()),
        IpAddr::V6(six) => (Version::V6, six.to_bits()),
    }
}

fn address(version: Version, bits: u128) -> IpAddr {
    match version {
        Version::V4 => Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into(),
        Version::V6 => Ipv6Addr::from_bits(bits).into(),
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == self.version.bits() {
            write!(f, "{}", self.first())
        } else {
            write!(f, "{}/{}", self.first(), self.length)
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Prefix, PrefixError> {
        let shown = || text.escape_debug().to_string();
        let (head, length) = text.split_once('/').map_or((text, None), |(head, length)| (head, Some(length)));
        let address: IpAddr = head.parse().map_err(|_| PrefixError::NoAddress(shown()))?;
        let (version, bits) = number(address);
        let most = version.bits();
        let length = match length {
            None => most,
            Some(length) => {
                // Digits only: parse would take `+8`, too.
                let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
                let parsed = length.parse().ok().filter(|length: &u8| digits && *length <= most);
                let what = match version {
                    Version::V4 => "IPv4",
                    Version::V6 => "IPv6",
                };
                parsed.ok_or_else(|| PrefixError::Length { text: shown(), what, most })?
            }
        };
        let meant = Prefix::around(address, length);
        if meant.first != bits {
            return Err(PrefixError::HostBits { text: shown(), meant, address });
        }
        Ok(meant)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn all(texts: &[&str]) -> Vec<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_overlaps_or_touches_becomes_one() {
        let given = all(&["10.128.0.0/9", "2001:db8::/32", "10.0.0.0/9", "10.2.0.0/16", "192.0.2.1", "192.0.2.0/32"]);
        assert_eq!(merged(&given), all(&["10.0.0.0/8", "192.0.2.0/31", "2001:db8::/32"]));
        assert_eq!(merged(&all(&["0.0.0.0/1", "128.0.0.0/1", "::/0"])), all(&["0.0.0.0/0", "::/0"]));
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_what_may_be_meant() {
        let refused = |text: &str| text.parse::<Prefix>().unwrap_err().to_string();
        assert_eq!(
            refused("10.0.0.1/8"),
            "`10.0.0.1/8` has bits set behind its length: did you mean `10.0.0.0/8` or `10.0.0.1`?"
        );
        assert_eq!(refused("10.0.0.0/33"), "`10.0.0.0/33`: the length of a prefix of IPv4 is 0 to 32");
        for text in
            ["", "10.0.0", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "::g", "eth0", "10.0.0.256", " 10.0.0.0/8"]
        {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,30}") {
            let _ = text.parse::<Prefix>();
        }

        #[test]
        fn merging_keeps_every_address_and_merges_once(
            given in vec((any::<u16>(), 16_u8..=32), 0..12), probes in vec(any::<u16>(), 20),
        ) {
            let at = |low: u16| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | u32::from(low)));
            let given: Vec<Prefix> = given.into_iter().map(|(low, length)| Prefix::around(at(low), length)).collect();
            let merged = merged(&given);
            prop_assert_eq!(&super::merged(&merged), &merged);
            let holds = |all: &[Prefix], address: IpAddr| {
                all.iter().any(|prefix| prefix.first() <= address && address <= prefix.last())
            };
            for probe in probes {
                prop_assert_eq!(holds(&given, at(probe)), holds(&merged, at(probe)));
            }
            for prefix in merged {
                prop_assert_eq!(prefix.to_string().parse::<Prefix>(), Ok(prefix));
            }
        }

        #[test]
        fn a_range_is_the_same_range_again(one: u128, other: u128) {
            let (first, last) = (one.min(other), one.max(other));
            let address = |bits| IpAddr::from(Ipv6Addr::from_bits(bits));
            let prefixes = of_ranges([(address(first), address(last))]);
            prop_assert_eq!(prefixes.first().map(Prefix::first), Some(address(first)));
            prop_assert_eq!(prefixes.last().map(Prefix::last), Some(address(last)));
            prop_assert!(prefixes.len() <= 254);
        }
    }
}
