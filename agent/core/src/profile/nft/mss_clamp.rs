//! The section `[mss-clamp]`.

use super::super::file::File;
use super::super::leaf;
use super::super::statement::Statement;
use super::super::syntax::Node;
use super::super::syntax::Tree;
use super::MSS_CLAMP;
use super::Span;
use super::statement;
use super::words;
use super::words::Side;
use crate::address::NftKey;
use crate::kind::nft;
use crate::kind::nft::Action;
use crate::kind::nft::Chain;
use crate::kind::nft::Hook;
use crate::kind::nft::Mss;
use crate::kind::nft::Rule;

/// The keys of the section, those of every section apart.
pub(crate) const KEYS: [&str; 3] = ["size", "out", "in"];
/// The words for a size.
pub(crate) const SIZES: [&str; 2] = ["path", "off"];
/// Every host takes segments of 536 bytes (RFC 9293, 3.7.1), and no packet has room for more than 65535 bytes with their headers.
const LEAST: i64 = 536;
const MOST: i64 = 65_495;

/// What `size` says.
#[derive(Clone, Copy)]
enum Size {
    Off,
    Clamp(Mss),
}

/// The statement of the section; of `--set`, also no more than the size.
pub(in crate::profile) fn mss_clamp(file: &mut File<'_>, node: &Node, key_span: Span) -> Vec<Statement> {
    let mut side = Side::default();
    let (mut size, mut interfaces) = (Some(Size::Clamp(Mss::Path)), Some(Vec::new()));
    match &node.tree {
        Tree::Table(table) | Tree::Inline(table) => {
            for entry in table {
                match entry.key.as_str() {
                    "size" => size = self::size(file, &entry.node),
                    "out" | "in" => {
                        let which = if entry.key == "out" { nft::Side::Out } else { nft::Side::In };
                        let named = words::interfaces(file, entry);
                        interfaces = interfaces.zip(named).map(|(mut all, named)| {
                            all.extend(named.into_iter().map(|name| (which, name)));
                            all
                        });
                    }
                    _ if side.take(file, entry) => {}
                    _ => words::unknown(file, MSS_CLAMP, entry, &KEYS),
                }
            }
        }
        Tree::Int(_) | Tree::Text(_) => size = self::size(file, node),
        Tree::Huge | Tree::Bool(_) | Tree::Float(_) | Tree::Date | Tree::Array(_) | Tree::Tables(_) | Tree::Broken => {
            leaf::wrong_type(file, node, "`mss-clamp`", "a section `[mss-clamp]`");
            return Vec::new();
        }
    }
    let Some((size, interfaces)) = size.zip(interfaces) else { return Vec::new() };
    let wanted = match size {
        Size::Off => nft::none(),
        Size::Clamp(size) => nft::shown(&[Chain { hook: Hook::Forward, rules: rules(size, interfaces) }]),
    };
    statement(file, NftKey::MssClamp, &wanted, side, key_span, node.span.clone())
}

fn rules(size: Mss, interfaces: Vec<(nft::Side, String)>) -> Vec<Rule> {
    let all = Rule::new(Action::Clamp(size));
    if interfaces.is_empty() {
        return vec![all];
    }
    let mut rules: Vec<Rule> = Vec::new();
    for interface in interfaces {
        let rule = Rule { interface: Some(interface), ..all.clone() };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

fn size(file: &mut File<'_>, node: &Node) -> Option<Size> {
    let message = match &node.tree {
        Tree::Text(text) if text == "path" => return Some(Size::Clamp(Mss::Path)),
        Tree::Text(text) if text == "off" => return Some(Size::Off),
        Tree::Text(text) => format!("`{}` is no size of a segment", text.escape_debug()),
        Tree::Int(bytes) if (LEAST..=MOST).contains(bytes) => {
            return u16::try_from(*bytes).ok().map(|bytes| Size::Clamp(Mss::Bytes(bytes)));
        }
        Tree::Int(bytes) if *bytes < LEAST => {
            format!("{bytes} bytes is less than the {LEAST} that every host takes")
        }
        Tree::Int(bytes) => format!("{bytes} bytes is more than the {MOST} that fit into a packet"),
        Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Array(_)
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_)
        | Tree::Broken => {
            leaf::wrong_type(file, node, "`size`", "\"path\", \"off\" or a number of bytes");
            return None;
        }
    };
    file.error("wrong-value", message, node.span.clone()).help = Some(
        "write \"path\" for what fits the route, or the MTU of the path less 40 bytes (IPv6: 60), as in 1360"
            .to_owned(),
    );
    None
}
