use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::tc::Handle;
use crate::tc::LinkLayer;
use crate::tc::Rate;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::tc::number::statistics;
use crate::testing::damaged;
use crate::testing::dumped;
use crate::testing::message;
use crate::wire::Malformed;
use crate::wire::Writer;

fn read(body: &[u8]) -> Result<Qdisc, Malformed> {
    decode::qdisc(&message(number::NEW_QDISC, body))
}

fn root() -> Writer {
    Header { interface: 5, handle: 0x10_0000, parent: Handle::ROOT, info: 2 }.writer()
}

fn chances() -> impl Strategy<Value = Chance> {
    (any::<u32>(), any::<u32>()).prop_map(|(probability, correlation)| Chance { probability, correlation })
}

fn rates() -> impl Strategy<Value = Rate> {
    let layer = prop_oneof![Just(LinkLayer::Ethernet), Just(LinkLayer::Atm), Just(LinkLayer::Other(3))];
    (prop_oneof![1_u64..1 << 32, 1_u64..1 << 40], any::<u16>(), any::<u16>(), layer)
        .prop_map(|(bytes_per_second, overhead, mpu, link_layer)| Rate { bytes_per_second, overhead, mpu, link_layer })
}

prop_compose! {
    fn fqs()(
        numbers in prop::array::uniform10(of(any::<u32>())),
        more in (of(any::<u32>()), of(any::<bool>()), of(any::<bool>())),
        priomap in of(any::<[u8; 16]>()),
        weights in of(any::<[u32; 3]>()),
    ) -> Fq {
        let [limit, flow_limit, quantum, initial_quantum, maxrate, buckets_log, refill_delay, orphan_mask, horizon, timer_slack] =
            numbers;
        let (low_rate_threshold, pacing, horizon_drop) = more;
        Fq {
            limit, flow_limit, quantum, initial_quantum, pacing, maxrate, buckets_log, refill_delay, orphan_mask,
            low_rate_threshold, ce_threshold: limit, timer_slack, horizon, horizon_drop, priomap, weights,
            offload_horizon: quantum,
        }
    }
}

prop_compose! {
    fn cakes()(numbers in prop::array::uniform5(of(any::<u32>())), bandwidth in of(any::<u64>()), on in of(any::<bool>()), overhead in of(any::<i32>()), raw in of(Just(true)), choice in 0_u32..9) -> Cake {
        let [rtt, target, memory, mpu, fwmark] = numbers;
        let flows = match choice { 0 => CakeFlows::Flowblind, 5 => CakeFlows::DualSrchost, _ => CakeFlows::Other(77) };
        Cake {
            bandwidth, diffserv: Some(CakeDiffserv::Other(choice + 5)), atm: Some(CakeAtm::Ptm), flows: Some(flows), overhead,
            rtt, target, autorate: on, memory, nat: on, raw, wash: on, mpu, ingress: on,
            ack_filter: Some(CakeAckFilter::Filter), split_gso: on, fwmark,
        }
    }
}

prop_compose! {
    fn netems()(
        delays in any::<(i64, i64, u32)>(), limit: u32, gap: u32, loss in chances(), duplicate in chances(), reorder in chances(),
        corrupt in chances(), rate: u64, cells in any::<(i32, u32, i32)>(), ecn: bool,
        loss_model in of(prop_oneof![
            any::<[u32; 5]>().prop_map(LossModel::FourStates), any::<[u32; 4]>().prop_map(LossModel::GilbertElliott),
        ]),
        slot in any::<(i64, i64, i32, i32, i64, i64)>(),
    ) -> Netem {
        let (delay, jitter, delay_correlation) = delays;
        let (packet_overhead, cell_size, cell_overhead) = cells;
        let (min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter) = slot;
        let slot = Some(Slot { min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter });
        Netem {
            delay, jitter, delay_correlation, limit, loss, loss_model, duplicate, reorder, gap, corrupt, rate, packet_overhead,
            cell_size, cell_overhead, ecn, slot,
        }
    }
}

