//! `--set ADDRESS=VALUE` and `--param NAME=VALUE`.

use super::file::File;
use super::link;
use super::nft;
use super::params;
use super::params::Param;
use super::params::Raw;
use super::statement::Statement;
use super::syntax;
use super::syntax::Node;
use super::syntax::Tree;
use super::sysctl;
use crate::address::Kind;
use crate::address::SysctlKey;

/// The statements of one `--set`, for the namespace of this name; a short name of a feature makes several.
pub(super) fn set(file: &mut File<'_>, text: &str, netns: Option<&str>) -> Vec<Statement> {
    let Some((address, value)) = text.split_once('=') else {
        file.error("argument", "want ADDRESS=VALUE, found no `=`", 0..text.len()).help =
            Some("as in --set net.core.somaxconn=8192".to_owned());
        return Vec::new();
    };
    let (kind, key_from, key_text) = match address.split_once(':') {
        None => (Kind::Sysctl, 0, address),
        Some((head, key)) => {
            let (kind, other) = head.split_once('@').map_or((head, None), |(kind, netns)| (kind, Some(netns)));
            let Some(known) = Kind::ALL.iter().find(|known| known.word() == kind) else {
                let known = Kind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
                let message = format!("unknown kind `{}`: this version knows {known}", kind.escape_debug());
                file.error("bad-key", message, 0..kind.len());
                return Vec::new();
            };
            if other.is_some() && other != netns {
                file.error("bad-key", "the address is in another network namespace", 0..head.len()).help =
                    Some("name the namespace with --netns".to_owned());
                return Vec::new();
            }
            (*known, head.len() + 1, key)
        }
    };
    let blanks = key_text.len() - key_text.trim_start().len();
    let trimmed = key_text.trim();
    let key_span = key_from + blanks..key_from + blanks + trimmed.len();
    if trimmed.contains('"') {
        file.error("bad-key", "quotes belong to the keys of a file, not of an argument", key_span).help =
            Some("as in --set 'net.ipv4.conf.*.rp_filter=2', or eth0/100 for the interface eth0.100".to_owned());
        return Vec::new();
    }
    let Some(node) = value_node(file, value, address.len() + 1) else { return Vec::new() };
    match kind {
        Kind::Sysctl => sysctl_set(file, trimmed, key_span, &node).into_iter().collect(),
        Kind::Link => link::argument(file, trimmed, key_span, &node),
        Kind::Tc => link::qdisc_argument(file, trimmed, key_span, &node).into_iter().collect(),
        Kind::Nft => nft::argument(file, trimmed, key_span, &node),
    }
}

fn sysctl_set(file: &mut File<'_>, text: &str, key_span: std::ops::Range<usize>, node: &Node) -> Option<Statement> {
    let key: SysctlKey = match text.parse() {
        Ok(key) => key,
        Err(error) => {
            file.error("bad-key", format!("{error}"), key_span);
            return None;
        }
    };
    let segments: Vec<&str> = key.parts();
    sysctl::statement(file, &segments, key_span, node)
}

/// The parameter of one `--param`.
pub(super) fn param(file: &mut File<'_>, text: &str) -> Option<Param> {
    let Some((name, value)) = text.split_once('=') else {
        file.error("argument", "want NAME=VALUE, found no `=`", 0..text.len()).help =
            Some("as in --param rtt=80ms".to_owned());
        return None;
    };
    let node = value_node(file, value, name.len() + 1)?;
    let raw: Raw = params::raw(file, &node, name)?;
    Some(Param {
        name: name.to_owned(),
        raw,
        place: file.place(node.span.clone()),
        key_place: file.place(0..name.len()),
        origin: file.origin(0, None),
    })
}

/// A TOML value if the text is one, else the text itself. What opens a bracket or quotes must be TOML: nothing in
/// the kernel begins so.
fn value_node(file: &mut File<'_>, text: &str, base: usize) -> Option<Node> {
    let (node, errors) = syntax::value(text.trim(), base + (text.len() - text.trim_start().len()));
    if errors.is_empty() {
        return Some(node);
    }
    if text.trim_start().starts_with(['{', '[', '"', '\'']) {
        file.syntax_errors(errors);
        return None;
    }
    Some(Node { span: base..base + text.len(), tree: Tree::Text(text.trim().to_owned()) })
}
