//! Who a host is: the identity that state, plans and snapshots are bound to.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// A host, this boot of it, and one network namespace in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostId {
    /// The host name: a label only.
    pub name: String,
    /// The kernel release, as `uname -r`.
    pub kernel: String,
    /// `/proc/sys/kernel/random/boot_id`: new at every boot.
    pub boot_id: String,
    /// The namespace.
    pub netns: NetnsId,
}

/// A network namespace of one boot. The cookie is unique until reboot; the name is a label only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetnsId {
    /// `SO_NETNS_COOKIE` of a socket made in it (net/core/sock.c; Linux 5.14 and later).
    pub cookie: u64,
    /// The name it was entered by (`--netns`), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is the initial one, where the global-only keys live.
    pub initial: bool,
}

impl HostId {
    /// The same boot of the same kernel and the same namespace; names are labels and do not count.
    pub fn same_boot_and_netns(&self, other: &HostId) -> bool {
        self.boot_id == other.boot_id && self.netns.cookie == other.netns.cookie
    }
}