/// Those that are read as they were written, bit by bit.
fn kinds() -> impl Strategy<Value = Kind> {
    let fq_codel =
        (prop::array::uniform8(of(any::<u32>())), of(any::<bool>()), of(any::<u8>())).prop_map(|(n, ecn, selector)| {
            let [target, limit, interval, flows, quantum, ce_threshold, drop_batch_size, memory_limit] = n;
            // Times are read back as they were asked for, once the kernel has rounded them.
            let [target, interval, ce_threshold] =
                [target, interval, ce_threshold].map(|time| time.map(|time| time / 1024 * 128));
            let (ce_threshold_selector, ce_threshold_mask) = (selector, selector);
            FqCodel {
                target,
                limit,
                interval,
                ecn,
                flows,
                quantum,
                ce_threshold,
                drop_batch_size,
                memory_limit,
                ce_threshold_selector,
                ce_threshold_mask,
            }
        });
    let prio = (any::<u32>(), any::<[u8; 16]>()).prop_map(|(bands, priomap)| Prio { bands, priomap });
    let red = (1_u32.., any::<u32>(), any::<[u8; 4]>(), any::<u32>()).prop_map(|(min, max, bytes, max_p)| {
        let [w_log, p_log, cell_log, flags] = bytes;
        SfqRed { min, max, w_log, p_log, cell_log, flags, max_p }
    });
    let sfq = (any::<[u32; 6]>(), any::<bool>(), of(red)).prop_map(|(numbers, headdrop, red)| {
        let [quantum, perturb_period, limit, divisor, flows, depth] = numbers;
        let [quantum, limit, divisor, flows, depth] = [quantum, limit, divisor, flows, depth].map(Some);
        Sfq { quantum, perturb_period, limit, divisor, flows, depth, headdrop, red }
    });
    let htb = (any::<u32>(), any::<u32>(), of(any::<u32>()), any::<bool>())
        .prop_map(|(default, r2q, direct_qlen, offload)| Htb { default, r2q, direct_qlen, offload });
    let other = of(vec(any::<u8>(), 0..40)).prop_map(|options| Kind::Other { name: "tt-kind".into(), options });
    prop_oneof![
        any::<u32>().prop_map(|limit| Kind::Pfifo(Fifo { limit: Some(limit) })),
        any::<u32>().prop_map(|limit| Kind::Bfifo(Fifo { limit: Some(limit) })),
        prop::sample::select(vec![Kind::PfifoFast, Kind::Mq, Kind::Noqueue, Kind::Ingress, Kind::Clsact]),
        fqs().prop_map(Kind::Fq),
        fq_codel.prop_map(Kind::FqCodel),
        cakes().prop_map(Kind::Cake),
        prio.prop_map(Kind::Prio),
        sfq.prop_map(Kind::Sfq),
        htb.prop_map(Kind::Htb),
        netems().prop_map(|netem| Kind::Netem(Box::new(netem))),
        other,
    ]
}

fn tbfs() -> impl Strategy<Value = Tbf> {
    let peak = of((rates(), any::<u32>()).prop_map(|(rate, burst)| TbfPeak { rate, burst: burst.into() }));
    (rates(), any::<u32>(), any::<u32>(), peak).prop_map(|(rate, burst, limit, peak)| Tbf {
        rate,
        burst: burst.into(),
        limit,
        peak,
    })
}

fn round_trip(new: &NewQdisc) -> Qdisc {
    read(&new.add().unwrap().body.finish().unwrap()).unwrap()
}

proptest! {
    #[test]
    fn what_is_asked_is_what_is_read(kind in kinds(), numbers in any::<[u32; 3]>(), block in of(any::<u32>())) {
        let [interface, parent, handle] = numbers;
        let new = NewQdisc {
            ingress_block: block, egress_block: block, ..NewQdisc::at(interface, Handle(parent), Handle(handle), kind)
        };
        let shown = round_trip(&new);
        prop_assert_eq!(NewQdisc::of(&shown), new.clone());
        prop_assert_eq!(shown.kind.differs(&new.kind), Vec::<&str>::new());
    }

    #[test]
    fn a_bucket_is_the_same_but_for_the_rounding_of_its_burst(tbf in tbfs()) {
        let shown = round_trip(&NewQdisc::at(5, Handle::ROOT, Handle::NONE, Kind::Tbf(tbf))).kind;
        prop_assert_eq!(shown.differs(&Kind::Tbf(tbf)), Vec::<&str>::new());
        let Kind::Tbf(read) = shown else { panic!("{shown:?}") };
        prop_assert_eq!((read.rate, read.limit, read.peak.map(|peak| peak.rate)), (tbf.rate, tbf.limit, tbf.peak.map(|peak| peak.rate)));
    }

    #[test]
    fn any_two_kinds_can_be_compared(one in kinds(), other in kinds()) {
        let differs = one.differs(&other);
        prop_assert_eq!(differs.contains(&"kind"), one.name() != other.name());
        prop_assert!(one.differs(&one).is_empty());
    }

    #[test]
    fn any_bytes_are_survived(body in vec(any::<u8>(), 0..200), name in prop::sample::select(NAMES.to_vec()), options in vec(any::<u8>(), 0..120)) {
        let _ = read(&body);
        let mut body = root();
        body.text(is::KIND, name).attribute(is::OPTIONS, &options).attribute(is::STATISTICS, &options);
        let _ = Change::read(&message(number::DELETE_QDISC, &body.finish().unwrap()));
    }

    #[test]
    fn damaged_requests_are_survived(body in kinds().prop_flat_map(|kind| {
        let new = NewQdisc::at(5, Handle::ROOT, Handle::NONE, kind);
        damaged(vec![new.add().unwrap().body.finish().unwrap()])
    })) {
        let _ = read(&body);
    }

    #[test]
    fn damaged_messages_are_survived(body in damaged(dumped(number::GET_QDISC, root()))) {
        let _ = read(&body);
    }
}

