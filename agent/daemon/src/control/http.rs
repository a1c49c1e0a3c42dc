//! Metrics for whoever scrapes them: one small answer to `GET /metrics`, over HTTP/1.0 or 1.1, on a unix socket or an
//! address of TCP. Everything else is refused, and so is what is longer than [`LONGEST_HEAD`] or takes too long. What the
//! answer says comes from the loop.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::server::bind;
use super::stream::Stream;
use super::stream::Unread;

/// The longest request, in bytes: its line and its headers.
pub const LONGEST_HEAD: usize = 8 << 10;

/// How long a request may take, and how long the reader of the answer may take in nothing.
const SLOWEST: Duration = Duration::from_secs(5);

/// So many scrapers are served at once; more are hung up on.
const MOST_SCRAPERS: usize = 8;

/// A scraper that waits for the text.
pub type Scrape = oneshot::Sender<String>;

/// Where metrics are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A unix socket, for root only.
    Unix(PathBuf),
    /// An address and port.
    Tcp(SocketAddr),
}

/// Serves as long as it lives.
pub struct Metrics {
    scrapes: mpsc::Sender<Scrape>,
    open: Option<Open>,
    /// What was in the way last: said once.
    failed: Option<String>,
}

struct Open {
    place: Place,
    inode: Option<u64>,
    task: JoinHandle<()>,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Metrics {
    /// Nothing is open yet. Who waits for an answer comes out of the receiver.
    pub fn new() -> (Metrics, mpsc::Receiver<Scrape>) {
        let (scrapes, waiting) = mpsc::channel(MOST_SCRAPERS);
        (Metrics { scrapes, open: None, failed: None }, waiting)
    }

    /// Serves there, and nowhere else. What is in the way is told once, and tried again with the next call.
    pub async fn serve_at(&mut self, place: &Place) {
        if self.open.as_ref().is_some_and(|open| open.place == *place && open.inode == inode_of(place)) {
            return;
        }
        self.close();
        match listener(place).await {
            Ok(listener) => {
                let task = tokio::spawn(serve(listener, self.scrapes.clone()));
                self.open = Some(Open { place: place.clone(), inode: inode_of(place), task });
                self.failed = None;
            }
            Err(error) => {
                let error = error.to_string();
                if self.failed.as_ref() != Some(&error) {
                    tracing::warn!(error, ?place, "metrics are not served");
                }
                self.failed = Some(error);
            }
        }
    }

    fn close(&mut self) {
        let Some(Open { place, inode, task }) = self.open.take() else { return };
        task.abort();
        if let Place::Unix(path) = &place
            && inode.is_some()
            && inode == inode_of(&place)
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.close();
    }
}

fn inode_of(place: &Place) -> Option<u64> {
    let inode = |path: &Path| path.symlink_metadata().ok().map(|there| there.ino());
    match place {
        Place::Unix(path) => inode(path),
        Place::Tcp(_) => None,
    }
}

async fn listener(place: &Place) -> io::Result<Listener> {
    match place {
        Place::Unix(path) => bind(path).map(Listener::Unix),
        Place::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp),
    }
}

async fn serve(listener: Listener, scrapes: mpsc::Sender<Scrape>) {
    let free = Arc::new(Semaphore::new(MOST_SCRAPERS));
    loop {
        let stream = match &listener {
            Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
        };
        let Ok(stream) = stream else {
            // Descriptors ran out: they are given back in time.
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let (scrapes, free) = (scrapes.clone(), Arc::clone(&free));
        tokio::spawn(async move {
            let Ok(_place) = free.try_acquire() else { return };
            let answer = answer(&stream, &scrapes).await;
            // A scraper that has gone misses its answer.
            let _ = stream.write_all(answer.as_bytes(), SLOWEST).await;
        });
    }
}

async fn answer(stream: &Stream, scrapes: &mpsc::Sender<Scrape>) -> String {
    let head = match stream.read_until(b"\r\n\r\n", LONGEST_HEAD, SLOWEST).await {
        Ok(head) => head,
        Err(Unread::TooLong) => return refusal(Refused::TooLong),
        Err(Unread::TooSlow) => return refusal(Refused::TooSlow),
        Err(Unread::Half) => return refusal(Refused::Bad),
    };
    let method = match asked(&head) {
        Ok(method) => method,
        Err(refused) => return refusal(refused),
    };
    let (scrape, text) = oneshot::channel();
    let is_sent = scrapes.send(scrape).await.is_ok();
    match if is_sent { text.await.ok() } else { None } {
        Some(text) => {
            let head = head_of("200 OK", "text/plain; version=0.0.4; charset=utf-8", text.len());
            match method {
                Method::Get => head + &text,
                Method::Head => head,
            }
        }
        None => refusal(Refused::Ending),
    }
}

/// What may be done with the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Head,
}

/// Why there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Bad,
    NotFound,
    NotAllowed,
    TooSlow,
    TooLong,
    Version,
    Ending,
}

/// What a request asks for (RFC 9112 section 3): its line, in ASCII; no header changes anything.
fn asked(head: &[u8]) -> Result<Method, Refused> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).ok().filter(|line| line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let parts: Vec<&str> = line.ok_or(Refused::Bad)?.split(' ').collect();
    let [method, target, version] = parts.as_slice() else { return Err(Refused::Bad) };
    match *version {
        "HTTP/1.0" | "HTTP/1.1" => {}
        other if other.starts_with("HTTP/") => return Err(Refused::Version),
        _ => return Err(Refused::Bad),
    }
    let method = match *method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return Err(Refused::NotAllowed),
    };
    let path = target.split('?').next().unwrap_or_default();
    if path == "/metrics" { Ok(method) } else { Err(Refused::NotFound) }
}

fn refusal(refused: Refused) -> String {
    let status = match refused {
        Refused::Bad => "400 Bad Request",
        Refused::NotFound => "404 Not Found",
        Refused::NotAllowed => "405 Method Not Allowed\r\nAllow: GET, HEAD",
        Refused::TooSlow => "408 Request Timeout",
        Refused::TooLong => "431 Request Header Fields Too Large",
        Refused::Version => "505 HTTP Version Not Supported",
        Refused::Ending => "503 Service Unavailable",
    };
    head_of(status, "text/plain", 0)
}

fn head_of(status: &str, of: &str, length: usize) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {of}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_metrics_are_had_and_only_read() {
        let of = |line: &str| asked(format!("{line}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(of("GET /metrics HTTP/1.1"), Ok(Method::Get));
        assert_eq!(of("GET /metrics?a=b HTTP/1.0"), Ok(Method::Get));
        assert_eq!(of("HEAD /metrics HTTP/1.1"), Ok(Method::Head));
        assert_eq!(of("GET / HTTP/1.1"), Err(Refused::NotFound));
        assert_eq!(of("GET /metrics/../etc/passwd HTTP/1.1"), Err(Refused::NotFound));
        assert_eq!(of("POST /metrics HTTP/1.1"), Err(Refused::NotAllowed));
        assert_eq!(of("GET /metrics HTTP/2"), Err(Refused::Version));
        for bad in
            ["", "GET", "GET /metrics", "GET  /metrics HTTP/1.1", "GET /metrics HTTP/1.1 x", "GET /m\u{e9} HTTP/1.1"]
        {
            assert_eq!(of(bad), Err(Refused::Bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_request_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = asked(&bytes);
        }
    }
}
