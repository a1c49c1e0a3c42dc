//! The command line's side of the socket: one request, and what came of it.

use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use trimtab_core::host::NetnsId;

use super::place;
use super::protocol::Ask;
use super::protocol::Line;
use super::protocol::Reply;
use super::protocol::Request;
use super::protocol::Status;
use super::protocol::one_line;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// How long `status` waits for a daemon that may be at work before it does without.
const STATUS_WAITS: Duration = Duration::from_secs(3);

/// How long a daemon may take beyond the time that is waited for another trimtab: to begin, and to write.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);

/// The longest line of an answer.
const LONGEST_REPLY: usize = 1 << 30;

/// Has the daemon of a namespace carry out a command, if there is one: tells what it told, and gives its exit code. `None` if
/// this process is to do it itself.
///
/// # Errors
/// If there is a daemon and it does not do it.
pub fn forward(common: &Common, netns: &NetnsId, ask: impl FnOnce() -> Ask) -> Result<Option<Exit>, Failure> {
    // Where this user may not ask, what follows will say so itself.
    let Ok(mut daemon) = Daemon::of(&common.runtime_dir, netns) else { return Ok(None) };
    let ask = ask();
    let patience = ask.wait() + BEGINS_WITHIN;
    let reply = daemon.ask(ask, patience, None).map_err(|error| daemon.failed(&error))?;
    match reply {
        Reply::Done { exit, out, err } => {
            output::err(err.as_bytes());
            crate::verbs::printed(output::out(out.as_bytes()))?;
            let unknown = || Failure::new(Exit::Failed, format!("the daemon ended it with the unknown code {exit}"));
            Ok(Some(Exit::of(exit).ok_or_else(unknown)?))
        }
        Reply::Refused { exit, error } => Err(Failure::new(Exit::of(exit).unwrap_or(Exit::Failed), error)),
        Reply::Accepted { .. } | Reply::Status { .. } => {
            Err(Failure::new(Exit::Failed, "the daemon answered something else than was asked"))
        }
    }
}

/// What there is to know of a daemon.
#[derive(Debug)]
pub enum Found {
    /// There is none.
    None,
    /// This is how it does.
    Status(Box<Status>),
    /// There is one, and it does not say.
    Silent(String),
}

/// How the daemon of a namespace does, if there is one.
pub fn status(common: &Common, netns: &NetnsId) -> Found {
    let mut daemon = match Daemon::of(&common.runtime_dir, netns) {
        Ok(daemon) => daemon,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Found::Silent("there may be one: only root may ask it".to_owned());
        }
        Err(_) => return Found::None,
    };
    match daemon.ask(Ask::Status {}, STATUS_WAITS, Some(STATUS_WAITS)) {
        Ok(Reply::Status { status }) => Found::Status(status),
        Ok(Reply::Refused { error, .. }) => Found::Silent(error),
        Ok(Reply::Accepted { .. } | Reply::Done { .. }) => {
            Found::Silent("it answered something else than was asked".to_owned())
        }
        Err(error) => Found::Silent(daemon.failed(&error).message),
    }
}

/// A daemon that can be spoken to.
struct Daemon {
    stream: UnixStream,
    read: Vec<u8>,
    accepted: bool,
}

impl Daemon {
    /// The system's error where nobody listens, and where this user may not ask.
    fn of(runtime_dir: &Path, netns: &NetnsId) -> io::Result<Daemon> {
        let stream = UnixStream::connect(place(runtime_dir, netns))?;
        Ok(Daemon { stream, read: Vec::new(), accepted: false })
    }

    /// Asks. It must begin within its time; where `ends` is none, what has begun is waited for however long it takes.
    fn ask(&mut self, ask: Ask, begins: Duration, ends: Option<Duration>) -> io::Result<Reply> {
        self.stream.set_write_timeout(Some(begins))?;
        // A daemon that refuses may have gone before all of it is written; what it said is there to be read.
        let sent = self.stream.write_all(&one_line(&Request::new(ask)));
        let first = self.line(Some(begins)).map_err(|error| sent.err().unwrap_or(error))?;
        match first {
            Reply::Accepted { pid: _ } => self.accepted = true,
            reply @ (Reply::Status { .. } | Reply::Done { .. } | Reply::Refused { .. }) => return Ok(reply),
        }
        self.line(ends)
    }

    /// The next line.
    fn line(&mut self, within: Option<Duration>) -> io::Result<Reply> {
        let until = within.map(|within| Instant::now() + within);
        let mut chunk = [0; 64 << 10];
        let mut searched = 0;
        let line: Vec<u8> = loop {
            let end = self.read.get(searched..).unwrap_or_default().iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                break self.read.drain(..=searched + end).collect();
            }
            searched = self.read.len();
            if searched > LONGEST_REPLY {
                return Err(io::Error::other("its answer has no end"));
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(left)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.read.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let line = Line::parse(&line).map_err(|error| io::Error::other(format!("its answer: {error}")))?;
        Ok(line.reply)
    }

    /// Why there is no answer, and what that means for who asked.
    fn failed(&self, error: &io::Error) -> Failure {
        let pid = rustix::net::sockopt::socket_peercred(&self.stream).map(|peer| peer.pid.as_raw_nonzero().get());
        let name = pid.map_or_else(|_| "the daemon".to_owned(), |pid| format!("the daemon (pid {pid})"));
        if self.accepted {
            let message = format!(
                "{name} went before it said how it ended ({error}): `trimtab status` shows what is in force; what is half done the next command undoes"
            );
            return Failure::new(Exit::Failed, message);
        }
        let is_silent = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        let why = if is_silent { "it does not answer".to_owned() } else { error.to_string() };
        let message = format!("{name} holds this namespace, and {why}; nothing was done");
        Failure::new(if is_silent { Exit::Locked } else { Exit::Failed }, message)
    }
}
