//! Who it was.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Who wrote, as far as anybody can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Writer {
    /// The process, as the initial pid namespace numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The name of the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comm: Option<String>,
    /// The program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who logged in, whatever user it has become since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_user: Option<String>,
    /// The path of the cgroup below the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The unit of systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The pod of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

/// As people say it: `sysctl[4711] of sshd.service (root, logged in as alice)`.
impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.comm.as_deref().or(self.exe.as_deref()).unwrap_or("a process"))?;
        if let Some(pid) = self.pid {
            write!(f, "[{pid}]")?;
        }
        let home = self.container.as_deref().or(self.unit.as_deref()).or(self.cgroup.as_deref());
        if let Some(home) = home {
            write!(f, " of {home}")?;
        }
        let uid = self.uid.map(|uid| format!("uid {uid}"));
        match (self.user.as_deref().or(uid.as_deref()), &self.login_user) {
            (Some(user), Some(login)) if user != login => write!(f, " ({user}, logged in as {login})"),
            (Some(user), _) => write!(f, " ({user})"),
            (None, _) => Ok(()),
        }
    }
}
