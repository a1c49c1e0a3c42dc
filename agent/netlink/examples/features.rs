//! Shows the features of all devices, as `ethtool -k` shows those of one:
//!
//! ```sh
//! cargo run -p trimtab-netlink --example features [DEVICE]
//! ```
#![expect(clippy::print_stdout, reason = "it is what an example is for")]

use trimtab_netlink::Error;
use trimtab_netlink::ethtool::Device;
use trimtab_netlink::ethtool::Ethtool;

fn main() -> Result<(), Error> {
    let mut ethtool = Ethtool::open()?;
    let devices = match std::env::args().nth(1) {
        Some(name) => vec![ethtool.features(Device::Name(&name))?],
        None => ethtool.dump_features()?,
    };
    for features in devices {
        println!("{}:", features.device.name);
        for (name, feature) in features.iter() {
            let state = if feature.active { "on" } else { "off" };
            let note = match (feature.is_fixed(), feature.wanted == feature.active) {
                (true, _) => " [fixed]",
                (false, false) => " [requested otherwise]",
                (false, true) => "",
            };
            println!("    {name}: {state}{note}");
        }
    }
    Ok(())
}
