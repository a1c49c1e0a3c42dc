//! Values of single queues, below `/sys/class/net/IF/queues` (net/core/net-sysfs.c; Documentation/networking/scaling.rst).
//!
//! `/sys` shows the network namespace that it was mounted in, which need not be the thread's. So a sysfs of our own is made,
//! which shows the thread's and is attached nowhere (fsopen(2), fsmount(2); needs CAP_SYS_ADMIN). Who may not do that gets
//! `/sys`, and an answer only where the interface there is the one meant, by number and address.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::MountAttrFlags;
use trimtab_core::address::link::Queue;
use trimtab_core::address::link::QueueAttribute;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;
use trimtab_netlink::link::Flags;
use trimtab_netlink::link::Link;

use super::cpus;

/// Larger than any mask of CPUs: sysfs gives at most a page.
const PAGE: usize = 4096;

/// A view of `class/net`.
#[derive(Debug)]
pub(super) struct Queues {
    root: OwnedFd,
    view: View,
    /// The folder of the queues of the interface read last: all of one device are read together, and the way to it is long.
    last: Option<(String, OwnedFd)>,
}

/// Whose interfaces it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// Those of the thread's namespace.
    Own,
    /// Those of whichever namespace /sys was mounted in.
    Shared,
}

/// What tells an interface from one of the same name in another namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeviceIdentity {
    pub(super) index: u32,
    /// As sysfs prints it: `52:54:00:12:34:56`.
    pub(super) address: String,
}

/// The identity of an interface that has an address.
pub(super) fn identity(link: &Link) -> Option<DeviceIdentity> {
    Some(DeviceIdentity { index: link.index, address: link.address?.to_string() })
}

impl Queues {
    /// The view of the calling thread's namespace.
    ///
    /// # Errors
    /// The system's, if there is no sysfs at all.
    pub(super) fn open() -> io::Result<Queues> {
        match own() {
            Ok(root) => Ok(Queues { root, view: View::Own, last: None }),
            Err(_) => {
                let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let root = rustix::fs::open("/sys", folder, Mode::empty())?;
                Ok(Queues { root, view: View::Shared, last: None })
            }
        }
    }

    /// The view of whoever may make no sysfs, with this one as `/sys`.
    #[cfg(test)]
    pub(super) fn shared(root: OwnedFd) -> Queues {
        Queues { root, view: View::Shared, last: None }
    }

    /// Forgets the folder of the interface read last: a name may be another interface's by now.
    pub(super) fn look_anew(&mut self) {
        self.last = None;
    }

