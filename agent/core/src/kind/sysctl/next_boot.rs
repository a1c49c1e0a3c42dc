//! What the next boot does to wanted sysctls: a line in sysctl.d that sets something else is a trap worth naming.

use crate::address::Address;
use crate::address::Object;
use crate::desired::Desired;
use crate::desired::Want;
use crate::kind::Decision;
use crate::kind::World;
use crate::kind::rules_of;
use crate::plan::Class;
use crate::plan::Finding;
use crate::policy::Scalar;
use crate::sysctld::BootSetting;

/// A note for each setting that the next boot would undo. Only the initial namespace is set at boot.
pub fn findings(desired: &Desired, boot: &dyn Fn(&Address) -> Option<BootSetting>, world: &World) -> Vec<Finding> {
    if !world.host.netns.initial {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (address, setting) in &desired.settings {
        let Object::Sysctl(key) = &address.object else { continue };
        let (Want::Decided(policy), Some(line)) = (&setting.want, boot(address)) else { continue };
        let Ok(value) = super::parse_wanted(key, &Scalar::Text(line.value_text.clone())) else { continue };
        if matches!(rules_of(address).decide(address, policy, &value, world), Decision::Write(_)) {
            let message = format!("the next boot sets {value} first, by {}:{}", line.path, line.line);
            let advice = "remove that line, or let trimtab-apply.service run after systemd-sysctl.service";
            findings.push(
                Finding::about(Class::Note, "next-boot", address, message)
                    .with_advice(Some(advice.to_owned()))
                    .with_origin(Some(&setting.origin)),
            );
        }
    }
    findings
}
