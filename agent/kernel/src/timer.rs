//! The confirmation timer's process: what undoes an apply that nobody confirms.
//!
//! It must outlive its caller, the caller's terminal and the caller's login session, since a bad apply is what cuts these
//! off. Where PID 1 is systemd it is a transient unit (logind may kill all that a session left behind); elsewhere, and
//! where that fails, a process in a session of its own. Time is `CLOCK_BOOTTIME`: it goes on in suspend, and no
//! clock setting moves it.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::thread::ClockId;
use rustix::time::Timespec;

use crate::sys;

/// How long systemd-run(1) may take before the timer is started without it, and systemctl(1) before it goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Exists exactly where PID 1 is systemd (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// A timer to be armed: this program again, with other arguments.
#[derive(Debug, Clone, Copy)]
pub struct Timer<'a> {
    /// The name of the transient unit, without its suffix, e.g. `trimtab-confirm-initial-4711`. A unit of that name must
    /// not exist.
    pub unit: &'a str,
    /// What this program is started with. They name the namespace (`--netns`) if it was entered by name.
    pub arguments: &'a [OsString],
    /// The name by which the namespace was entered, if it was.
    pub netns: Option<&'a str>,
}

/// What keeps the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Armed {
    /// A transient unit of this name.
    Unit(String),
    /// A process in a session of its own.
    Process {
        /// Its id.
        pid: u32,
    },
}

/// Starts a timer's process. When this returns, it runs.
///
/// # Errors
/// If no process can be started. What is to be undone must then be undone at once.
pub fn arm(timer: &Timer<'_>) -> io::Result<Armed> {
    if Path::new(BOOTED).is_dir() && systemd_reaches(timer.netns) {
        match arm_unit(timer) {
            Ok(armed) => return Ok(armed),
            Err(error) => {
                tracing::warn!(%error, unit = timer.unit, "no transient unit: the timer gets a session of its own")
            }
        }
    }
    // Not the path of the program: it may have been replaced by another version since it was started.
    spawn_detached(Path::new("/proc/self/exe"), timer.arguments)
}

/// Ends a timer early, if it really is the one that was armed with this word among its arguments: process ids are used
/// again. Best effort: a timer that finds its work done by somebody else does nothing.
pub fn end(armed: &Armed, word: &str) {
    match armed {
        Armed::Process { pid } => end_process(*pid, word),
        Armed::Unit(unit) => {
            if let Err(error) = stop_unit(unit, word) {
                tracing::debug!(%error, unit, "the timer's unit stays until its time, and then does nothing");
            }
        }
    }
}

fn end_process(pid: u32, word: &str) {
    let Ok(id) = i32::try_from(pid) else { return };
    let Some(id) = rustix::process::Pid::from_raw(id) else { return };
    let path = format!("/proc/{pid}/cmdline");
    let Ok(arguments) = crate::file::read(Path::new(&path), 1 << 16) else { return };
    if arguments.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()) {
        // It may have ended by itself meanwhile, which is as good.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}

fn stop_unit(unit: &str, word: &str) -> io::Result<()> {
    if !is_of(unit, word) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is not the unit of this timer"));
    }
    if !Path::new(BOOTED).is_dir() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "process 1 is not systemd"));
    }
    // The job is enough: whoever confirms need not wait for its end.
    let mut command = Command::new("systemctl");
    command.args(["--quiet", "--no-block", "stop", "--", unit]);
    run(&mut command)
}

/// Whether a service's name ends in this word, as those of [`Timer::unit`] do. Nothing else may be stopped by what stands
/// in a file, patterns included.
fn is_of(unit: &str, word: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = unit.strip_suffix(".service").and_then(|name| name.strip_suffix(word));
    name.is_some_and(|prefix| prefix.ends_with('-') && prefix.len() > 1 && plain(prefix) && plain(word))
        && !word.is_empty()
}

/// The time since boot, suspend included.
pub fn now_boottime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// How long this process has kept processors busy.
pub fn cpu_time() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.try_into().unwrap_or(0), spent.tv_nsec.try_into().unwrap_or(0))
}

/// Sleeps until this time since boot; not at all if it has passed.
///
/// # Errors
/// If the kernel refuses to sleep; a signal does not end the sleep.
pub fn sleep_until(deadline: Duration) -> io::Result<()> {
    let request =
        Timespec { tv_sec: deadline.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: deadline.subsec_nanos().into() };
    loop {
        match rustix::thread::clock_nanosleep_absolute(ClockId::Boottime, &request) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a process that PID 1 starts gets into our namespace: by its name, or because it is PID 1's.
fn systemd_reaches(netns: Option<&str>) -> bool {
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    netns.is_some() || of("1").is_some_and(|first| Some(first) == of("thread-self"))
}

fn arm_unit(timer: &Timer<'_>) -> io::Result<Armed> {
    // systemd wants a path; one that was replaced meanwhile reads `… (deleted)` and is refused by systemd.
    let program = std::fs::read_link("/proc/self/exe")?;
    run(Command::new("systemd-run").args(unit_arguments(timer.unit, program.as_os_str(), timer.arguments)))?;
    Ok(Armed::Unit(format!("{}.service", timer.unit)))
}

/// Runs one of systemd's programs to its end, if that comes in time.
fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {status}"))) };
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{program} took more than {PATIENCE:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn unit_arguments(unit: &str, program: &OsStr, arguments: &[OsString]) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec![
        "--quiet".into(),
        // Gone when done, also when failed: the next timer may bear the same name.
        "--collect".into(),
        // systemd-run returns when the program runs, not before.
        "--service-type=exec".into(),
        "--description=undoes a trimtab apply that nobody confirms".into(),
        format!("--unit={unit}").into(),
        "--".into(),
    ];
    all.extend([program].into_iter().chain(arguments.iter().map(OsString::as_os_str)).map(without_variables));
    all
}

/// systemd would replace `$NAME` in arguments (systemd.service(5): `$$` stands for one dollar).
fn without_variables(text: &OsStr) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        bytes.push(*byte);
        if *byte == b'$' {
            bytes.push(b'$');
        }
    }
    OsString::from_vec(bytes)
}

