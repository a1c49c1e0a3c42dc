//! A plan as people read it: what changes, from which live value, who asks for it, what it does to traffic, what moves
//! along, and what cannot be done now.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::paint::Paint;
use super::paint::Tone;
use super::tree;
use crate::address::Address;
use crate::address::Kind;
use crate::address::Object;
use crate::address::link::LinkAttribute;
use crate::address::link::Queue;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::plan::Action;
use crate::plan::Cell;
use crate::plan::Change;
use crate::plan::Class;
use crate::plan::Finding;
use crate::plan::Plan;
use crate::plan::saved::SavedPlan;
use crate::plan::saved::Summary;
use crate::tree::Tree;
use crate::value::Value;

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything but what holds already.
    Full,
    /// The changes and what holds them up, a line each.
    Brief,
}

/// How many names of a long list are shown before they are counted.
const NAMES_SHOWN: usize = 6;
/// As many bytes of what a change does to traffic stand behind its row; more have a line of their own.
const BESIDE: usize = 64;

/// The whole plan.
pub fn text(saved: &SavedPlan, detail: Detail, paint: Paint) -> String {
    let mut out = String::new();
    out.push_str(&paint.tone(Tone::Heading, &heading(saved)));
    out.push('\n');
    loads(&mut out, &saved.plan, paint);
    for kind in Kind::ALL {
        section(&mut out, *kind, &saved.plan, detail, paint);
    }
    out.push_str(&findings(saved.plan.findings.iter().filter(|finding| finding.address.is_none()), paint));
    let _ = writeln!(out, "{}", summary(&saved.summary));
    out
}

fn heading(saved: &SavedPlan) -> String {
    let included: Vec<String> = saved
        .profiles
        .iter()
        .filter(|profile| !saved.roles.contains(profile))
        .map(|profile| format!("+{profile}"))
        .collect();
    let mut line = format!("plan {}  host {}", saved.id.get(..8).unwrap_or(&saved.id), saved.host.name);
    if let Some(name) = &saved.host.netns.name {
        let _ = write!(line, "  netns {name}");
    } else if !saved.host.netns.initial {
        let _ = write!(line, "  netns with cookie {}", saved.host.netns.cookie);
    }
    match saved.roles.as_slice() {
        [] => line.push_str("  no profile"),
        roles => {
            let _ = write!(line, "  profile {}", roles.join(", "));
        }
    }
    if !included.is_empty() {
        let _ = write!(line, " ({})", included.join(" "));
    }
    let _ = write!(line, "  kernel {}", saved.host.kernel);
    line
}

/// Modules that are loaded first.
fn loads(out: &mut String, plan: &Plan, paint: Paint) {
    if plan.loads.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.tone(Tone::Heading, "modules"));
    for load in &plan.loads {
        let settings = match load.addresses.len() {
            1 => "1 setting waits for it".to_owned(),
            count => format!("{count} settings wait for it"),
        };
        let words = "to be loaded, and planned anew with what it brings; it stays loaded";
        let _ = writeln!(out, "  {} {}  {words} ({settings})", paint.tone(Tone::Change, "+"), load.module);
    }
}

fn section(out: &mut String, kind: Kind, plan: &Plan, detail: Detail, paint: Paint) {
    let parts = parts(kind, plan, detail);
    let rows = parts.values().flat_map(|part| &part.changes).map(|change| Row::all(change)).collect::<Vec<_>>();
    let widths = Widths::of(&rows);
    // Devices of which the same is said are told once, in the place of the first.
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for (device, part) in &parts {
        let body = part.text(*device, &widths, detail, paint);
        let same = told.iter_mut().find(|(other, _)| *other == body && device.is_some());
        match same {
            Some((_, devices)) => devices.extend(*device),
            None => told.push((body, device.iter().copied().collect())),
        }
    }
    for (body, devices) in told {
        let names: Vec<String> = devices.into_iter().map(str::to_owned).collect();
        let heading =
            if names.is_empty() { kind.word().to_owned() } else { format!("{} {}", kind.word(), shorten(&names)) };
        let _ = writeln!(out, "{}", paint.tone(Tone::Heading, &heading));
        out.push_str(&body);
    }
}