    /// The value of one queue. `identity` tells which interface is meant, where that is not certain.
    pub(super) fn read(
        &mut self,
        interface: &str,
        queue: &Queue,
        identity: &mut dyn FnMut() -> Option<DeviceIdentity>,
    ) -> Reading {
        if self.view == View::Shared && !self.is_same(interface, identity()) {
            return Reading::Denied;
        }
        match self.queue_text(interface, queue) {
            Ok(text) => match value(queue.attribute, &text) {
                Some(value) => Reading::Typed { value, writable: true },
                None => Reading::Failed { errno: Errno::IO.raw_os_error() },
            },
            // Of a device with one queue, `xps_cpus` is there and cannot be read (`xps_cpus_show`), and a kernel without
            // CONFIG_RPS has no `rps_cpus`.
            Err(Errno::NOENT) if self.text(&folder(interface, queue)).is_err_and(|error| error != Errno::NOENT) => {
                Reading::Unsupported
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Reading::Absent,
            Err(Errno::ACCESS | Errno::PERM) => Reading::Denied,
            Err(Errno::OPNOTSUPP) => Reading::Unsupported,
            Err(error) => Reading::Failed { errno: error.raw_os_error() },
        }
    }

    /// Writes the value of one queue of this interface.
    ///
    /// # Errors
    /// The system's; ENODEV if another one is called so by now, or none.
    pub(super) fn write(&self, link: &Link, queue: &Queue, value: &Value) -> io::Result<()> {
        let interface = link.name.as_str();
        if self.view == View::Shared && !self.is_same(interface, identity(link)) {
            return Err(Errno::PERM.into());
        }
        // The folder stays this interface's, whatever that is called from here on.
        let folder = self.open_file(&format!("class/net/{interface}"), OFlags::PATH | OFlags::DIRECTORY);
        let folder = folder.map_err(|error| if error == Errno::NOENT { Errno::NODEV } else { error })?;
        let number = read_text(&open_within(folder.as_fd(), "ifindex", OFlags::empty())?)?;
        if number.trim().parse() != Ok(link.index) {
            return Err(Errno::NODEV.into());
        }
        let text = match value {
            Value::Cpus(set) => cpus::write(set),
            Value::Int(number) => number.to_string(),
            Value::Ints(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Tree(_)
            | Value::Secret => return Err(Errno::INVAL.into()),
        };
        let file = open_within(folder.as_fd(), &format!("queues/{}", below(queue)), OFlags::WRONLY)?;
        let taken = rustix::io::write(&file, text.as_bytes())?;
        if taken == text.len() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::WriteZero)) }
    }

    /// The inode of the folder that has this interface's name, which is the device's as long as it lives; nothing where it is
    /// not certain that the folder is of the thread's namespace. The same in either view (fs/sysfs/mount.c `sysfs_init`: one root).
    pub(super) fn node(&self, link: &Link) -> Option<u64> {
        let is_own = match self.view {
            View::Own => true,
            // Every namespace has its `lo`, with one number and no address to tell it by.
            View::Shared => !link.flags.has(Flags::LOOPBACK) && self.is_same(&link.name, identity(link)),
        };
        let folder = || rustix::fs::statat(&self.root, format!("class/net/{}", link.name), AtFlags::empty()).ok();
        Some(is_own.then(folder)??.st_ino)
    }

    /// How many queues of each direction there are now: receiving, transmitting.
    pub(super) fn count(&self, interface: &str) -> Option<(u16, u16)> {
        let folder = self.open_file(&queues(interface), OFlags::DIRECTORY).ok()?;
        let (mut rx, mut tx) = (0, 0);
        for entry in rustix::fs::Dir::new(folder).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().to_bytes();
            rx += u16::from(name.starts_with(b"rx-"));
            tx += u16::from(name.starts_with(b"tx-"));
        }
        Some((rx, tx))
    }

    fn queue_text(&mut self, interface: &str, queue: &Queue) -> Result<String, Errno> {
        if self.last.as_ref().is_none_or(|(name, _)| name != interface) {
            let folder = self.open_file(&queues(interface), OFlags::PATH | OFlags::DIRECTORY)?;
            self.last = Some((interface.to_owned(), folder));
        }
        let folder = self.last.as_ref().map_or(self.root.as_fd(), |(_, folder)| folder.as_fd());
        read_text(&open_within(folder, &below(queue), OFlags::empty())?)
    }

    fn is_same(&self, interface: &str, identity: Option<DeviceIdentity>) -> bool {
        let Some(identity) = identity else { return false };
        let there = |name: &str| self.text(&format!("class/net/{interface}/{name}")).ok();
        there("ifindex").and_then(|index| index.trim().parse().ok()) == Some(identity.index)
            && there("address").is_some_and(|address| address.trim() == identity.address)
    }

    fn text(&self, path: &str) -> Result<String, Errno> {
        read_text(&self.open_file(path, OFlags::empty())?)
    }

    fn open_file(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        open_within(self.root.as_fd(), path, flags)
    }
}

fn open_within(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    // `class/net/IF` is a link to the device, within sysfs.
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
}

fn read_text(file: &OwnedFd) -> Result<String, Errno> {
    let mut buffer = [0; PAGE];
    let count = rustix::io::read(file, buffer.as_mut_slice())?;
    let text = std::str::from_utf8(buffer.get(..count).unwrap_or_default());
    text.map(str::to_owned).map_err(|_| Errno::ILSEQ)
}

pub(super) fn own() -> Result<OwnedFd, Errno> {
    let context = rustix::mount::fsopen("sysfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_create(context.as_fd())?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// An interface's name holds no slash and is neither `.` nor `..`, so that this leads nowhere else.
fn queues(interface: &str) -> String {
    format!("class/net/{interface}/queues")
}

fn folder(interface: &str, queue: &Queue) -> String {
    format!("{}/{}-{}", queues(interface), queue.attribute.direction().word(), queue.index)
}

fn below(queue: &Queue) -> String {
    let Queue { index, attribute } = queue;
    format!("{}-{index}/{}", attribute.direction().word(), file_of(*attribute))
}

fn file_of(attribute: QueueAttribute) -> &'static str {
    match attribute {
        QueueAttribute::RpsCpus => "rps_cpus",
        QueueAttribute::RpsFlowCnt => "rps_flow_cnt",
        QueueAttribute::XpsCpus => "xps_cpus",
        QueueAttribute::XpsRxqs => "xps_rxqs",
    }
}

fn value(attribute: QueueAttribute, text: &str) -> Option<Value> {
    match attribute {
        QueueAttribute::RpsCpus | QueueAttribute::XpsCpus | QueueAttribute::XpsRxqs => {
            cpus::parse(text).map(Value::Cpus)
        }
        QueueAttribute::RpsFlowCnt => text.trim().parse().ok().map(Value::Int),
    }
}