fn spawn_detached(program: &Path, arguments: &[OsString]) -> io::Result<Armed> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    sys::start_detached(&mut command);
    // The child is not waited for: it outlives a one-shot. A daemon has the timer in a unit, or one zombie until it ends.
    Ok(Armed::Process { pid: command.spawn()?.id() })
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;
    use crate::file;

    /// Waits for a file to hold something.
    fn told(path: &Path) -> String {
        let start = Instant::now();
        loop {
            match file::read(path, 1 << 20) {
                Ok(bytes) if bytes.ends_with(b"end\n") => return String::from_utf8(bytes).unwrap(),
                Ok(_) | Err(_) if start.elapsed() < Duration::from_secs(20) => thread::sleep(Duration::from_millis(5)),
                Ok(_) | Err(_) => panic!("{} was not written", path.display()),
            }
        }
    }

    fn shell(script: String) -> Vec<OsString> {
        vec!["-c".into(), script.into()]
    }

    #[test]
    fn detached_process_has_nothing_of_its_caller() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        // As if a parent had left it open in us.
        let leaked = std::fs::File::open(dir.path()).unwrap();
        rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
        let _held = crate::signals::hold();
        let script = format!(
            "{{ pwd; readlink /proc/$$/fd/*; cut -d ' ' -f 6,7 /proc/$$/stat; echo $$; \
             grep -E 'Sig(Blk|Ign)' /proc/self/status; echo end; }} > {}",
            out.display()
        );
        let Armed::Process { pid } = spawn_detached(Path::new("/bin/sh"), &shell(script)).unwrap() else { panic!() };
        let text = told(&out);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "/");
        let descriptors: Vec<&str> = lines[1..].iter().copied().take_while(|line| line.starts_with('/')).collect();
        // The shell keeps the streams it redirects at numbers from 10 on.
        let own = |path: &&str| *path == "/dev/null" || *path == out.to_str().unwrap();
        assert!(descriptors.iter().all(own), "{descriptors:?}");
        // Its own session, no terminal.
        assert!(lines.contains(&format!("{pid} 0").as_str()), "{text}");
        for line in lines.iter().filter(|line| line.starts_with("Sig")) {
            let mask = u64::from_str_radix(line.rsplit('\t').next().unwrap(), 16).unwrap();
            // All but signals 32 and 33, which are libc's own.
            assert_eq!(mask & !(0b11 << 31), 0, "{line}");
        }
        drop(leaked);
    }

    #[test]
    fn timer_outlives_a_killed_caller() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let status = Command::new("/proc/self/exe")
            .args(["--exact", "timer::tests::caller_that_is_killed", "--ignored", "--nocapture"])
            .env("TRIMTAB_TEST_OUT", &out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL), "{status}");
        assert!(told(&out).starts_with("survived"));
    }

    #[test]
    #[ignore = "the caller in timer_outlives_a_killed_caller"]
    fn caller_that_is_killed() {
        let Ok(out) = std::env::var("TRIMTAB_TEST_OUT") else { return };
        spawn_detached(Path::new("/bin/sh"), &shell(format!("sleep 0.2; printf 'survived\\nend\\n' > {out}"))).unwrap();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        process::exit(0);
    }

    #[test]
    fn missing_program_is_an_error_at_once() {
        assert_eq!(spawn_detached(Path::new("/no/such"), &[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn unit_gets_its_arguments_untouched_by_systemd() {
        let arguments = unit_arguments("t-1", OsStr::new("/opt/a$b/trimtab"), &["--netns".into(), "$x".into()]);
        let tail: Vec<&OsStr> = arguments.iter().skip_while(|word| *word != "--").map(OsString::as_os_str).collect();
        assert_eq!(tail, ["--", "/opt/a$$b/trimtab", "--netns", "$$x"]);
        assert!(arguments.contains(&"--unit=t-1".into()));
    }

    #[test]
    fn no_other_unit_is_stopped_than_that_of_the_timer() {
        assert!(is_of("trimtab-trial-65a-1f-3-0.service", "65a-1f-3-0"));
        for (unit, word) in [
            ("sshd.service", "65a-1f-3-0"),
            ("65a-1f-3-0.service", "65a-1f-3-0"),
            ("-65a-1f-3-0.service", "65a-1f-3-0"),
            ("trimtab-trial-65a-1f-3-0", "65a-1f-3-0"),
            ("*-65a-1f-3-0.service", "65a-1f-3-0"),
            ("trimtab-trial-*.service", "*"),
            ("sshd.service", ""),
            ("trimtab-.service", ""),
            ("", ""),
        ] {
            assert!(!is_of(unit, word), "{unit} {word}");
            assert_eq!(stop_unit(unit, word).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_name() {
        assert_eq!(run(&mut Command::new("false")).unwrap_err().to_string(), "false: exit status: 1");
        assert_eq!(run(&mut Command::new("/no/such")).unwrap_err().kind(), io::ErrorKind::NotFound);
        run(&mut Command::new("true")).unwrap();
    }

    #[test]
    fn sleeps_until_and_not_past() {
        let start = now_boottime();
        sleep_until(start + Duration::from_millis(30)).unwrap();
        assert!(now_boottime() >= start + Duration::from_millis(30));
        let before = Instant::now();
        sleep_until(Duration::ZERO).unwrap();
        assert!(before.elapsed() < Duration::from_secs(5));
    }
}
