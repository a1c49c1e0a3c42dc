//! The sections `[[link]]`: which interfaces, and what is wanted of them.
//!
//! ```toml
//! [[link]]
//! match = { driver = "virtio_net", name = ["eth*", "!eth9"] }
//! on-drift = "report"
//! mtu = 9000
//! features = { tx-tcp-segmentation = true, lro = false, tx-udp-segmentation = { value = true, if-supported = true } }
//! rings = { rx = "max", tx = { at-least = 1024 } }
//! channels = { combined = { expr = "min(host.cpus, link.channels_combined_max)" } }
//! coalesce = { adaptive-rx = true, rx-usecs = 50 }
//! pause = { autoneg = false, rx = false, tx = false }
//!
//! [link.queues."rx-*"]
//! rps-cpus = "all"
//! rps-flow-cnt = 4096
//!
//! [link.queues."tx-0"]
//! xps-cpus = "0"
//!
//! [link.qdisc.fq]
//! maxrate = "10gbit"
//! ```
//!
//! Several sections may speak of one interface: each setting is settled by itself, see [`super::resolve`]. Within a layer the
//! more exact one wins: first how the interface is named (a name, a permanent address or a place on a bus; a longer glob
//! over names; a shorter one; anything else), then how the queue is (its name, a longer glob, a shorter one), then how the
//! value is (the kernel's name of a feature before one of ethtool's that stands for it, in whichever section).

mod argument;
mod classes;
mod conditions;
mod filters;
mod matcher;
mod qdisc;
mod settings;
mod subject;
mod value;

use std::sync::Arc;

use super::file::File;
use super::glob::Pattern;
use super::leaf;
use super::repeated;
use super::statement::Statement;
use super::syntax::Entry;
use super::syntax::Node;
use super::syntax::Table;

use crate::address::link::Channel;
use crate::address::link::Coalesce;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::address::link::Pause;
use crate::address::link::QueueAttribute;
use crate::address::link::Ring;
use crate::diagnostic::suggest;

use settings::Section;
use settings::setting;
use subject::features_of;
use subject::queues_of;

pub(super) use argument::argument;
pub(crate) use classes::has as has_classes;
pub(crate) use conditions::KEYS as MATCH_KEYS;
pub(crate) use conditions::KINDS;
pub(super) use matcher::Matcher;
pub(super) use qdisc::argument as qdisc_argument;
pub(crate) use qdisc::kinds as qdisc_kinds;
pub(super) use qdisc::normal as normal_qdisc;
pub(crate) use qdisc::options as qdisc_options;
pub(super) use settings::normal;
pub(super) use subject::Named;
pub(super) use subject::Subject;
pub(crate) use value::MAX;
pub(crate) use value::Shape;
pub(crate) use value::of_queue;
pub(crate) use value::shape;

type Span = std::ops::Range<usize>;

/// What one setting is about: some value of the interfaces that match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinkTarget {
    /// Shared by all settings of a section.
    pub(super) matcher: Arc<Matcher>,
    pub(super) subject: Subject,
    /// Whether a short name of ethtool's stood in the place of the kernel's.
    pub(super) named: Named,
}

const LINK: &str = "link";
/// Groups of a section, with the word for each in an address.
const FEATURES: &str = "features";
const RINGS: &str = "rings";
const CHANNELS: &str = "channels";
const COALESCE: &str = "coalesce";
const PAUSE: &str = "pause";
const QUEUES: &str = "queues";
const QDISC: &str = "qdisc";
/// Parts of a section that later versions know.
const LATER: [&str; 2] = ["ingress", "egress"];

/// Every key of a section.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    let own = ["match", "on-drift", FEATURES, RINGS, CHANNELS, COALESCE, PAUSE, QUEUES, QDISC];
    let device = Device::ALL.iter().filter(|device| !LinkAttribute::Device(**device).is_read_only());
    own.into_iter().chain(device.map(|device| device.word()))
}

/// Every statement of all sections.
pub(super) fn sections(file: &mut File<'_>, node: &Node) -> Vec<Statement> {
    let read = |file: &mut File<'_>, node: &Node, table: &Table| Some(section(file, node, table));
    repeated::sections(file, node, LINK, "links", read).into_iter().flatten().flatten().collect()
}

fn section(file: &mut File<'_>, node: &Node, table: &Table) -> Vec<Statement> {
    let mut matcher = None;
    let mut on_drift = None;
    let mut told = false;
    for entry in table {
        match entry.key.as_str() {
            "match" => {
                told = true;
                matcher = conditions::matcher(file, &entry.node);
            }
            "on-drift" => on_drift = leaf::on_drift(file, &entry.node),
            _ => {}
        }
    }
    if !told {
        file.error("match", "the section does not say which interfaces it is about", repeated::header(node, LINK))
            .help = Some(conditions::HELP.to_owned());
    }
    // Everything else is wrong or right whichever interfaces are meant.
    let sound = matcher.is_some();
    let matcher = matcher.unwrap_or_else(|| Matcher::of_name(Pattern::Exact(String::new())));
    let section = Section { matcher: Arc::new(matcher), on_drift };
    let mut statements = Vec::new();
    for entry in table {
        statements.extend(member(file, &section, entry));
    }
    if sound { statements } else { Vec::new() }
}

