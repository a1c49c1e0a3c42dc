//! What Debian's Linux 6.12 answers, byte for byte, for those kinds that the kernel here may lack. `recorded.txt` has a line for
//! each message: `qdisc`, `class` or `filter`, what tc(8) was told, and the body. They were made on x86-64.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use trimtab_netlink::tc::Change;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::qdisc;
use trimtab_netlink::tc::qdisc::NewQdisc;
use trimtab_netlink::wire::Header;
use trimtab_netlink::wire::Malformed;
use trimtab_netlink::wire::Message;

use super::cases;
use super::filter::cases as filters;

struct Recorded {
    kind: u16,
    line: &'static str,
    body: Vec<u8>,
}

fn recorded() -> Vec<Recorded> {
    let read = |line: &'static str| {
        let [what, line, body]: [&str; 3] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
        let kind = match what {
            "qdisc" => 36,
            "class" => 40,
            "filter" => 44,
            other => panic!("{other}"),
        };
        let (pairs, []) = body.as_bytes().as_chunks::<2>() else { panic!("{line}") };
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        Recorded { kind, line, body: pairs.iter().map(byte).collect() }
    };
    include_str!("recorded.txt").lines().map(read).collect()
}

fn read(kind: u16, body: &[u8]) -> Result<Option<Change>, Malformed> {
    let header = Header { length: 0, kind, flags: 0, sequence: 0, port: 0 };
    Change::read(&Message { header, body })
}

#[test]
fn what_another_kernel_answers_is_read_as_meant() {
    let (mut qdiscs, mut classes, mut made) = (0, 0, 0);
    for Recorded { kind, line, body } in recorded() {
        match read(kind, &body).unwrap().unwrap() {
            Change::Qdisc(qdisc::Change::Set(shown)) => {
                let (_, asked) = cases::roots().into_iter().find(|(asked, _)| *asked == line).unwrap();
                assert_eq!(shown.kind.differs(&asked), Vec::<&str>::new(), "{line}: {shown:?}");
                // Asked for once more it says the same.
                let again = NewQdisc::of(&shown).add().unwrap().body.finish().unwrap();
                let Ok(Some(Change::Qdisc(qdisc::Change::Set(again)))) = read(36, &again) else { panic!("{line}") };
                assert_eq!(again.kind.differs(&shown.kind), Vec::<&str>::new(), "{line}");
                qdiscs += 1;
            }
            Change::Class(class::Change::Set(shown)) => {
                assert_eq!(shown.kind.name(), line.split(' ').next().unwrap());
                classes += 1;
            }
            Change::Filter(filter::Change::Set(shown)) => {
                let Some(again) = NewFilter::of(&shown) else { continue };
                if matches!(again.kind, filter::Kind::U32Table { .. }) {
                    continue;
                }
                // The other interface was the third.
                let is_asked =
                    |(asked, _, kind): &(&str, &str, _)| *asked == line && shown.kind.differs(kind).is_empty();
                assert!(filters(3).iter().any(is_asked), "{line}: {shown:?}");
                made += 1;
            }
            gone @ (Change::Qdisc(_) | Change::Class(_) | Change::Filter(_)) => panic!("{gone:?}"),
        }
    }
    assert!(qdiscs >= 30 && classes >= 5 && made >= 14, "{qdiscs} {classes} {made}");
}

proptest! {
    #[test]
    fn recorded_messages_cut_or_changed_anywhere_are_survived(
        which: Index, flips in vec((any::<Index>(), any::<u8>()), 0..9), cut in proptest::option::of(any::<Index>()),
    ) {
        let all = recorded();
        let Recorded { kind, body, .. } = which.get(&all);
        let mut body = body.clone();
        let length = body.len();
        for (place, byte) in flips {
            body[place.index(length)] = byte;
        }
        body.truncate(cut.map_or(length, |cut| cut.index(length)));
        let _ = read(*kind, &body);
    }
}
