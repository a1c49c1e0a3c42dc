//! News of interfaces: a look comes sooner.

use std::io;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use trimtab_netlink::IpFamily;
use trimtab_netlink::monitor;
use trimtab_netlink::monitor::Monitor;
use trimtab_netlink::monitor::Topic;

/// Room for what waits to be read, in bytes. What does not fit is lost, which is told, and a look sees it all the same.
const BUFFER: usize = 256 << 10;

/// Listens to the namespace of the thread that opened it.
pub struct News {
    monitor: AsyncFd<Monitor>,
}

impl News {
    /// Opens it.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> io::Result<News> {
        let topics = [Topic::Links, Topic::Netconf(IpFamily::V4), Topic::Netconf(IpFamily::V6), Topic::TrafficControl];
        let monitor = Monitor::open(BUFFER, &topics).map_err(|error| io::Error::other(error.to_string()))?;
        #[expect(
            deprecated,
            reason = "its heir is unsafe, for types whose descriptor changes; a monitor owns its own for life"
        )]
        let monitor = AsyncFd::with_interest(monitor, Interest::READABLE)?;
        Ok(News { monitor })
    }

    /// Takes all that has come; whether anything has.
    fn take(&mut self) -> bool {
        let mut any = false;
        loop {
            match self.monitor.get_mut().read() {
                Ok(monitor::News::Idle) => return any,
                Ok(monitor::News::Overrun) => {
                    tracing::info!("news of interfaces were lost; everything is looked at");
                    any = true;
                }
                Ok(monitor::News::Changes(_)) => any = true,
                Err(error) => {
                    tracing::warn!(%error, "news of interfaces cannot be read");
                    return any;
                }
            }
        }
    }
}

/// Waits for news; for ever where none are heard.
pub async fn heard(news: &mut Option<News>) -> bool {
    let Some(news) = news else { return std::future::pending().await };
    match news.monitor.readable_mut().await {
        Ok(mut ready) => ready.clear_ready(),
        Err(error) => {
            tracing::warn!(%error, "news of interfaces cannot be waited for");
            return std::future::pending().await;
        }
    }
    news.take()
}

/// Takes all that has come meanwhile.
pub fn drain(news: &mut Option<News>) {
    if let Some(news) = news {
        news.take();
    }
}