fn member(file: &mut File<'_>, section: &Section, entry: &Entry) -> Vec<Statement> {
    let span = || entry.key_span.clone();
    match entry.key.as_str() {
        "match" | "on-drift" => Vec::new(),
        FEATURES => group(file, entry, |file, entry| feature(file, section, entry)),
        RINGS => words(file, section, entry, Ring::ALL, |ring| (ring.word(), LinkAttribute::Ring(ring))),
        CHANNELS => {
            words(file, section, entry, Channel::ALL, |channel| (channel.word(), LinkAttribute::Channel(channel)))
        }
        COALESCE => {
            words(file, section, entry, Coalesce::ALL, |coalesce| (coalesce.word(), LinkAttribute::Coalesce(coalesce)))
        }
        PAUSE => words(file, section, entry, Pause::ALL, |pause| (pause.word(), LinkAttribute::Pause(pause))),
        QUEUES => group(file, entry, |file, entry| queue(file, section, entry)),
        QDISC => qdisc::statement(file, section, entry).into_iter().collect(),
        key if LATER.contains(&key) => {
            file.error("unsupported", format!("this version of trimtab does not know `{key}` of links yet"), span());
            Vec::new()
        }
        key => match Device::of_word(key) {
            Some(device) => setting(file, section, Subject::One(LinkAttribute::Device(device)), entry),
            None => {
                let known: Vec<&str> = keys().collect();
                unknown(file, "a link has no", key, span(), &known);
                Vec::new()
            }
        },
    }
}

fn unknown(file: &mut File<'_>, what: &str, key: &str, span: Span, known: &[&str]) {
    file.error("unknown-key", format!("{what} `{}`", key.escape_debug()), span).help =
        Some(match suggest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", leaf::words(known)),
        });
}

fn group(
    file: &mut File<'_>,
    entry: &Entry,
    mut each: impl FnMut(&mut File<'_>, &Entry) -> Vec<Statement>,
) -> Vec<Statement> {
    let Some(table) = entry.node.tree.entries() else {
        let wanted = format!("a table as in {0} = {{ … }} or [link.{0}]", entry.key);
        leaf::wrong_type(file, &entry.node, &format!("`{}`", entry.key), &wanted);
        return Vec::new();
    };
    let mut statements = Vec::new();
    for entry in table {
        statements.extend(each(file, entry));
    }
    statements
}

/// A group whose words are all known.
fn words<T: Copy>(
    file: &mut File<'_>,
    section: &Section,
    entry: &Entry,
    all: &[T],
    known: impl Fn(T) -> (&'static str, LinkAttribute),
) -> Vec<Statement> {
    let name = entry.key.as_str();
    group(file, entry, |file, entry| match all.iter().map(|one| known(*one)).find(|(word, _)| *word == entry.key) {
        Some((_, attribute)) => setting(file, section, Subject::One(attribute), entry),
        None => {
            let settable = all.iter().map(|one| known(*one)).filter(|(_, attribute)| !attribute.is_read_only());
            let words: Vec<&str> = settable.map(|(word, _)| word).collect();
            unknown(file, &format!("`{name}` has no"), &entry.key, entry.key_span.clone(), &words);
            Vec::new()
        }
    })
}

fn feature(file: &mut File<'_>, section: &Section, entry: &Entry) -> Vec<Statement> {
    let Some(subjects) = features_of(file, &entry.key, entry.key_span.clone()) else { return Vec::new() };
    let written = format!("feature/{}", entry.key);
    settings::settings(file, section, subjects, &written, entry)
}

/// `rx-0` or a glob over such names, and what is wanted of each of these queues.
fn queue(file: &mut File<'_>, section: &Section, entry: &Entry) -> Vec<Statement> {
    let Some(queues) = queues_of(file, &entry.key, entry.key_span.clone()) else { return Vec::new() };
    group(file, entry, |file, inner| {
        let Some(attribute) = QueueAttribute::of_word(&inner.key) else {
            let words: Vec<&str> = QueueAttribute::ALL.iter().map(|attribute| attribute.word()).collect();
            unknown(file, "a queue has no", &inner.key, inner.key_span.clone(), &words);
            return Vec::new();
        };
        let Some(subject) = queues.subject(attribute) else {
            let direction = attribute.direction().word();
            let message =
                format!("`{}` is of {direction} queues, and `{}` are none", inner.key, entry.key.escape_debug());
            file.error("queue", message, inner.key_span.clone());
            return Vec::new();
        };
        setting(file, section, subject, inner)
    })
}
