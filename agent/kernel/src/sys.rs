//! The system calls that neither std nor rustix offers. All unsafe code of the crate outside tests lives here and in
//! [`bpf`], and nothing else does.

#![expect(
    unsafe_code,
    reason = "getsockopt(SO_NETNS_COOKIE), ioctls of interfaces, open_by_handle_at, bpf, signal masks and a pre-exec hook have \
              no safe wrapper"
)]

pub(crate) mod bpf;

use std::fmt;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// `SO_NETNS_COOKIE` of a socket: the number of the network namespace it was made in, unique until reboot
/// (net/core/sock.c `sk_getsockopt`).
///
/// # Errors
/// `ENOPROTOOPT` before Linux 5.14.
pub(crate) fn netns_cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie: u64 = 0;
    let mut length = mem::size_of::<u64>() as libc::socklen_t;
    // SAFETY: both pointers are to live locals, and `length` holds the size of the first.
    let rc = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    if length as usize != mem::size_of::<u64>() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a cookie of {length} bytes")));
    }
    Ok(cookie)
}

/// Opens a folder of a kernfs file system (cgroup2) by its number, whatever its path is now.
///
/// # Errors
/// `ESTALE` if there is none of that number; `EPERM` without `CAP_DAC_READ_SEARCH`.
pub(crate) fn open_by_number(within: BorrowedFd<'_>, number: u64) -> io::Result<OwnedFd> {
    /// include/linux/exportfs.h `FILEID_KERNFS`
    const KERNFS: libc::c_int = 0xfe;
    /// `struct file_handle` with 8 bytes.
    #[repr(C)]
    struct Handle {
        bytes: libc::c_uint,
        kind: libc::c_int,
        number: [u8; 8],
    }
    let mut handle = Handle { bytes: 8, kind: KERNFS, number: number.to_ne_bytes() };
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the handle is live and has as many bytes as it says; the kernel only reads it.
    let descriptor = unsafe { libc::syscall(libc::SYS_open_by_handle_at, within.as_raw_fd(), &raw mut handle, flags) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = libc::c_int::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The MTU of an interface of the socket's namespace, netdevice(7) `SIOCGIFMTU`.
///
/// # Errors
/// `ENODEV` if there is no such interface.
pub(crate) fn link_mtu(socket: BorrowedFd<'_>, name: &str) -> io::Result<i32> {
    let mut request = LinkRequest { name: link_name(name)?, argument: LinkArgument { bytes: [0; 24] } };
    // SAFETY: the kernel writes a number into the argument of `request`, which is as long as `struct ifreq`.
    unsafe {
        link_ioctl(socket, libc::SIOCGIFMTU, &mut request)?;
        Ok(request.argument.mtu)
    }
}

/// The speed of an interface in Mbit/s, ethtool.h `ETHTOOL_GLINKSETTINGS`; all ones if it is unknown.
///
/// # Errors
/// `EOPNOTSUPP` if the driver tells none, `ENODEV` if there is no such interface.
pub(crate) fn link_speed(socket: BorrowedFd<'_>, name: &str) -> io::Result<u32> {
    const GET: u32 = 0x4c;
    let mut settings =
        LinkSettings { command: GET, speed: 0, rest: [0; 7], words: 0, tail: [0; 32], masks: [0; MASKS] };
    // The first answer only says, as a negative number, how many words a mask has.
    ethtool(socket, name, &mut settings)?;
    if settings.words >= 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no length of a link mode mask"));
    }
    let words = settings.words.checked_neg();
    let words = words.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a link mode mask past 127 words"))?;
    settings = LinkSettings { command: GET, speed: 0, rest: [0; 7], words, tail: [0; 32], masks: [0; MASKS] };
    ethtool(socket, name, &mut settings)?;
    Ok(settings.speed)
}

/// Who drives an interface, and where it is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Driver {
    /// The name of the driver: `virtio_net`.
    pub(crate) name: String,
    /// The place on its bus: `0000:00:03.0`; empty if it is on none.
    pub(crate) bus: String,
}

/// The driver of an interface, ethtool.h `ETHTOOL_GDRVINFO`. Netlink tells neither.
///
/// # Errors
/// `EOPNOTSUPP` if it tells none, `ENODEV` if there is no such interface.
pub(crate) fn link_driver(socket: BorrowedFd<'_>, name: &str) -> io::Result<Driver> {
    let mut info = DriverInfo { command: 0x3, driver: [0; 32], versions: [0; 64], bus: [0; 32], rest: [0; 64] };
    ethtool(socket, name, &mut info)?;
    let text = |bytes: &[u8; 32]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    Ok(Driver { name: text(&info.driver), bus: text(&info.bus) })
}

/// Three masks of at most 127 words each.
const MASKS: usize = 3 * 127;

/// `struct ethtool_link_settings` with room for the longest masks.
#[repr(C)]
struct LinkSettings {
    command: u32,
    speed: u32,
    /// duplex, port, phy_address, autoneg, mdio_support, eth_tp_mdix, eth_tp_mdix_ctrl
    rest: [u8; 7],
    words: i8,
    /// transceiver and on, reserved words included
    tail: [u8; 32],
    masks: [u32; MASKS],
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    /// version, fw_version
    versions: [u8; 64],
    bus: [u8; 32],
    /// erom_version, reserved2 and five counts
    rest: [u8; 64],
}

const _: () = assert!(mem::size_of::<LinkSettings>() == 48 + 4 * MASKS);
const _: () = assert!(mem::size_of::<DriverInfo>() == 196);

