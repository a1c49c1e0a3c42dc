//! The daemon's side of the socket: who may speak, how much and how long; what is understood is handed to the loop.
//!
//! Each client is a task beside the loop: one that says nothing, half of something or nonsense keeps nobody waiting and
//! is sent away. The loop carries requests out one after the other.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::sleep;

use super::protocol::Ask;
use super::protocol::LONGEST_REQUEST;
use super::protocol::Reply;
use super::protocol::Request;
use super::stream::Stream;
use super::stream::Unread;
use crate::exit::Exit;

/// How long a client may take to say what it wants.
pub const SLOWEST_REQUEST: Duration = Duration::from_secs(5);

/// How long a client may take to take in a part of the answer.
const SLOWEST_READER: Duration = Duration::from_secs(10);

/// So many clients are served at once; more are told to come back.
const MOST_CLIENTS: usize = 16;

/// How often what waits for another trimtab is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Who speaks, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
}

/// A request for the loop.
pub struct Asked {
    /// What.
    pub ask: Ask,
    /// By whom.
    pub peer: Peer,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What the loop answers.
pub enum Answer {
    /// This.
    Reply(Box<Reply>),
    /// Another trimtab has the lock: nothing was done. This is to be answered if it goes on too long.
    Busy(Box<Reply>),
}

/// The socket, as long as this lives.
pub struct Server {
    path: PathBuf,
    inode: Option<u64>,
    asked: mpsc::Sender<Asked>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Nothing is open yet. What is asked comes out of the receiver.
    pub fn new(path: PathBuf) -> (Server, mpsc::Receiver<Asked>) {
        let (asked, requests) = mpsc::channel(MOST_CLIENTS);
        (Server { path, inode: None, asked, task: None }, requests)
    }

    /// Opens the socket, unless it is there. Whoever removes the runtime folder only has to wait for the next look. Only for
    /// who holds the lock of the daemon: what is there under the name is of one that has died.
    ///
    /// # Errors
    /// The system's.
    pub fn open(&mut self) -> io::Result<()> {
        if self.inode.is_some() && self.inode == inode_of(&self.path) {
            return Ok(());
        }
        self.close();
        let listener = bind(&self.path)?;
        self.inode = inode_of(&self.path);
        self.task = Some(tokio::spawn(serve(listener, self.asked.clone())));
        Ok(())
    }

    fn close(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        if self.inode.is_some() && self.inode == inode_of(&self.path) {
            // It is refused from here on, whether its name is there or not.
            let _ = std::fs::remove_file(&self.path);
        }
        self.inode = None;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens a socket for its owner only, in place of what one that has died left there.
///
/// # Errors
/// The system's; something that is no socket has the name.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        trimtab_kernel::file::make_folder(folder).map_err(|error| io::Error::other(error.to_string()))?;
    }
    match path.symlink_metadata() {
        Ok(there) if there.file_type().is_socket() => {
            // One that nobody serves is of a daemon that has died.
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket has its name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // From the first moment on.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = bound?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn inode_of(path: &Path) -> Option<u64> {
    path.symlink_metadata().ok().map(|there| there.ino())
}

async fn serve(listener: UnixListener, asked: mpsc::Sender<Asked>) {
    let free = Arc::new(Semaphore::new(MOST_CLIENTS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Descriptors ran out: they are given back in time.
                tracing::warn!(%error, "a client cannot be heard");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let peer = stream.peer_cred().ok().and_then(|peer| {
            let pid = u32::try_from(peer.pid()?).ok()?;
            Some(Peer { pid, uid: peer.uid() })
        });
        let stream = Stream::Unix(stream);
        let (asked, free) = (asked.clone(), Arc::clone(&free));
        tokio::spawn(async move {
            let Ok(_place) = free.try_acquire() else {
                tell(&stream, refused(Exit::Locked, "too many clients at once: try again")).await;
                return;
            };
            // The mode of the socket says the same, unless somebody has changed it.
            match peer.filter(|peer| may_speak(peer.uid)) {
                Some(peer) => answer(&stream, peer, &asked).await,
                None => tell(&stream, refused(Exit::Permission, "only root may speak to the daemon")).await,
            }
        });
    }
}

fn may_speak(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

async fn answer(stream: &Stream, peer: Peer, asked: &mpsc::Sender<Asked>) {
    let line = match stream.read_until(b"\n", LONGEST_REQUEST, SLOWEST_REQUEST).await {
        Ok(line) => line,
        Err(why) => {
            tracing::debug!(?why, pid = peer.pid, "a client said nothing that could be answered");
            let why = match why {
                Unread::Half => "the request ends before its line does".to_owned(),
                Unread::TooLong => format!("the request is longer than {LONGEST_REQUEST} bytes"),
                Unread::TooSlow => format!("no whole request within {} s", SLOWEST_REQUEST.as_secs()),
            };
            return tell(stream, refused(Exit::Usage, &why)).await;
        }
    };
    let request = match Request::parse(&line) {
        Ok(request) => request,
        Err(error) => return tell(stream, refused(Exit::Usage, &error.to_string())).await,
    };
    drop(line);
    // Who has gone before that was told that nothing was done. What was accepted is done, whether anybody waits for it or not.
    if has_taken(stream, Reply::Accepted { pid: std::process::id() }).await {
        tell(stream, carried_out(request.ask, peer, asked).await).await;
    }
}

/// Has the loop carry it out; as long as another trimtab has the lock, and no longer than was asked for, again and again.
async fn carried_out(ask: Ask, peer: Peer, asked: &mpsc::Sender<Asked>) -> Reply {
    let until = Instant::now() + ask.wait();
    loop {
        let (answer, answered) = oneshot::channel();
        let is_sent = asked.send(Asked { ask: ask.clone(), peer, answer }).await.is_ok();
        let answer = if is_sent { answered.await.ok() } else { None };
        match answer {
            Some(Answer::Reply(reply)) => return *reply,
            Some(Answer::Busy(reply)) if Instant::now() >= until => return *reply,
            Some(Answer::Busy(_)) => sleep(RETRY).await,
            None => return refused(Exit::Failed, "the daemon ends; nothing was done"),
        }
    }
}

fn refused(exit: Exit, error: &str) -> Reply {
    Reply::Refused { exit: exit.code(), error: error.to_owned() }
}

/// A client that has gone misses its answer, and nothing else comes of it.
async fn tell(stream: &Stream, reply: Reply) {
    has_taken(stream, reply).await;
}

async fn has_taken(stream: &Stream, reply: Reply) -> bool {
    let told = stream.write_all(&reply.line(), SLOWEST_READER).await;
    told.inspect_err(|error| tracing::debug!(%error, "a client did not take its answer")).is_ok()
}
