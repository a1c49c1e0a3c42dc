//! Every decoder there is, on any bytes: for the tests of this library and, with the feature `decoders`, for `tests/fuzz`.
//!
//! What is read is thrown away. That bytes are read or refused without a panic, and that what is read keeps its promises,
//! is all that is asked.

use crate::ethtool;
use crate::generic;
use crate::link;
use crate::monitor;
use crate::netfilter::nftables;
use crate::route;
use crate::socket;
use crate::tc;
use crate::tc::class;
use crate::tc::filter;
use crate::tc::qdisc;
use crate::wire::Attributes;
use crate::wire::Header;
use crate::wire::Message;
use crate::wire::Messages;

/// How deep [`walk`] follows attributes into each other: deeper than any family nests them.
const DEEPEST: u8 = 8;

/// Walks bytes as what one recvmsg(2) brought, and every payload as attributes.
pub fn walk(bytes: &[u8]) {
    let mut ended = false;
    for message in Messages::new(bytes) {
        assert!(!ended, "goes on after what is malformed");
        let Ok(message) = message else {
            ended = true;
            continue;
        };
        assert_eq!(message.header.length as usize, Header::LENGTH + message.body.len());
        walk_attributes(Attributes::at(message.body, Header::LENGTH), DEEPEST);
        for split in [message.split::<1>().map(|(_, rest)| rest), message.split::<17>().map(|(_, rest)| rest)] {
            let _ = split.map(|rest| walk_attributes(rest, DEEPEST));
        }
    }
}

/// Calls all there is to call. Offsets must grow, and what is malformed must be the last.
pub(crate) fn walk_attributes(run: Attributes<'_>, depth: u8) {
    let mut last = None;
    let mut ended = false;
    for attribute in run {
        assert!(!ended, "goes on after what is malformed");
        let Ok(attribute) = attribute else {
            ended = true;
            continue;
        };
        assert!(last < Some(attribute.offset), "an offset that does not grow");
        last = Some(attribute.offset);
        let _ = (attribute.u8(), attribute.u16(), attribute.u32(), attribute.u64(), attribute.i32());
        let _ = (attribute.text(), attribute.text_lossy(), attribute.flag(), attribute.u32s(), attribute.bool());
        if depth > 0 {
            walk_attributes(attribute.nested(), depth - 1);
        }
    }
}

/// Reads one message as an answer and as news of ethtool: its command says of what.
pub fn ethtool(bytes: &[u8]) {
    one(bytes, ethtool::decode);
}

/// Reads one message as an answer and as news of rtnetlink: its kind says of what.
pub fn route(bytes: &[u8]) {
    one(bytes, |message| {
        let heard = monitor::Heard::read(message);
        if let Ok(Some(heard)) = heard {
            assert_ne!(heard.requester, Some(0));
        }
        let _ = link::decode(message);
        let _ = route::parse(message).map(|route| route.map(|route| route.usable_hops().count()));
    });
}

/// Reads one message as news of traffic control, compares it and asks for it again.
pub fn tc(bytes: &[u8]) {
    one(bytes, |message| {
        let Ok(Some(change)) = tc::Change::read(message) else { return };
        // A kernel that says what it never holds differs from what would be asked of it.
        let (_, again) = match change {
            tc::Change::Qdisc(qdisc::Change::Set(shown) | qdisc::Change::Gone(shown)) => {
                (shown.kind.differs(&shown.kind), Some(qdisc::NewQdisc::of(&shown).add()))
            }
            tc::Change::Class(class::Change::Set(shown) | class::Change::Gone(shown)) => {
                (shown.kind.differs(&shown.kind), Some(class::NewClass::of(&shown).add()))
            }
            tc::Change::Filter(filter::Change::Set(shown) | filter::Change::Gone(shown)) => {
                (shown.kind.differs(&shown.kind), filter::NewFilter::of(&shown).map(|again| again.add()))
            }
        };
        let _ = again.transpose().map(|request| request.map(|request| request.body.finish()));
    });
}

/// Reads one message as news of nftables, and asks for what it tells of again.
pub fn nftables(bytes: &[u8]) {
    one(bytes, |message| match nftables::Change::read(message) {
        Ok(Some(nftables::Change::Rule(nftables::rule::Change::Set(rule)))) => {
            assert!(rule.expressions.iter().all(|one| one.is_as(one)));
            let request = nftables::rule::append(
                rule.family,
                &rule.table,
                &rule.chain,
                &rule.expressions,
                rule.comment.as_deref(),
            );
            let _ = request.map(|request| request.body.finish());
        }
        Ok(Some(nftables::Change::ElementsSet(elements))) => {
            let ranges = nftables::interval::merge(&nftables::interval::ranges(&elements.elements));
            let key = nftables::KeyType::PORT;
            let requests = nftables::NewSet { id: 1, key, ranges }.add(elements.family, &elements.table);
            let _ = requests.map(|all| all.into_iter().map(|request| request.body.finish()).all(|body| body.is_ok()));
        }
        Ok(Some(nftables::Change::Chain(nftables::chain::Change::Set(chain)))) => {
            let request = nftables::chain::add(chain.family, &chain.table, &chain.name, chain.base.as_ref());
            let _ = request.map(|request| request.body.finish());
        }
        Ok(_) | Err(_) => (),
    });
}

/// Reads one message as answers of connection tracking.
pub fn conntrack(bytes: &[u8]) {
    one(bytes, crate::netfilter::conntrack::any);
}

/// Reads one message as the description of a generic netlink family.
pub fn generic(bytes: &[u8]) {
    one(bytes, |message| {
        let _ = generic::parse(message);
    });
}

/// Reads one message as an acknowledgement, and what it says for people.
pub fn acknowledgement(bytes: &[u8]) {
    one(bytes, |message| {
        if let Ok(Err(refusal)) = socket::read_ack(message, "request".into()) {
            assert!(refusal.errno > 0 && !refusal.to_string().is_empty());
        }
    });
}

/// The bytes as one message, whatever its header says of the length: [`walk`] tries the lengths.
fn one(bytes: &[u8], decode: impl FnOnce(&Message<'_>)) {
    if let (Some(header), Some(body)) = (Header::parse(bytes), bytes.get(Header::LENGTH..)) {
        decode(&Message { header, body });
    }
}
