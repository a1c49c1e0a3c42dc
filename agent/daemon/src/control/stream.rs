//! Reading and writing with bounds, on a socket of either kind: never more bytes than were allowed, never longer.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// As much is read at once.
const CHUNK: usize = 8 << 10;

/// A connection.
pub enum Stream {
    /// On this host.
    Unix(UnixStream),
    /// From anywhere.
    Tcp(TcpStream),
}

/// Why there is nothing to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It ended, or broke, before its end was there.
    Half,
    /// It is longer than allowed.
    TooLong,
    /// It took too long.
    TooSlow,
}

impl Stream {
    /// Reads up to and with the first `end`; what comes behind it is not looked at.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn read_until(&self, end: &[u8], longest: usize, slowest: Duration) -> Result<Vec<u8>, Unread> {
        match timeout(slowest, self.read_all_until(end, longest)).await {
            Ok(read) => read,
            Err(_) => Err(Unread::TooSlow),
        }
    }

    async fn read_all_until(&self, end: &[u8], longest: usize) -> Result<Vec<u8>, Unread> {
        let mut read = Vec::new();
        let mut chunk = [0; CHUNK];
        loop {
            let count = match self.read_some(&mut chunk).await {
                Ok(0) | Err(_) => return Err(Unread::Half),
                Ok(count) => count,
            };
            // The end may have begun in what came before.
            let from = (read.len() + 1).saturating_sub(end.len());
            read.extend_from_slice(chunk.get(..count).unwrap_or_default());
            let found = read.get(from..).unwrap_or_default().windows(end.len()).position(|window| window == end);
            if let Some(found) = found {
                read.truncate(from + found + end.len());
                return if read.len() > longest { Err(Unread::TooLong) } else { Ok(read) };
            }
            if read.len() > longest {
                return Err(Unread::TooLong);
            }
        }
    }

    /// Writes everything, unless nothing is taken for too long.
    ///
    /// # Errors
    /// The system's.
    pub async fn write_all(&self, mut bytes: &[u8], slowest: Duration) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = timeout(slowest, self.write_some(bytes)).await.map_err(|_| io::ErrorKind::TimedOut)??;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    async fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Stream::Unix(stream) => {
                    stream.readable().await?;
                    stream.try_read(into)
                }
                Stream::Tcp(stream) => {
                    stream.readable().await?;
                    stream.try_read(into)
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }

    async fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let written = match self {
                Stream::Unix(stream) => {
                    stream.writable().await?;
                    stream.try_write(bytes)
                }
                Stream::Tcp(stream) => {
                    stream.writable().await?;
                    stream.try_write(bytes)
                }
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }
}
