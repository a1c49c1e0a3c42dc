//! Addresses of the link layer.

use std::fmt;

/// `MAX_ADDR_LEN` (include/linux/netdevice.h): InfiniBand has 20, nothing has more than 32.
const LONGEST: usize = 32;

/// The address of an interface on its link: of Ethernet 6 bytes, of a tunnel the bytes of its IP address.
///
/// ```
/// use trimtab_netlink::link::HardwareAddress;
/// let address = HardwareAddress::from_bytes(&[2, 0, 0x5e, 0x10, 0, 0xff]).unwrap();
/// assert_eq!(address.to_string(), "02:00:5e:10:00:ff");
/// assert!(HardwareAddress::from_bytes(&[0; 33]).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddress {
    bytes: [u8; LONGEST],
    length: u8,
}

impl HardwareAddress {
    /// An address of these bytes; none if there are more than 32, which no interface has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<HardwareAddress> {
        let mut address = HardwareAddress { bytes: [0; LONGEST], length: u8::try_from(bytes.len()).ok()? };
        address.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(address)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

/// As ip(8) writes that of Ethernet: two hexadecimal digits a byte, colons between.
impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.as_bytes().iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HardwareAddress({self})")
    }
}
