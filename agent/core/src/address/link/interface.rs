//! The name of an interface, inside an address.

use std::cmp::Ordering;
use std::fmt;

/// As many bytes as the kernel keeps for a name, with the NUL behind it (include/uapi/linux/if.h `IFNAMSIZ`).
const SIZE: usize = 16;

/// A name that an interface could have.
///
/// Plans of thousands of interfaces compare and copy little else, so it lies in place and compares as one number: its
/// bytes, then NULs, and its length where the kernel has the last NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceName([u8; SIZE]);

impl InterfaceName {
    /// A name as net/core/dev.c `dev_valid_name` has it, that can be told from the rest of an address.
    pub fn new(name: &str) -> Option<InterfaceName> {
        let fits = |c: char| c != '/' && c != ':' && !c.is_whitespace() && !c.is_control();
        let is_name = !name.is_empty() && name != "." && name != ".." && name.chars().all(fits);
        let mut bytes = [0; SIZE];
        let (last, place) = bytes.split_last_mut()?;
        place.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        *last = u8::try_from(name.len()).ok()?;
        is_name.then_some(InterfaceName(bytes))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let [.., length] = self.0;
        // It was made of a text, so it is one.
        self.0.get(..usize::from(length)).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

/// As the texts: no name holds a NUL, and of equal bytes the lengths are equal.
impl Ord for InterfaceName {
    #[inline]
    fn cmp(&self, other: &InterfaceName) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for InterfaceName {
    #[inline]
    fn partial_cmp(&self, other: &InterfaceName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn names_come_back_and_compare_as_texts(left in "[a-c.\\-éß]{1,16}", right in "[a-c.\\-éß]{1,16}") {
            let [one, other] = [&left, &right].map(|text| InterfaceName::new(text));
            proptest::prop_assert_eq!(one.is_some(), left.len() < 16 && left != "." && left != "..");
            if let (Some(one), Some(other)) = (one, other) {
                proptest::prop_assert_eq!(one.as_str(), &left);
                proptest::prop_assert_eq!(one.cmp(&other), left.cmp(&right));
            }
        }
    }

    #[test]
    fn what_no_interface_is_called_is_no_name() {
        for name in ["", ".", "..", "a/b", "a:b", "a b", "a\0", "sixteen-bytes-12"] {
            assert_eq!(InterfaceName::new(name), None, "{name:?}");
        }
    }
}
