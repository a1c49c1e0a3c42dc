use std::time::Duration;

use trimtab_netlink::netfilter::nftables::Change;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::Heard;
use trimtab_netlink::netfilter::nftables::Monitor;
use trimtab_netlink::netfilter::nftables::News;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::set;
use trimtab_netlink::netfilter::nftables::table;

use super::TABLE;
use super::cases::cases;
use super::make;
use super::nft;
use super::open;
use crate::namespace::in_new_netns;

/// All that has come.
fn news(monitor: &mut Monitor) -> Vec<Heard> {
    let mut heard = Vec::new();
    assert!(monitor.wait(Duration::from_secs(5)).unwrap());
    loop {
        match monitor.read().unwrap() {
            News::Idle => return heard,
            News::Overrun => panic!("overrun"),
            News::Changes(changes) => heard.extend(changes.into_iter().map(Result::unwrap)),
        }
    }
}

/// What happened, shortly.
fn word(change: &Change) -> String {
    match change {
        Change::Table(table::Change::Set(table)) => format!("+table {}", table.name),
        Change::Table(table::Change::Gone(table)) => format!("-table {}", table.name),
        Change::Chain(chain::Change::Set(chain)) => format!("+chain {}", chain.name),
        Change::Chain(chain::Change::Gone(chain)) => format!("-chain {}", chain.name),
        Change::Rule(rule::Change::Set(rule)) => format!("+rule {}", rule.chain),
        Change::Rule(rule::Change::Gone(rule)) => format!("-rule {}", rule.chain),
        Change::Set(set::Change::Set(_)) => "+set".to_owned(),
        Change::Set(set::Change::Gone(_)) => "-set".to_owned(),
        Change::ElementsSet(elements) => format!("+{} elements", elements.elements.len()),
        Change::ElementsGone(elements) => format!("-{} elements", elements.elements.len()),
        Change::Generation(_) => "generation".to_owned(),
    }
}

#[test]
fn news_tell_what_changed_and_who_did_it() {
    in_new_netns("news_tell_what_changed_and_who_did_it", || {
        let mut socket = open();
        let mut monitor = Monitor::open(1 << 20).unwrap();
        make(&mut socket, &cases());
        let told = news(&mut monitor);
        let words: Vec<_> = told.iter().map(|heard| word(&heard.change)).collect();
        for expected in ["+table tt", "+chain forward", "+rule forward", "+rule output", "+set"] {
            assert!(words.iter().any(|word| word == expected), "{expected}: {words:?}");
        }
        assert!(words.iter().any(|word| word.ends_with(" elements") && word.starts_with('+')), "{words:?}");
        assert!(told.iter().all(|heard| heard.requester == Some(socket.port())), "{told:?}");
        let Some(Heard { change: Change::Generation(generation), .. }) = told.last() else { panic!("{words:?}") };
        let own = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        assert_eq!(generation.thread, Some(own));
        let before = generation.id;

        nft(&format!("add rule inet {TABLE} output counter"));
        let told = news(&mut monitor);
        let [
            Heard { change: Change::Rule(rule::Change::Set(rule)), .. },
            Heard { change: Change::Generation(generation), .. },
        ] = told.as_slice()
        else {
            panic!("{told:?}")
        };
        assert_eq!((rule.table.as_str(), rule.chain.as_str(), rule.expressions.len()), (TABLE, "output", 1));
        assert_eq!((generation.id, generation.thread_name.as_deref()), (before + 1, Some("nft")));
        assert_ne!(generation.thread, Some(own));

        commit(&mut socket, vec![table::delete(Family::Inet, TABLE).unwrap()], None).unwrap();
        let words: Vec<_> = news(&mut monitor).iter().map(|heard| word(&heard.change)).collect();
        for expected in ["-table tt", "-chain forward", "-rule output", "-set", "generation"] {
            assert!(words.iter().any(|word| word == expected), "{expected}: {words:?}");
        }
        // What changes nothing is not told.
        let _ = commit(&mut socket, vec![table::delete(Family::Inet, TABLE).unwrap()], None).unwrap_err();
        assert!(!monitor.wait(Duration::from_millis(50)).unwrap());
    });
}