/// What belongs under one heading.
#[derive(Default)]
struct Part<'a> {
    changes: Vec<&'a Change>,
    findings: Vec<&'a Finding>,
}

/// The parts of a kind: one, or one for each device.
fn parts(kind: Kind, plan: &Plan, detail: Detail) -> BTreeMap<Option<&str>, Part<'_>> {
    let mut parts: BTreeMap<Option<&str>, Part> = BTreeMap::new();
    for change in &plan.changes {
        if let Some(cell) = change.cells.first().filter(|cell| cell.address.kind() == kind) {
            parts.entry(device(&cell.address)).or_default().changes.push(change);
        }
    }
    for finding in plan.findings.iter().filter(|finding| detail == Detail::Full || finding.class != Class::Note) {
        if let Some(address) = finding.address.as_ref().filter(|address| address.kind() == kind) {
            parts.entry(device(address)).or_default().findings.push(finding);
        }
    }
    parts
}

/// The device under whose heading an address is shown, if its kind has such headings.
fn device(address: &Address) -> Option<&str> {
    match &address.object {
        Object::Sysctl(_) | Object::Nft(_) => None,
        Object::Link(key) => Some(key.interface()),
        Object::Tc(key) => key.interface(),
    }
}

/// The name of an address under the heading of a device.
fn name_below(address: &Address, heading: Option<&str>) -> String {
    match &address.object {
        Object::Link(key) if Some(key.interface()) == heading => key.attribute().to_string(),
        Object::Tc(key) if key.interface() == heading => key.local_name().to_owned(),
        Object::Link(_) | Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => address.local_name(),
    }
}

impl Part<'_> {
    fn text(&self, heading: Option<&str>, widths: &Widths, detail: Detail, paint: Paint) -> String {
        let mut out = String::new();
        for change in &self.changes {
            // Under a device there is room behind the row.
            let beside = change.disrupts.as_ref().filter(|words| heading.is_some() && words.len() <= BESIDE);
            for (index, row) in Row::all(change).iter().enumerate() {
                let beside =
                    beside.filter(|_| index == 0).map(|words| format!("   {}", paint.tone(Tone::Alarm, words)));
                row_line(&mut out, row, widths, &beside.unwrap_or_default(), paint);
            }
            if detail == Detail::Full {
                for cell in &change.cells {
                    out.push_str(&tree::below(&cell.from, cell.to(), paint));
                }
                if let Some(disrupts) = change.disrupts.as_ref().filter(|_| beside.is_none()) {
                    let _ = writeln!(out, "      traffic: {}", paint.tone(Tone::Alarm, disrupts));
                }
                consequences(&mut out, change, heading);
            }
        }
        out.push_str(&findings_below(self.findings.iter().copied(), heading, paint));
        out
    }
}

/// Findings, those that say the same in one line.
pub fn findings<'a>(findings: impl Iterator<Item = &'a Finding>, paint: Paint) -> String {
    findings_below(findings, None, paint)
}

fn findings_below<'a>(findings: impl Iterator<Item = &'a Finding>, heading: Option<&str>, paint: Paint) -> String {
    let mut groups: BTreeMap<(Class, &str, &str, Option<&str>), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let alike = (finding.class, finding.code.as_str(), finding.message.as_str(), finding.advice.as_deref());
        groups.entry(alike).or_default().push(finding);
    }
    let mut out = String::new();
    for findings in groups.values() {
        finding_line(&mut out, findings, heading, paint);
    }
    out
}

/// One line of a change, each column as text.
struct Row {
    sigil: &'static str,
    tone: Tone,
    name: String,
    from: String,
    to: String,
    origin: String,
}

