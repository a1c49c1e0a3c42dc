//! Modules that settings ask for: loaded before anything is written, because only then it is known what they bring.

use tracing::info;
use tracing::warn;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::Load;
use trimtab_core::plan::Plan;
use trimtab_core::plan::finding::TO_LOAD;
use trimtab_kernel::Kernel;
use trimtab_kernel::LoadError;

use crate::engine::Store;
use crate::failure::Failure;
use crate::session::Intent;
use crate::session::Session;

/// Loads what the plan asks for, and makes it anew: the values that have come are read as any others, so that what was
/// there before trimtab is known. A module that cannot be loaded holds up its settings only.
///
/// # Errors
/// What shows only with what has come.
pub fn load_and_plan(
    session: &mut Session,
    intent: &mut Intent,
    store: &mut Store,
    plan: Plan,
) -> Result<Plan, Failure> {
    let loaded = load(session.kernel.as_mut(), &plan.loads);
    session.relearn()?;
    // That took its time.
    session.follow_on(store)?;
    session.resolve_anew(intent)?;
    let held = &store.history.held;
    session.host.learn_links(session.kernel.as_mut(), held.keys());
    let mut plan = super::plan::make_of_these(session, intent, held)?;
    tell(&mut plan, loaded);
    Ok(plan)
}

type Loaded = Vec<(String, Result<(), LoadError>)>;

fn load(kernel: &mut dyn Kernel, loads: &[Load]) -> Loaded {
    let mut loaded = Vec::new();
    for Load { module, addresses: _ } in loads {
        let outcome = kernel.load_module(module);
        match &outcome {
            Ok(()) => info!(%module, "loaded a module of the kernel"),
            Err(error) => warn!(%module, %error, "a module of the kernel was not loaded"),
        }
        loaded.push((module.clone(), outcome));
    }
    loaded
}

/// Says of each module what became of it. What is still to be loaded cannot be.
fn tell(plan: &mut Plan, loaded: Loaded) {
    let missing = std::mem::take(&mut plan.loads);
    for (module, outcome) in loaded {
        let still = missing.iter().find(|load| load.module == module);
        let (why, waiting) = match (outcome, still) {
            (Ok(()), None) => {
                plan.findings.push(Finding {
                    class: Class::Note,
                    code: "module-loaded".to_owned(),
                    address: None,
                    message: format!("{module} was loaded; it stays when this is reverted"),
                    advice: None,
                    origin: None,
                });
                continue;
            }
            (Ok(()), Some(load)) => ("this kernel's does not bring the key".to_owned(), load),
            (Err(error), Some(load)) => (error.to_string(), load),
            // Somebody else has loaded it meanwhile.
            (Err(_), None) => continue,
        };
        for finding in plan.findings.iter_mut().filter(|finding| finding.code == TO_LOAD) {
            if finding.address.as_ref().is_some_and(|address| waiting.addresses.contains(address)) {
                finding.class = Class::Blocked;
                finding.code = "module-refused".to_owned();
                finding.message = format!("{module} cannot be loaded: {why}");
                finding.advice = Some("load it at boot with a line in /etc/modules-load.d".to_owned());
            }
        }
    }
}
