//! Numbers of include/uapi/linux/ethtool_netlink.h. Beware: commands to the kernel and from it are two enumerations, in
//! which one number means different things.

/// `ETHTOOL_MSG_*_GET`, `_SET`: user space to kernel.
pub(super) mod to_kernel {
    pub(crate) const STRSET_GET: u8 = 1;
    pub(crate) const LINKMODES_GET: u8 = 4;
    pub(crate) const LINKSTATE_GET: u8 = 6;
    pub(crate) const FEATURES_GET: u8 = 11;
    pub(crate) const FEATURES_SET: u8 = 12;
    pub(crate) const PRIVFLAGS_GET: u8 = 13;
    pub(crate) const PRIVFLAGS_SET: u8 = 14;
    pub(crate) const RINGS_GET: u8 = 15;
    pub(crate) const RINGS_SET: u8 = 16;
    pub(crate) const CHANNELS_GET: u8 = 17;
    pub(crate) const CHANNELS_SET: u8 = 18;
    pub(crate) const COALESCE_GET: u8 = 19;
    pub(crate) const COALESCE_SET: u8 = 20;
    pub(crate) const PAUSE_GET: u8 = 21;
    pub(crate) const PAUSE_SET: u8 = 22;
    /// Since Linux 6.2; for all devices at once since 6.11.
    pub(crate) const RSS_GET: u8 = 38;
    /// Since Linux 6.17.
    pub(crate) const RSS_SET: u8 = 48;
}

/// `ETHTOOL_MSG_*_REPLY`, `_NTF`: kernel to user space.
pub(super) mod from_kernel {
    pub(crate) const STRSET_GET_REPLY: u8 = 1;
    pub(crate) const LINKINFO_NTF: u8 = 3;
    pub(crate) const LINKMODES_GET_REPLY: u8 = 4;
    pub(crate) const LINKMODES_NTF: u8 = 5;
    pub(crate) const LINKSTATE_GET_REPLY: u8 = 6;
    pub(crate) const FEATURES_GET_REPLY: u8 = 11;
    pub(crate) const FEATURES_SET_REPLY: u8 = 12;
    pub(crate) const FEATURES_NTF: u8 = 13;
    pub(crate) const PRIVFLAGS_GET_REPLY: u8 = 14;
    pub(crate) const PRIVFLAGS_NTF: u8 = 15;
    pub(crate) const RINGS_GET_REPLY: u8 = 16;
    pub(crate) const RINGS_NTF: u8 = 17;
    pub(crate) const CHANNELS_GET_REPLY: u8 = 18;
    pub(crate) const CHANNELS_NTF: u8 = 19;
    pub(crate) const COALESCE_GET_REPLY: u8 = 20;
    pub(crate) const COALESCE_NTF: u8 = 21;
    pub(crate) const PAUSE_GET_REPLY: u8 = 22;
    pub(crate) const PAUSE_NTF: u8 = 23;
    pub(crate) const RSS_GET_REPLY: u8 = 38;
    /// Since Linux 6.17.
    pub(crate) const RSS_NTF: u8 = 50;
}

/// `ETHTOOL_A_*_HEADER`: the first attribute of every message here names the device.
pub(super) const HEADER: u16 = 1;

/// `GENL_CMD_CAP_DUMP` of include/uapi/linux/genetlink.h.
pub(super) const CAN_DUMP: u32 = 0x4;