impl Row {
    fn all(change: &Change) -> Vec<Row> {
        change.cells.iter().map(|cell| Row::of(change.action, cell)).collect()
    }

    fn of(action: Action, cell: &Cell) -> Row {
        let (sigil, tone) = match action {
            Action::Set if cell.from.as_tree().is_some_and(Tree::is_none) => ("+", Tone::Change),
            Action::Set if tree::is_another(&cell.from, cell.to()) => ("±", Tone::Change),
            Action::Set => ("~", Tone::Change),
            Action::Return => ("-", Tone::Return),
        };
        let origin = cell.origin.as_ref().map_or_else(|| "back to its original".to_owned(), ToString::to_string);
        let name = name_below(&cell.address, device(&cell.address));
        let (from, to) = match (&cell.from, cell.to()) {
            (from @ Value::Tree(_), to @ Value::Tree(_)) => tree::heads(from, to),
            (_, _) => (before(cell), after(cell)),
        };
        Row { sigil, tone, name, from, to, origin }
    }
}

struct Widths {
    name: usize,
    from: usize,
    to: usize,
}

impl Widths {
    /// The widest of each column; what is much wider than the rest sticks out.
    fn of(rows: &[Vec<Row>]) -> Widths {
        let mut widths = Widths { name: 0, from: 0, to: 0 };
        for row in rows.iter().flatten() {
            for (width, text, cap) in
                [(&mut widths.name, &row.name, 56), (&mut widths.from, &row.from, 28), (&mut widths.to, &row.to, 28)]
            {
                let length = text.chars().count();
                if length <= cap {
                    *width = length.max(*width);
                }
            }
        }
        widths
    }
}

fn row_line(out: &mut String, row: &Row, widths: &Widths, beside: &str, paint: Paint) {
    let Row { sigil, tone, name, from, to, origin } = row;
    let (name_width, from_width, to_width) = (widths.name, widths.from, widths.to);
    let _ = write!(out, "  {} {name:name_width$}  ", paint.tone(*tone, sigil));
    let _ = writeln!(out, "{from:>from_width$} -> {to:to_width$}  {}{beside}", paint.tone(Tone::Quiet, origin));
}

/// The live value; and what an earlier change makes of it, where that is why it must be written at all.
fn before(cell: &Cell) -> String {
    match cell.cases.first() {
        Some(case) if cell.from == *cell.to() && case.found != cell.from => {
            format!("{}, moved to {}", cell.from, case.found)
        }
        // Written only where the kernel chooses otherwise.
        Some(_) if cell.otherwise.is_some() && cell.from == *cell.to() => format!("{}, may be lost", cell.from),
        Some(_) | None => cell.from.to_string(),
    }
}

/// The new value, and the most that could be had where the device tells it.
fn after(cell: &Cell) -> String {
    match cell.most {
        Some(most) if *cell.to() == Value::Int(most) => format!("{} (max)", cell.to()),
        Some(most) => format!("{} (max {most})", cell.to()),
        None => cell.to().to_string(),
    }
}

fn consequences(out: &mut String, change: &Change, heading: Option<&str>) {
    for (certainty, word) in [(Certainty::Moves, "moves: "), (Certainty::MayMove, "may move: ")] {
        let effects: Vec<&Effect> = change.effects.iter().filter(|effect| effect.certainty == certainty).collect();
        if !effects.is_empty() {
            let _ = writeln!(out, "      {word}{}", moved(&effects, heading));
        }
    }
    if !change.stays.is_empty() {
        let names: Vec<String> = change.stays.iter().map(short).collect();
        let _ = writeln!(out, "      stays: {} (has an address, or differs from the default)", shorten(&names));
    }
}