/// A buffer that `SIOCETHTOOL` may fill for the command in its first word.
///
/// # Safety
/// The type is `repr(C)`, begins with the command, is valid for any bytes, and is at least as long as what the kernel
/// copies out for the commands that are ever put into it.
unsafe trait EthtoolBuffer {}

// SAFETY: 48 bytes and three masks; the kernel refuses the command unless `words` is the length it uses, at most 127.
unsafe impl EthtoolBuffer for LinkSettings {}
// SAFETY: the kernel copies out sizeof(struct ethtool_drvinfo), 196 bytes.
unsafe impl EthtoolBuffer for DriverInfo {}

fn ethtool<T: EthtoolBuffer>(socket: BorrowedFd<'_>, name: &str, buffer: &mut T) -> io::Result<()> {
    let argument = LinkArgument { data: std::ptr::from_mut(buffer).cast() };
    let mut request = LinkRequest { name: link_name(name)?, argument };
    // SAFETY: `data` points to a live buffer of a type that is long enough, see `EthtoolBuffer`.
    unsafe { link_ioctl(socket, libc::SIOCETHTOOL, &mut request) }
}

/// `struct ifreq`.
#[repr(C)]
struct LinkRequest {
    name: [u8; libc::IFNAMSIZ],
    argument: LinkArgument,
}

#[repr(C)]
union LinkArgument {
    mtu: i32,
    data: *mut libc::c_void,
    /// As long as the longest member of the kernel's union.
    bytes: [u8; 24],
}

const _: () = assert!(mem::size_of::<LinkRequest>() >= mem::size_of::<libc::ifreq>());

/// # Safety
/// The argument is what `command` wants, and every pointer in it is to memory that the kernel may write to.
unsafe fn link_ioctl(socket: BorrowedFd<'_>, command: libc::c_ulong, request: &mut LinkRequest) -> io::Result<()> {
    // SAFETY: `request` is live and laid out as `struct ifreq`; the caller answers for the rest. The type of the
    // command differs between C libraries.
    let rc = unsafe { libc::ioctl(socket.as_raw_fd(), command as _, std::ptr::from_mut(request)) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The name with a final NUL.
fn link_name(name: &str) -> io::Result<[u8; libc::IFNAMSIZ]> {
    let mut bytes = [0; libc::IFNAMSIZ];
    match bytes.get_mut(..name.len()) {
        Some(slot) if name.len() < libc::IFNAMSIZ && !name.is_empty() && !name.contains('\0') => {
            slot.copy_from_slice(name.as_bytes());
            Ok(bytes)
        }
        Some(_) | None => Err(io::Error::from_raw_os_error(libc::ENODEV)),
    }
}

/// The signals that a thread holds back.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(libc::sigset_t);

impl fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignalMask")
    }
}

/// Has the calling thread hold back these signals too, and gives its mask from before.
///
/// # Errors
/// pthread_sigmask(3); the mask is then as it was.
pub(crate) fn block_signals(signals: &[libc::c_int]) -> io::Result<SignalMask> {
    let mut more = mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) initialises `more` before anything else uses it.
    unsafe { libc::sigemptyset(more.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: `more` is initialised. A number that is no signal is refused.
        unsafe { libc::sigaddset(more.as_mut_ptr(), *signal) };
    }
    // SAFETY: `more` is initialised, and `before` is a live local of the type that is written to it.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, more.as_ptr(), before.as_mut_ptr()) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: pthread_sigmask succeeded, so it wrote the whole set.
    Ok(SignalMask(unsafe { before.assume_init() }))
}

/// Has the calling thread hold back these signals and no others.
pub(crate) fn set_signal_mask(mask: &SignalMask) {
    // SAFETY: the mask was written by the kernel, and the old one is not asked for. It fails for no valid first argument.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask.0, std::ptr::null_mut()) };
}

/// Sends a signal to the calling thread alone.
#[cfg(test)]
pub(crate) fn signal_this_thread(signal: libc::c_int) {
    // SAFETY: raise(3) takes any number; what is no signal is refused.
    unsafe { libc::raise(signal) };
}

/// Has a command start in a session of its own, without terminal, with every signal at its default and none held back,
/// and with no descriptor of this process but the three standard ones.
pub(crate) fn start_detached(command: &mut Command) {
    // SAFETY: between fork and exec the hook makes plain system calls only; it neither allocates nor locks.
    unsafe {
        command.pre_exec(|| {
            // A new session has no terminal, so no hang-up either. It cannot fail: a fresh child leads no group.
            rustix::process::setsid()?;
            // What the shell ignored (nohup, background jobs) would be ignored for good. KILL, STOP and the numbers that
            // libc keeps for itself refuse; nobody can ignore them. To ignore it first drops one that is held back and
            // came, before the session was its own, for the group of our parent.
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_IGN);
                libc::signal(signal, libc::SIG_DFL);
            }
            // std leaves the mask as it is, and our parent holds signals back.
            let mut none = mem::MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
            // Also those that our parent left open in us: a pipe of a pipeline would never see its end. Where a seccomp
            // filter refuses, an open descriptor does less harm than no timer.
            let (all, close_on_exec) = (libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            let _ = libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, all, close_on_exec);
            Ok(())
        });
    }
}

/// Moves the calling thread into a network namespace of its own, new and empty but for a loopback.
///
/// # Errors
/// EPERM without CAP_SYS_ADMIN, ENOSPC where there are as many as the host allows.
pub fn leave_network_namespace() -> io::Result<()> {
    // SAFETY: of what unshare(2) can do only CLONE_FILES could take something from under safe code.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }.map_err(io::Error::from)
}
