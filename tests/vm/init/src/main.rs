//! Process 1 of the test VM: mounts what a Linux program expects, loads modules, runs the tests, tells how they ended, and
//! powers off. With `vm_root=` on the kernel command line it hands over to the systemd on that disk instead, which
//! starts this program once more, as a service, for the tests.
//!
//! What the tests print goes to the second serial port, `/dev/ttyS1`, and so do the lines that begin with `vm: `, by
//! which `tests/vm/boot` knows an end from a crash. The kernel's console is the first port. Its arguments (all that
//! stands behind `--` on the kernel command line) are those of the test program; the kernel makes environment variables of
//! words like `CI=true`.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::mount::MountFlags;
use rustix::mount::mount;
use rustix::mount::mount_bind;
use rustix::mount::mount_move;
use rustix::process::WaitOptions;
use rustix::system::RebootCommand;

/// The test program, and what belongs to it.
const TESTS: &str = "/vm/tests";
const RESULTS: &str = "/dev/ttyS1";
/// Mount points for the disk of a test, and for one that holds a whole system.
const DISK: &str = "/disk";
const ROOT: &str = "/root";
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

fn main() -> ExitCode {
    if std::process::id() == 1 {
        let Err(error) = prepare().and_then(|()| match std::env::var("vm_root") {
            Ok(device) => hand_over(&device),
            Err(_) => run_tests(),
        }) else {
            return power_off();
        };
        tell(&format!("failed: {error}"));
        return power_off();
    }
    // Under systemd, which has made a system of the machine by now.
    match run_tests() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for `tests/vm/boot`. There is nobody to tell if that fails; that no end was told is then seen outside.
fn tell(line: &str) {
    if let Ok(mut port) = OpenOptions::new().write(true).open(RESULTS) {
        let _ = port.write_all(format!("vm: {line}\n").as_bytes());
    }
}

fn power_off() -> ExitCode {
    rustix::fs::sync();
    let _ = rustix::system::reboot(RebootCommand::PowerOff);
    // Process 1 must not end: that would be a panic of the kernel, and is one if the line above does nothing.
    ExitCode::FAILURE
}

fn prepare() -> Result<(), String> {
    for (kind, target) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/run"),
        ("tmpfs", "/tmp"),
        ("cgroup2", "/sys/fs/cgroup"),
    ] {
        mount_at(kind, kind, target)?;
    }
    rustix::system::sethostname(b"vm").map_err(|error| format!("host name: {error}"))?;
    let modules = text("/vm/modules")?;
    for module in modules.lines().filter_map(|line| line.strip_prefix("boot")).map(str::trim) {
        command("modprobe", &[module])?;
    }
    command("ip", &["link", "set", "lo", "up"])
}

/// Runs the test program to its end, and tells what that was.
fn run_tests() -> Result<(), String> {
    if std::process::id() == 1 && Path::new("/dev/vda").exists() {
        mount_at("/dev/vda", "ext4", DISK)?;
    }
    let port = || OpenOptions::new().write(true).open(RESULTS).map_err(|error| format!("{RESULTS}: {error}"));
    let mut tests = Command::new(TESTS);
    tests.args(std::env::args_os().skip(1)).env("PATH", PATH).env("HOME", "/").env("TMPDIR", "/tmp");
    tests.stdin(Stdio::null()).stdout(port()?).stderr(port()?);
    let child = tests.spawn().map_err(|error| format!("{TESTS}: {error}"))?;
    let limit = std::env::var("vm_seconds").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(300);
    let limit = Duration::from_secs(limit);
    let start = Instant::now();
    while start.elapsed() < limit {
        match rustix::process::wait(WaitOptions::NOHANG).map_err(|error| format!("wait: {error}"))? {
            Some((ended, status)) if ended.as_raw_pid().cast_unsigned() == child.id() => {
                match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => tell(&format!("ended {code}")),
                    (None, signal) => tell(&format!("failed: the test program died of signal {signal:?}")),
                }
                return Ok(());
            }
            // Orphans come to process 1; they are no concern of the tests.
            Some(_) => {}
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
    tell(&format!("hangs:\n{}", processes()));
    // The console gets what the kernel has to say of those that cannot be woken.
    let _ = File::create("/proc/sysrq-trigger").and_then(|mut file| file.write_all(b"w"));
    Err(format!("the tests hang: not over after {} s", limit.as_secs()))
}

/// What each thread of each program waits for: its name, the place in the kernel, and the system call with its arguments.
fn processes() -> String {
    let mut all = String::new();
    for process in folders("/proc") {
        // Threads of the kernel have no command line.
        if text(&format!("{process}/cmdline")).is_ok_and(|line| !line.is_empty()) {
            for thread in folders(&format!("{process}/task")) {
                let read = |name: &str| text(&format!("{thread}/{name}")).unwrap_or_default().trim().to_owned();
                all.push_str(&format!("{thread} {} in {}: {}\n", read("comm"), read("wchan"), read("syscall")));
            }
        }
    }
    all
}

/// The folders in one whose names are numbers.
fn folders(path: &str) -> Vec<String> {
    let entries = Path::new(path).read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.parse::<u32>().is_ok()).map(|name| format!("{path}/{name}")).collect()
}

