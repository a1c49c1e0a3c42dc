//! How queueing disciplines and classes are named.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The name of a queueing discipline or class on its interface: `major:minor`, both hexadecimal, as tc(8) writes them
/// (include/uapi/linux/pkt_sched.h). Queueing disciplines have minor 0; the major of a class is that of the discipline that it
/// belongs to.
///
/// ```
/// use trimtab_netlink::tc::Handle;
///
/// let class = Handle::new(0x4e54, 0x10);
/// assert_eq!(class.to_string(), "4e54:10");
/// assert_eq!("4e54:10".parse(), Ok(class));
/// assert_eq!("root".parse(), Ok(Handle::ROOT));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub u32);

impl Handle {
    /// `TC_H_UNSPEC`, `0:`. In a request: whatever the kernel finds fit, from `8001:` on. As an answer: a discipline that nobody asked for
    /// by name, the kernel's default.
    pub const NONE: Handle = Handle(0);
    /// `TC_H_ROOT`: as a parent, the interface itself.
    pub const ROOT: Handle = Handle(u32::MAX);
    /// `TC_H_INGRESS`: as a parent, where packets come in. There is one place for `ingress` and `clsact`.
    pub const INGRESS: Handle = Handle(0xffff_fff1);
    /// What `ingress` and `clsact` are called, whatever a request says: `ffff:`.
    pub const INGRESS_QDISC: Handle = Handle(0xffff_0000);
    /// `TC_H_MIN_INGRESS` of `clsact`: as the parent of a filter, where packets come in.
    pub const CLSACT_INGRESS: Handle = Handle(0xffff_fff2);
    /// `TC_H_MIN_EGRESS` of `clsact`: as the parent of a filter, where packets go out.
    pub const CLSACT_EGRESS: Handle = Handle(0xffff_fff3);

    /// The one of these two parts.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Handle {
        Handle((major as u32) << 16 | minor as u32)
    }

    /// The part before the colon.
    #[must_use]
    pub const fn major(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The part after the colon.
    #[must_use]
    pub const fn minor(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// The queueing discipline that a class belongs to: the same major, no minor.
    #[must_use]
    pub const fn qdisc(self) -> Handle {
        Handle::new(self.major(), 0)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.major(), self.minor()) {
            (Handle::ROOT, ..) => f.write_str("root"),
            (Handle::INGRESS, ..) => f.write_str("ingress"),
            (_, major, 0) => write!(f, "{major:x}:"),
            (_, major, minor) => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// A text is no handle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no handle: want `major:minor`, each hexadecimal and at most ffff, `root` or `ingress`")]
pub struct NoHandle {
    /// The text.
    pub text: String,
}

impl FromStr for Handle {
    type Err = NoHandle;

    /// `root`, `ingress`, or hexadecimal numbers around a colon, of which each may be left out for 0.
    fn from_str(text: &str) -> Result<Handle, NoHandle> {
        let part = |digits: &str| match digits {
            "" => Some(0),
            // No sign, which from_str_radix would take.
            digits if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u16::from_str_radix(digits, 16).ok(),
            _ => None,
        };
        let handle = match text {
            "root" => Some(Handle::ROOT),
            "ingress" => Some(Handle::INGRESS),
            ":" => None,
            text => text.split_once(':').and_then(|(major, minor)| Some(Handle::new(part(major)?, part(minor)?))),
        };
        handle.ok_or_else(|| NoHandle { text: text.escape_debug().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_handle_is_told_as_such() {
        for text in ["", ":", "1", "10000:", "1:g", "+1:", "1:2:3", " 1:", "Root", "\u{1b}:"] {
            let error = text.parse::<Handle>().unwrap_err().to_string();
            assert!(error.contains("is no handle") && !error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn parts_may_be_left_out() {
        let of = |text: &str| text.parse::<Handle>().unwrap();
        assert_eq!(
            [of("1:"), of(":1"), of("FFFF:fff2")],
            [Handle::new(1, 0), Handle::new(0, 1), Handle::CLSACT_INGRESS]
        );
        assert_eq!(Handle::new(1, 0x10).qdisc(), Handle::new(1, 0));
    }

    proptest! {
        #[test]
        fn every_handle_is_read_as_it_is_shown(number: u32) {
            prop_assert_eq!(Handle(number).to_string().parse(), Ok(Handle(number)));
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = text.parse::<Handle>();
        }
    }
}
