//! The sections `[[notrack]]` and `[mss-clamp]`: rules for packets in trimtab's own nftables table.
//!
//! ```toml
//! [[notrack]]
//! interfaces = ["eth0", "bond*"]                      # packets that come in by them, and what this host sends out of them
//! from = ["10.0.0.0/8", "2001:db8::/32"]
//! to = "192.0.2.0/24"
//! protocol = ["udp", "tcp"]
//! ports = [53, "8000-8100"]                           # where they go to
//! source-ports = "1024-65535"
//! both-directions = true                              # the default: what answers them is not tracked, either
//! hooks = ["prerouting", "output"]                    # the default: what comes in, and what this host sends
//! reason = "resolvers are asked more often than connections can be tracked"
//!
//! [mss-clamp]
//! size = "path"                                       # the default: what fits the MTU of the route both ways; or bytes, or "off"
//! out = ["ppp0", "wg*"]                               # connections opened out of these…
//! in = ["ppp0", "wg*"]                                # …or in by these; without both, all that are forwarded
//! ```
//!
//! All `[[notrack]]` of a file are one setting, `nft:trimtab/notrack`, and the stronger layer's replaces the weaker one's. The
//! prefixes of a match are of both versions of IP at will: those of each are matched with those of the same. An interface is a name, or the beginning of one with a
//! star behind it, which nftables matches by itself: also interfaces that come later.

mod mss_clamp;
mod notrack;
mod words;

use super::draft::Draft;
use super::draft::DraftPolicy;
use super::draft::DraftWanted;
use super::draft::Term;
use super::file::File;
use super::statement::Statement;
use super::statement::Target;
use super::syntax::Node;
use crate::address::NftKey;
use crate::tree::Tree;
use crate::value::Value;
use words::Side;

pub(super) use mss_clamp::mss_clamp;
pub(super) use notrack::notrack;

/// The sections, by the words of their keys.
pub(crate) const NOTRACK: &str = "notrack";
pub(crate) const MSS_CLAMP: &str = "mss-clamp";

/// The keys of a section of each kind.
pub(crate) use mss_clamp::KEYS as MSS_CLAMP_KEYS;
pub(crate) use mss_clamp::SIZES;
pub(crate) use notrack::HOOKS;
pub(crate) use notrack::KEYS as NOTRACK_KEYS;

type Span = std::ops::Range<usize>;

/// The statements of `--set nft:KEY=VALUE`.
pub(super) fn argument(file: &mut File<'_>, key: &str, key_span: Span, node: &Node) -> Vec<Statement> {
    match key.parse() {
        Ok(NftKey::Notrack) => notrack(file, node, key_span),
        Ok(NftKey::MssClamp) => mss_clamp(file, node, key_span),
        Err(error) => {
            file.error("bad-key", format!("{error}"), key_span);
            Vec::new()
        }
    }
}

/// The one statement of a section.
fn statement(
    file: &File<'_>,
    key: NftKey,
    wanted: &Value,
    side: Side,
    key_span: Span,
    value_span: Span,
) -> Vec<Statement> {
    let Some(tree) = wanted.as_tree() else { return Vec::new() };
    let plain = tree.try_map(&mut |scalar| Ok::<_, std::convert::Infallible>(Term::Plain(scalar.clone())));
    let tree: Tree<Term> = match plain {
        Ok(tree) => tree,
        Err(never) => match never {},
    };
    let Side { on_drift, reason, overrides, if_supported } = side;
    vec![Statement {
        target: Target::Nft(key),
        draft: Draft {
            policy: DraftPolicy::Value(DraftWanted::Tree(Box::new(tree))),
            on_drift,
            reason,
            overrides,
            if_supported,
            load_module: None,
        },
        origin: file.origin(key_span.start, None),
        key_place: file.place(key_span),
        value_place: file.place(value_span),
    }]
}
