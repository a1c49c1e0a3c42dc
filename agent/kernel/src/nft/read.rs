//! The table, read.

use trimtab_core::address::NftKey;
use trimtab_core::kind::nft;
use trimtab_core::observed::Reading;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_core::value::Value;
use trimtab_netlink::Error;
use trimtab_netlink::netfilter::nftables;
use trimtab_netlink::netfilter::nftables::Chain;
use trimtab_netlink::netfilter::nftables::Content;
use trimtab_netlink::netfilter::nftables::chain::hooks;
use trimtab_netlink::netfilter::nftables::chain::priorities;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use super::FAMILY;
use super::TABLE;
use super::base;
use super::decompile::decompile;
use super::is_ours;

/// What there is.
pub(crate) enum Found {
    /// No table of that name.
    Nothing,
    /// One that is not trimtab's.
    Foreign,
    /// Trimtab's.
    Ours(Box<Content>),
    /// It cannot be read.
    Unreadable(Reading),
}

/// Reads the table of the calling thread's namespace. Where nf_tables is a module, the kernel loads it to answer.
pub(crate) fn read() -> Found {
    let read =
        RequestSocket::open(Protocol::Netfilter).and_then(|mut socket| nftables::read(&mut socket, FAMILY, TABLE));
    match read {
        Ok(None) => Found::Nothing,
        Ok(Some(content)) if is_ours(&content) => Found::Ours(Box::new(content)),
        Ok(Some(_)) => Found::Foreign,
        Err(error) => {
            tracing::debug!(%error, "the rules are not read");
            Found::Unreadable(unreadable(&error))
        }
    }
}

fn unreadable(error: &Error) -> Reading {
    let system = if let Error::Io { source, .. } = error { source.raw_os_error() } else { None };
    let errno = system.or(error.refusal_errno());
    match errno {
        // A kernel without netfilter's netlink has no such protocol.
        Some(libc::EPROTONOSUPPORT) => Reading::Unsupported,
        _ if error.is_unsupported() => Reading::Unsupported,
        _ if error.is_denied() => Reading::Denied,
        errno => Reading::Failed { errno: errno.unwrap_or(libc::EIO) },
    }
}

/// What is found of one key.
pub(crate) fn reading(found: &Found, key: NftKey) -> Reading {
    match found {
        Found::Nothing => Reading::Typed { value: nft::none(), writable: true },
        Found::Foreign => Reading::Typed { value: nft::foreign(), writable: false },
        Found::Ours(content) => Reading::Typed { value: value(content, key), writable: true },
        Found::Unreadable(reading) => reading.clone(),
    }
}

/// The chains of a key, with their rules.
fn value(content: &Content, key: NftKey) -> Value {
    let chains = nft::chains_of(key).iter().filter_map(|hook| {
        let chain = content.chains.iter().find(|chain| chain.name == hook.chain())?;
        let mut node = if chain.base.as_ref() == Some(&base(*hook)) {
            nft::head(&chain.name, hook.word(), hook.priority())
        } else {
            otherwise(chain)
        };
        if content.table.is_dormant {
            node.scalars.insert("dormant".to_owned(), Scalar::Int(1));
        }
        let rules = content.rules.iter().filter(|rule| rule.chain == chain.name);
        node.children = rules.map(|rule| rule_node(rule, content)).collect();
        Some(node)
    });
    nft::of_nodes(chains.collect())
}

/// A rule that trimtab does not make is only told apart from those that it makes.
fn rule_node(rule: &nftables::Rule, content: &Content) -> Tree {
    if let Some(known) = decompile(&rule.expressions, &content.sets) {
        return known.to_tree();
    }
    let names: Vec<&str> = rule.expressions.iter().map(nftables::Expression::name).collect();
    let mut node = Tree::new("rule of somebody else");
    node.scalars.insert("made-of".to_owned(), Scalar::Text(names.join(" ")));
    node
}

/// A chain that is not where trimtab puts it.
fn otherwise(chain: &Chain) -> Tree {
    let Some(base) = &chain.base else { return nft::head(&chain.name, "none", "none") };
    let hook = match base.hook {
        hooks::PREROUTING => "prerouting".to_owned(),
        hooks::INPUT => "input".to_owned(),
        hooks::FORWARD => "forward".to_owned(),
        hooks::OUTPUT => "output".to_owned(),
        hooks::POSTROUTING => "postrouting".to_owned(),
        other => other.to_string(),
    };
    let priority = match base.priority {
        priorities::RAW => "raw".to_owned(),
        priorities::MANGLE => "mangle".to_owned(),
        other => other.to_string(),
    };
    let mut node = nft::head(&chain.name, &hook, &priority);
    node.scalars.insert("type".to_owned(), Scalar::Text(base.kind.clone()));
    node.scalars.insert("policy".to_owned(), Scalar::Text(if base.drops { "drop" } else { "accept" }.to_owned()));
    node
}