/// Effects with the same values of the same name on several interfaces are one item.
fn moved(effects: &[&Effect], heading: Option<&str>) -> String {
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for effect in effects {
        let own = heading.is_some() && device(&effect.address) == heading;
        let values = match &effect.to {
            Some(to) => format!("{} -> {to}", effect.from),
            // Of a dozen queues nobody reads what each has now.
            None if own => "as the driver chooses".to_owned(),
            None => format!("{} -> a value of the kernel's choice", effect.from),
        };
        let group = if own { (String::new(), values) } else { (family(&effect.address), values) };
        let name = if own { below(&effect.address) } else { short(&effect.address) };
        let names = groups.entry(group).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let items: Vec<String> = groups
        .iter()
        .map(|((family, values), names)| {
            if family.is_empty() {
                format!("{} {values}", shorten(names))
            } else {
                format!("{family} {values} on {}", shorten(names))
            }
        })
        .collect();
    items.join("; ")
}

/// The name of a value of the device in the heading; all queues have one.
fn below(address: &Address) -> String {
    match &address.object {
        Object::Link(key) => match key.attribute() {
            LinkAttribute::Queue(Queue { index: _, attribute }) => {
                format!("queue/{}-*/{}", attribute.direction().word(), attribute.word())
            }
            attribute @ (LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)) => attribute.to_string(),
        },
        Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => address.local_name(),
    }
}

/// What all interfaces' keys of one name have in common, e.g. `net.ipv4.conf.*.forwarding`; empty for other keys.
fn family(address: &Address) -> String {
    match &address.object {
        Object::Sysctl(key) => key.with_interface("*").map(|key| key.to_string()).unwrap_or_default(),
        Object::Link(key) => key.attribute().to_string(),
        Object::Tc(key) => key.local_name().to_owned(),
        Object::Nft(_) => String::new(),
    }
}

/// The interface of a key that belongs to one, else its whole name.
fn short(address: &Address) -> String {
    match &address.object {
        Object::Sysctl(key) => key.interface().map_or_else(|| address.local_name(), str::to_owned),
        Object::Link(key) => key.interface().to_owned(),
        Object::Tc(key) => key.interface().unwrap_or_default().to_owned(),
        Object::Nft(_) => address.local_name(),
    }
}

fn shorten(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn finding_line(out: &mut String, findings: &[&Finding], heading: Option<&str>, paint: Paint) {
    let Some(first) = findings.first() else { return };
    let (sigil, tone) = match first.class {
        Class::Pending => ("?", Tone::Wait),
        Class::Blocked | Class::Conflict => ("!", Tone::Alarm),
        Class::Note => ("=", Tone::Quiet),
    };
    let addresses = findings.iter().filter_map(|finding| finding.address.as_ref());
    let names: Vec<String> = addresses.map(|address| name_below(address, heading)).collect();
    let place = match findings {
        [only] => only.origin.as_ref().map(|origin| format!("  {}", paint.tone(Tone::Quiet, &origin.to_string()))),
        _ => None,
    };
    let about = if names.is_empty() { String::new() } else { format!("{}  ", shorten(&names)) };
    let _ = writeln!(
        out,
        "  {} {about}{}: {}{}",
        paint.tone(tone, sigil),
        first.class.word(),
        first.message,
        place.unwrap_or_default()
    );
    if let Some(advice) = &first.advice {
        let _ = writeln!(out, "      {advice}");
    }
}

/// The last line: how many of each.
pub fn summary(summary: &Summary) -> String {
    let Summary { change, disrupt, load, pending, blocked, conflict, as_wanted } = *summary;
    let mut parts = vec![match (change, disrupt) {
        (0, _) => "nothing to change".to_owned(),
        (_, 0) => format!("{change} to change"),
        (_, _) => format!("{change} to change ({disrupt} may disturb traffic)"),
    }];
    match load {
        0 => {}
        1 => parts.push("1 module to load".to_owned()),
        _ => parts.push(format!("{load} modules to load")),
    }
    for (count, word) in [(pending, "pending"), (blocked, "blocked"), (conflict, "in conflict")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.push(format!("{as_wanted} as wanted"));
    parts.join(", ")
}
