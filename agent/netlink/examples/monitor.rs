//! Tells of changes to the settings of devices until it is interrupted:
//!
//! ```sh
//! cargo run -p trimtab-netlink --example monitor
//! ```
#![expect(clippy::print_stdout, reason = "it is what an example is for")]

use std::time::Duration;

use trimtab_netlink::Error;
use trimtab_netlink::ethtool::Monitor;
use trimtab_netlink::ethtool::News;

fn main() -> Result<(), Error> {
    let mut monitor = Monitor::open(1 << 20)?;
    loop {
        monitor.wait(Duration::from_secs(3600))?;
        match monitor.read()? {
            News::Idle => (),
            News::Overrun => println!("some changes were lost: what was shown may no longer hold"),
            News::Changes(changes) => {
                for change in changes {
                    match change {
                        Ok(change) => println!("{}: {change:?}", change.device().name),
                        Err(malformed) => println!("a change that cannot be read: {malformed}"),
                    }
                }
            }
        }
    }
}