const NAMES: [&str; 15] = [
    "pfifo",
    "bfifo",
    "pfifo_fast",
    "mq",
    "noqueue",
    "fq",
    "fq_codel",
    "cake",
    "tbf",
    "htb",
    "prio",
    "sfq",
    "netem",
    "ingress",
    "clsact",
];

#[test]
fn a_kind_that_is_not_known_is_kept() {
    let mut body = root();
    body.text(is::KIND, "tt-new").attribute(is::OPTIONS, &[1, 2, 3]).u32(0x3fff, 7);
    let shown = read(&body.finish().unwrap()).unwrap();
    let kind = Kind::Other { name: "tt-new".into(), options: Some(vec![1, 2, 3]) };
    assert_eq!((&shown.kind, shown.handle, shown.parent), (&kind, Handle::new(16, 0), Handle::ROOT));
    let mut body = root();
    body.text(is::KIND, "tt-new");
    let without = read(&body.finish().unwrap()).unwrap().kind;
    assert_eq!((without.differs(&kind), kind.can_change()), (vec!["options"], None));
}

#[test]
fn a_message_without_what_all_have_is_an_error() {
    let missing = |body: Writer| read(&body.finish().unwrap()).unwrap_err().to_string();
    assert_eq!(missing(root()), "no TCA_KIND");
    for (name, what) in [("tbf", "no TCA_OPTIONS"), ("pfifo", "no TCA_OPTIONS")] {
        let mut body = root();
        body.text(is::KIND, name);
        assert_eq!(missing(body), what);
    }
    let mut body = root();
    body.text(is::KIND, "htb").nest(is::OPTIONS, |_| ());
    assert_eq!(missing(body), "no TCA_HTB_INIT");
    let mut body = root();
    body.text(is::KIND, "prio").attribute(is::OPTIONS, &[0; 19]);
    assert_eq!(missing(body), "byte 48: attribute 2: 19 bytes where struct tc_prio_qopt were expected");
}

#[test]
fn packets_are_counted_in_64_bits_where_the_kernel_says_so() {
    let mut body = root();
    body.text(is::KIND, "mq").nest(is::STATISTICS, |inside| {
        inside.attribute(statistics::BASIC, &[[7_u8, 0, 0, 0, 0, 0, 0, 1], [9, 0, 0, 0, 0, 0, 0, 0]].concat());
        inside.u64(statistics::PACKETS, 1 << 33 | 9);
    });
    let counted = read(&body.finish().unwrap()).unwrap().statistics;
    assert_eq!((counted.bytes, counted.packets), (1 << 56 | 7, 1 << 33 | 9));
}

#[test]
fn a_name_with_a_nul_is_not_taken_for_what_stands_before_it() {
    let kind = Kind::Other { name: "htb\0x".into(), options: None };
    let error = NewQdisc::at(5, Handle::ROOT, Handle::NONE, kind).add().unwrap_err();
    assert!(matches!(&error, Error::NoName { name, .. } if name == "htb\\0x"), "{error}");
    let words = "interface 5: add htb\\0x 0: at root: there is no `htb\\0x`";
    assert_eq!(error.to_string(), words);
}

#[test]
fn every_parameter_that_is_not_as_asked_is_named() {
    let asked = Netem { delay: 5, ecn: true, ..Netem::default() };
    let differs = Kind::Netem(Box::default()).differs(&Kind::Netem(Box::new(asked)));
    assert_eq!(differs, ["delay", "ecn"]);
    let fq = |limit| Kind::Fq(Fq { limit, pacing: Some(true), ..Fq::default() });
    assert_eq!(fq(Some(5)).differs(&fq(Some(6))), ["limit"]);
    assert_eq!(fq(None).differs(&fq(Some(6))), ["limit"]);
    assert!(fq(Some(5)).differs(&fq(None)).is_empty());
    let tbf = Tbf { rate: Rate::bytes(1000), burst: 2000, limit: 3000, peak: None };
    let other = Tbf { rate: Rate::bytes(1001), burst: 2001, limit: 3001, peak: Some(TbfPeak::default()) };
    assert_eq!(Kind::Tbf(tbf).differs(&Kind::Tbf(other)), ["rate", "burst", "limit", "peak"]);
    // What the kernel does not show of cake when it is not so.
    let raw = |raw| Kind::Cake(Cake { raw, ..Cake::default() });
    assert!(raw(None).differs(&raw(Some(false))).is_empty());
    assert_eq!(raw(None).differs(&raw(Some(true))), ["raw"]);
}
