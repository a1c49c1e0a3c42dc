//! `trimtab explain`: everything that speaks of one address.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::address::Object;
use trimtab_core::desired::Desired;
use trimtab_core::desired::Loser;
use trimtab_core::desired::Origin;
use trimtab_core::desired::Setting;
use trimtab_core::desired::Want;
use trimtab_core::journal::Held;
use trimtab_core::kind::rules_of;
use trimtab_core::observed::Observed;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::policy::Element;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted as Value;
use trimtab_core::render;
use trimtab_core::render::paint::Tone;
use trimtab_core::sysctld::BootSetting;
use trimtab_core::sysctld::NextBoot;
use trimtab_core::sysctld::Spoken;

use super::address::enter_named;
use super::address::parse_address;
use crate::cli;
use crate::cli::Common;
use crate::engine::observe::observe;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `explain --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The address, canonical.
    pub address: Address,
    /// What the catalogue knows of it.
    pub meaning: Option<&'static str>,
    /// What the kernel holds.
    pub live: Observed,
    /// The setting that wins, and its losers; none if nobody speaks of it.
    pub setting: Option<Setting>,
    /// What trimtab has changed of it in this boot.
    pub held: Option<Held>,
    /// What it has changed on interfaces that were called so and are not here now.
    pub away: Vec<Held>,
    /// What an apply would do to it now.
    pub plan: Plan,
    /// What systemd-sysctl sets at the next boot, and from which line.
    pub next_boot: Option<BootSetting>,
    /// What procps would set instead, from /etc/sysctl.conf.
    pub procps: Option<Spoken>,
}

/// Runs the verb.
///
/// # Errors
/// If the settings have errors, or the state cannot be relied upon.
pub fn run(common: &Common, options: &cli::Explain) -> Result<Exit, Failure> {
    let mut address = parse_address(&options.address)?;
    let common = enter_named(common, std::slice::from_mut(&mut address))?;
    let mut session = Session::open(&common)?;
    let intent = session.intend(&options.wanted)?;
    super::warn(&intent.loaded);
    let store = session.store()?;
    let observed = observe(session.kernel.as_mut(), [address.clone()], &session.host.facts);
    let mut desired = intent.resolved.desired;
    if let Some(applied) = store.in_force().filter(|_| desired.settings.is_empty()) {
        // Neither the host file nor the command line wants anything: what is in force is all there is to explain.
        desired = applied.desired.clone();
    }
    let setting = desired.settings.get(&address).cloned();
    let mut plan = plan_of(&mut session, &desired, &store.history.held, &address)?;
    if plan.findings.is_empty() {
        plan.findings.extend(why_absent(&session, &address, &observed));
    }
    let files = trimtab_kernel::sysctld::gather(Path::new("/")).files;
    let boot = NextBoot::new(&files);
    let key = match &address.object {
        Object::Sysctl(key) => Some(key),
        Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
    };
    let initial = session.host.id.netns.initial;
    let report = Report {
        document: "trimtab.explain",
        version: 1,
        meaning: rules_of(&address).meaning(&address),
        live: observed.get(&address).cloned().unwrap_or(Observed::Absent),
        setting,
        held: store.history.held.get(&address).cloned(),
        away: store.history.away_of(&address).cloned().collect(),
        plan,
        next_boot: key.and_then(|key| boot.setting(key)).filter(|_| initial),
        procps: key.and_then(|key| boot.procps_differs(key)).filter(|_| initial),
        address,
    };
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&text(&report, &session.host.interfaces, initial))?;
    }
    Ok(Exit::Good)
}

/// Why there is no such value, and what may have been meant, where no setting has it said.
fn why_absent(session: &Session, address: &Address, observed: &BTreeMap<Address, Observed>) -> Option<Finding> {
    let live = observed.get(address).filter(|live| matches!(live, Observed::Absent | Observed::Unsupported))?;
    let obstacle = rules_of(address).obstacle(address, live, &session.host.world(observed))?;
    // That is told in the place of the value.
    let is_told = address.interface().is_some_and(|name| !session.host.interfaces.contains(name));
    (!is_told)
        .then(|| Finding::about(Class::Note, obstacle.code, address, obstacle.message).with_advice(obstacle.advice))
}

/// The part of the plan that changes or moves the address.
fn plan_of(
    session: &mut Session,
    desired: &Desired,
    held: &BTreeMap<Address, Held>,
    address: &Address,
) -> Result<Plan, Failure> {
    let goals = goal::of_apply(desired, held);
    let mut plan = session.plan(&goals)?;
    plan.changes.retain(|change| {
        change.cells.iter().any(|cell| cell.address == *address)
            || change.effects.iter().any(|effect| effect.address == *address)
    });
    plan.findings.retain(|finding: &Finding| finding.address.as_ref() == Some(address));
    plan.as_wanted.retain(|other| other == address);
    Ok(plan)
}

fn text(report: &Report, interfaces: &BTreeSet<String>, initial: bool) -> String {
    let paint = super::paint();
    let mut text = String::new();
    let Report { document: _, version: _, address, meaning, live, setting, held, away, plan, next_boot, procps } =
        report;
    let _ = writeln!(text, "{}", paint.tone(Tone::Heading, &address.to_string()));
    if let Some(meaning) = meaning {
        let _ = writeln!(text, "  {}", remark(meaning));
    }
    let own = match &address.object {
        Object::Link(key) => Some(key.interface()),
        Object::Tc(key) => key.interface(),
        Object::Sysctl(_) | Object::Nft(_) => None,
    };
    let _ = match own.filter(|interface| !interfaces.contains(*interface)) {
        Some(interface) => writeln!(text, "  live       there is no interface {interface}"),
        None => writeln!(text, "  live       {}", spell_live(live)),
    };
    text.push_str(&live.value().map_or_else(String::new, |live| render::tree::shape(live, paint)));
    let switch = matches!(live, Observed::Value { value: trimtab_core::value::Value::Switch { .. }, .. });
    match setting {
        Some(Setting { want, on_drift: _, if_supported: _, load_module: _, reason, origin, losers }) => {
            let _ = writeln!(
                text,
                "  wanted     {}  {}",
                spell_want(want, switch),
                paint.tone(Tone::Quiet, &spell_origin(origin))
            );
            if let Some(reason) = reason {
                let _ = writeln!(text, "  because    {reason}");
            }
            for Loser { origin, want } in losers {
                let _ = writeln!(
                    text,
                    "  overrides  {}  {}",
                    spell_want(want, switch),
                    paint.tone(Tone::Quiet, &spell_origin(origin))
                );
            }
        }
        None => text.push_str("  wanted     nobody speaks of it\n"),
    }
    if let Some(Held { original, ours, cause, interface: _ }) = held {
        let by = cause.as_ref().map(|cause| format!(", moved by {cause}")).unwrap_or_default();
        let _ = writeln!(text, "  original   {original} before trimtab, which left {ours}{by}");
    }
    for Held { original, ours, cause: _, interface: _ } in away {
        let _ = writeln!(
            text,
            "  away       {original} before trimtab, which left {ours} on an interface that was called so and is not here"
        );
    }
    for change in &plan.changes {
        for cell in change.cells.iter().filter(|cell| cell.address == *address) {
            let (from, to) = render::tree::heads(&cell.from, cell.to());
            let _ = writeln!(text, "  apply      {from} -> {to}");
            text.push_str(&render::tree::below(&cell.from, cell.to(), paint));
        }
        for effect in change.effects.iter().filter(|effect| effect.address == *address) {
            let cause = change.cells.first().map(|cell| cell.address.to_string()).unwrap_or_default();
            let to = effect.to.as_ref().map_or_else(|| "another value".to_owned(), ToString::to_string);
            let _ = writeln!(text, "  moves      {} -> {to}, because {cause} changes", effect.from);
        }
    }
    for finding in &plan.findings {
        let _ = writeln!(text, "  {:9}  {}", finding.class.word(), finding.message);
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "             {advice}");
        }
    }
    if plan.changes.is_empty() && setting.is_some() && plan.as_wanted.contains(address) {
        text.push_str("  apply      nothing to do\n");
    }
    match (&address.object, initial) {
        (Object::Sysctl(_) | Object::Link(_) | Object::Tc(_) | Object::Nft(_), false) => {
            text.push_str("  next boot  this namespace does not outlive the boot\n");
        }
        (Object::Sysctl(_), true) => boot_text(&mut text, next_boot.as_ref(), procps.as_ref()),
        (Object::Tc(_), true) => {
            text.push_str("  next boot  the kernel's default, of the kind that net.core.default_qdisc names\n");
        }
        (Object::Nft(_), true) => text.push_str("  next boot  none, until trimtab applies them again\n"),
        (Object::Link(_), true) => {
            text.push_str("  next boot  what the driver and systemd.link(5) make of it: trimtab does not read that\n");
        }
    }
    text
}

/// A sentence in the form of the lines below it.
fn remark(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        // Not the first letter of a name such as GRO.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{second}{}", first.to_lowercase(), letters.as_str())
        }
        (_, _) => sentence.to_owned(),
    }
}

/// Where a setting is written, and as what, if a glob or a name of another section made it this address.
fn spell_origin(origin: &Origin) -> String {
    match &origin.written_as {
        Some(written) => format!("{origin} as {written}"),
        None => origin.to_string(),
    }
}

fn boot_text(text: &mut String, next_boot: Option<&BootSetting>, procps: Option<&Spoken>) {
    match next_boot {
        Some(boot) => {
            let _ = writeln!(text, "  next boot  {}  {}:{}", boot.value_text, boot.path, boot.line);
            for loser in &boot.shadowed {
                let value = loser.value_text.as_deref().unwrap_or("-");
                let _ = writeln!(text, "             over {value}  {}:{}", loser.path, loser.line);
            }
        }
        None => text.push_str("  next boot  no line of sysctl.d speaks of it: the kernel's default\n"),
    }
    if let Some(spoken) = procps {
        let value = spoken.value_text.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "             `sysctl --system` of procps would end with {value}  {}:{}, which systemd does not read",
            spoken.path, spoken.line
        );
    }
}

fn spell_live(live: &Observed) -> String {
    match live {
        Observed::Value { value, writable: true } => value.to_string(),
        Observed::Value { value, writable: false } => format!("{value} (read-only here)"),
        Observed::Absent => "absent".to_owned(),
        Observed::Unsupported => "this device has no such thing".to_owned(),
        Observed::Denied => "this user may not read it".to_owned(),
        Observed::WriteOnly => "write-only".to_owned(),
        Observed::Withheld => "<secret>".to_owned(),
        Observed::Failed { errno } => format!("reading it fails with errno {errno}"),
    }
}

fn spell_want(want: &Want, switch: bool) -> String {
    match want {
        Want::Decided(Policy::Value(Value::One(Scalar::Int(on)))) if switch => {
            if *on == 0 {
                "off".to_owned()
            } else {
                "on".to_owned()
            }
        }
        Want::Decided(policy) => spell_policy(policy),
        Want::Undecided { fact, expression } => format!("`{expression}`, once {fact} is known"),
    }
}

fn spell_policy(policy: &Policy) -> String {
    let list = |values: &[Value]| values.iter().map(spell_value).collect::<Vec<_>>().join(", ");
    match policy {
        Policy::Value(value) => spell_value(value),
        Policy::AtLeast(value) => format!("at least {}", spell_value(value)),
        Policy::AtMost(value) => format!("at most {}", spell_value(value)),
        Policy::Between(low, high) => format!("between {} and {}", spell_value(low), spell_value(high)),
        Policy::OneOf(values) => format!("one of {}", list(values)),
        Policy::Prefer(values) => format!("the first available of {}", list(values)),
        Policy::Includes(members) => {
            format!("a list with {}", members.iter().map(spell_scalar).collect::<Vec<_>>().join(", "))
        }
    }
}

fn spell_value(value: &Value) -> String {
    match value {
        Value::One(scalar) => spell_scalar(scalar),
        Value::Many(elements) => {
            let spell = |element: &Element| match element {
                Element::Keep => "keep".to_owned(),
                Element::Is(scalar) => spell_scalar(scalar),
            };
            elements.iter().map(spell).collect::<Vec<_>>().join(" ")
        }
        Value::Tree(tree) => tree.to_string(),
    }
}

fn spell_scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}
