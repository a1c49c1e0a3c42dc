//! News by netlink: of interfaces, of settings that are changed without a file being written, of queueing disciplines, devices
//! and rules. Each makes a look come sooner; what has changed is found out by looking.

use std::io;
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use trimtab_core::address::nft;
use trimtab_netlink::Error;
use trimtab_netlink::IpFamily;
use trimtab_netlink::ethtool;
use trimtab_netlink::monitor;
use trimtab_netlink::monitor::Topic;
use trimtab_netlink::netfilter::nftables;
use trimtab_netlink::socket;

use super::sources::Source;
use super::sources::Sources;

/// Room for what waits to be read, in bytes. What does not fit is lost, which is told, and a look sees it all the same.
const BUFFER: usize = 256 << 10;

/// How many datagrams are read at a time: who changes things without end keeps nothing else from its turn.
const AT_A_TIME: usize = 64;

const ROUTING: [Source; 3] = [Source::Links, Source::Netconf, Source::Tc];

/// Listens to the namespace of the thread that opened it.
pub struct News {
    routing: Option<Listener<monitor::Monitor>>,
    devices: Option<Listener<ethtool::Monitor>>,
    rules: Option<Listener<nftables::Monitor>>,
}

/// A socket that can be waited for.
struct Listener<M: AsRawFd>(AsyncFd<M>);

/// A change: where it is from, and whether anything that trimtab may hold is concerned.
struct Change {
    source: Source,
    concerns: bool,
}

impl News {
    /// Opens what can be opened; why the rest cannot is told.
    pub fn open(sources: &mut Sources) -> News {
        let topics = [Topic::Links, Topic::Netconf(IpFamily::V4), Topic::Netconf(IpFamily::V6), Topic::TrafficControl];
        News {
            routing: listen(monitor::Monitor::open(BUFFER, &topics), &ROUTING, sources),
            devices: listen(ethtool::Monitor::open(BUFFER), &[Source::Ethtool], sources),
            rules: listen(nftables::Monitor::open(BUFFER), &[Source::Nftables], sources),
        }
    }

    /// Waits for news, and takes some; whether they are a reason to look. For ever where none are heard.
    pub async fn heard(&mut self, sources: &mut Sources) -> bool {
        let News { routing, devices, rules } = self;
        tokio::select! {
            monitor = ready(routing) => take(monitor, &ROUTING, sources, |monitor| Ok(told(monitor.read()?, of_routing))),
            monitor = ready(devices) => take(monitor, &[Source::Ethtool], sources, |monitor| {
                Ok(told(monitor.read()?, |_| Change { source: Source::Ethtool, concerns: true }))
            }),
            monitor = ready(rules) => take(monitor, &[Source::Nftables], sources, |monitor| {
                Ok(told(monitor.read()?, of_rules))
            }),
        }
    }
}

fn listen<M: AsRawFd>(monitor: Result<M, Error>, of: &[Source], sources: &mut Sources) -> Option<Listener<M>> {
    let listener = monitor.map_err(|error| error.to_string()).and_then(|monitor| {
        #[expect(
            deprecated,
            reason = "its heir is unsafe, for types whose descriptor changes; a monitor owns its own for life"
        )]
        AsyncFd::with_interest(monitor, Interest::READABLE).map_err(|error| error.to_string())
    });
    for source in of {
        match &listener {
            Ok(_) => sources.on(*source, None),
            Err(error) => {
                tracing::warn!(?source, error, "changes are found only by reading everything");
                sources.off(*source, error.clone());
            }
        }
    }
    listener.ok().map(Listener)
}

/// A change of each message; none of what cannot be read.
type Told = socket::News<Change>;

fn told<C>(news: socket::News<C>, change: impl Fn(C) -> Change) -> Told {
    match news {
        socket::News::Idle => socket::News::Idle,
        socket::News::Overrun => socket::News::Overrun,
        socket::News::Changes(changes) => {
            socket::News::Changes(changes.into_iter().map(|heard| heard.map(&change)).collect())
        }
    }
}

fn of_routing(heard: monitor::Heard) -> Change {
    let source = match heard.change {
        monitor::Change::Link(_) | monitor::Change::Address(_) => Source::Links,
        monitor::Change::Netconf(_) => Source::Netconf,
        monitor::Change::TrafficControl(_) => Source::Tc,
    };
    Change { source, concerns: true }
}

/// Other tables are nobody's concern here: on a node of Kubernetes they change all the time.
fn of_rules(heard: nftables::Heard) -> Change {
    Change { source: Source::Nftables, concerns: heard.change.table() == Some(nft::TABLE) }
}

/// Waits until there is something to read; for ever where nothing can be.
async fn ready<M: AsRawFd>(listener: &mut Option<Listener<M>>) -> &mut Option<Listener<M>> {
    let waited = match listener {
        Some(Listener(monitor)) => monitor.readable_mut().await.map(drop),
        None => std::future::pending().await,
    };
    if let Err(error) = waited {
        tracing::warn!(%error, "news cannot be waited for");
        *listener = None;
    }
    listener
}

/// Takes what has come, up to a limit; whether it is a reason to look.
fn take<M: AsRawFd>(
    listener: &mut Option<Listener<M>>,
    of: &[Source],
    sources: &mut Sources,
    read: impl Fn(&mut M) -> Result<Told, Error>,
) -> bool {
    let Some(Listener(monitor)) = listener else { return true };
    let mut concerns = false;
    for _ in 0..AT_A_TIME {
        match monitor.try_io_mut(Interest::READABLE, |monitor| idle_waits(read(monitor))) {
            Ok(socket::News::Idle) => return concerns,
            Ok(socket::News::Overrun) => {
                of.iter().for_each(|source| sources.lost(*source, 1));
                concerns = true;
            }
            Ok(socket::News::Changes(changes)) => {
                for change in changes {
                    match change {
                        Ok(change) => {
                            sources.seen(change.source, 1);
                            concerns |= change.concerns;
                        }
                        // Whatever it was, a look sees it.
                        Err(error) => {
                            tracing::debug!(%error, "news");
                            of.iter().for_each(|source| sources.lost(*source, 1));
                            concerns = true;
                        }
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return concerns,
            Err(error) => {
                tracing::warn!(%error, "news cannot be read: changes are found only by reading everything");
                of.iter().for_each(|source| sources.off(*source, error.to_string()));
                *listener = None;
                return true;
            }
        }
    }
    concerns
}

/// That nothing is there lets tokio wait for the next one.
fn idle_waits(told: Result<Told, Error>) -> io::Result<Told> {
    match told {
        Ok(socket::News::Idle) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(told @ (socket::News::Overrun | socket::News::Changes(_))) => Ok(told),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}