/// Makes the system on the disk the root, with modules, tests and binary of this machine in it, and becomes its systemd.
fn hand_over(device: &str) -> Result<(), String> {
    mount_at(device, "ext4", ROOT)?;
    for path in text("/vm/shared")?.lines() {
        let target = format!("{ROOT}{path}");
        let made = if Path::new(path).is_dir() {
            std::fs::create_dir_all(&target)
        } else {
            let folder = Path::new(&target).parent().map_or(Ok(()), std::fs::create_dir_all);
            folder.and_then(|()| File::create(&target).map(drop))
        };
        made.map_err(|error| format!("{target}: {error}"))?;
        mount_bind(path, &target).map_err(|error| format!("bind {path} at {target}: {error}"))?;
    }
    // Names of tests and options of libtest have nothing in them that systemd would read otherwise.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let variables = ["CI", "vm_seconds"].map(|name| {
        std::env::var(name).map_or_else(|_| String::new(), |value| format!("Environment={name}={value}\n"))
    });
    let service = text("/vm/vm-tests.service")?
        .replace("@ARGUMENTS@", &arguments.join(" "))
        .replace("@ENVIRONMENT@", &variables.concat());
    let unit = format!("{ROOT}/etc/systemd/system/vm-tests.service");
    std::fs::write(&unit, service).map_err(|error| format!("{unit}: {error}"))?;
    let wants = format!("{ROOT}/etc/systemd/system/multi-user.target.wants/vm-tests.service");
    match std::os::unix::fs::symlink("../vm-tests.service", &wants) {
        Ok(()) => {}
        // From an earlier boot of this disk.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(format!("{wants}: {error}")),
    }
    for path in ["/dev", "/proc", "/sys", "/run"] {
        mount_move(path, format!("{ROOT}{path}")).map_err(|error| format!("move {path}: {error}"))?;
    }
    std::env::set_current_dir(ROOT).map_err(|error| format!("{ROOT}: {error}"))?;
    mount_move(".", "/").map_err(|error| format!("move {ROOT} to /: {error}"))?;
    std::os::unix::fs::chroot(".").map_err(|error| format!("chroot: {error}"))?;
    let error = Command::new("/sbin/init").env_clear().env("PATH", PATH).exec();
    Err(format!("/sbin/init: {error}"))
}

fn mount_at(source: &str, kind: &str, target: &str) -> Result<(), String> {
    std::fs::create_dir_all(target).map_err(|error| format!("{target}: {error}"))?;
    match mount(source, target, kind, MountFlags::empty(), None) {
        // Some kernels have mounted /dev by themselves.
        Err(rustix::io::Errno::BUSY) | Ok(()) => Ok(()),
        Err(error) => Err(format!("mount {source} ({kind}) at {target}: {error}")),
    }
}

/// Runs a program that must succeed.
fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).env("PATH", PATH).stdin(Stdio::null()).output();
    let output = ran.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {} ({})", arguments.join(" "), said.trim(), output.status))
}

fn text(path: &str) -> Result<String, String> {
    File::open(path).and_then(std::io::read_to_string).map_err(|error| format!("{path}: {error}"))
}
