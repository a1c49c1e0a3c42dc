//! Queueing disciplines of each kind, in the words of tc(8) and in ours.

use trimtab_netlink::tc::LinkLayer;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::qdisc::Cake;
use trimtab_netlink::tc::qdisc::CakeAckFilter;
use trimtab_netlink::tc::qdisc::CakeAtm;
use trimtab_netlink::tc::qdisc::CakeDiffserv;
use trimtab_netlink::tc::qdisc::CakeFlows;
use trimtab_netlink::tc::qdisc::Chance;
use trimtab_netlink::tc::qdisc::Fifo;
use trimtab_netlink::tc::qdisc::Fq;
use trimtab_netlink::tc::qdisc::FqCodel;
use trimtab_netlink::tc::qdisc::Htb;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::LossModel;
use trimtab_netlink::tc::qdisc::Netem;
use trimtab_netlink::tc::qdisc::Prio;
use trimtab_netlink::tc::qdisc::Sfq;
use trimtab_netlink::tc::qdisc::SfqRed;
use trimtab_netlink::tc::qdisc::Slot;
use trimtab_netlink::tc::qdisc::Tbf;
use trimtab_netlink::tc::qdisc::TbfPeak;

/// What follows `tc qdisc add dev X root`, and the same as a value.
pub fn roots() -> Vec<(&'static str, Kind)> {
    [queues(), flows(), shapers(), cakes(), misfortunes()].concat()
}

fn queues() -> Vec<(&'static str, Kind)> {
    let prio = Prio { bands: 4, priomap: [3, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0] };
    vec![
        ("pfifo limit 50", Kind::Pfifo(Fifo { limit: Some(50) })),
        ("pfifo", Kind::Pfifo(Fifo { limit: None })),
        ("bfifo limit 5000", Kind::Bfifo(Fifo { limit: Some(5000) })),
        ("bfifo", Kind::Bfifo(Fifo { limit: None })),
        ("pfifo_fast", Kind::PfifoFast),
        ("mq", Kind::Mq),
        ("prio", Kind::Prio(Prio::default())),
        ("prio bands 4 priomap 3 2 2 2 1 2 0 0 1 1 1 1 1 1 1 0", Kind::Prio(prio)),
    ]
}

fn flows() -> Vec<(&'static str, Kind)> {
    let fq = Fq {
        limit: Some(5000),
        flow_limit: Some(50),
        quantum: Some(3000),
        initial_quantum: Some(20_000),
        pacing: Some(false),
        maxrate: Some(125_000_000),
        buckets_log: Some(9),
        refill_delay: Some(30_000),
        orphan_mask: Some(511),
        low_rate_threshold: Some(125_000),
        ce_threshold: Some(5000),
        timer_slack: Some(20_000),
        horizon: Some(5_000_000),
        horizon_drop: Some(false),
        ..Fq::default()
    };
    let fq_codel = FqCodel {
        target: Some(7000),
        limit: Some(1000),
        interval: Some(90_000),
        ecn: Some(false),
        flows: Some(512),
        quantum: Some(1000),
        ce_threshold: Some(3000),
        drop_batch_size: Some(32),
        memory_limit: Some(4 << 20),
        ..FqCodel::default()
    };
    let sfq = Sfq {
        quantum: Some(3000),
        perturb_period: 10,
        limit: Some(100),
        divisor: Some(512),
        depth: Some(50),
        headdrop: true,
        ..Sfq::default()
    };
    // The numbers that tc(8) makes of a probability of a fifth, and of packets of 1000 bytes.
    let max_p = u32::MAX / 5;
    let red = SfqRed { min: 8000, max: 60_000, w_log: 6, p_log: 18, cell_log: 0, flags: 1, max_p };
    vec![
        ("fq", Kind::Fq(Fq::default())),
        (
            "fq limit 5000 flow_limit 50 quantum 3000 initial_quantum 20000 nopacing maxrate 1gbit buckets 512 \
             refill_delay 30ms orphan_mask 511 low_rate_threshold 1mbit ce_threshold 5ms timer_slack 20us horizon 5s \
             horizon_cap",
            Kind::Fq(fq),
        ),
        ("fq_codel", Kind::FqCodel(FqCodel::default())),
        (
            "fq_codel limit 1000 flows 512 target 7ms interval 90ms quantum 1000 noecn ce_threshold 3ms \
             memory_limit 4Mb drop_batch 32",
            Kind::FqCodel(fq_codel),
        ),
        ("sfq", Kind::Sfq(Sfq::default())),
        ("sfq quantum 3000 perturb 10 limit 100 divisor 512 depth 50 headdrop", Kind::Sfq(sfq)),
        (
            "sfq redflowlimit 100000 min 8000 max 60000 probability 0.20 ecn",
            Kind::Sfq(Sfq { red: Some(red), ..Sfq::default() }),
        ),
    ]
}

fn shapers() -> Vec<(&'static str, Kind)> {
    let tbf = |rate, burst, limit| Tbf { rate: Rate::bytes(rate), burst, limit, peak: None };
    let rate = Rate { overhead: 20, mpu: 64, link_layer: LinkLayer::Atm, ..Rate::bytes(1_250_000) };
    let peak = Some(TbfPeak { rate: Rate::bytes(2_500_000), burst: 1514 });
    let htb = Htb { default: 0x10, r2q: 5, direct_qlen: Some(77), offload: false };
    vec![
        ("tbf rate 10mbit burst 16kb limit 100kb", Kind::Tbf(tbf(1_250_000, 16 << 10, 100 << 10))),
        ("tbf rate 3kbit burst 1600 limit 3000", Kind::Tbf(tbf(375, 1600, 3000))),
        ("tbf rate 1gbit burst 128kb limit 1mb", Kind::Tbf(tbf(125_000_000, 128 << 10, 1 << 20))),
        ("tbf rate 50gbit burst 1mb limit 4mb", Kind::Tbf(tbf(6_250_000_000, 1 << 20, 4 << 20))),
        (
            "tbf rate 10mbit burst 16kb limit 100kb overhead 20 mpu 64 linklayer atm",
            Kind::Tbf(Tbf { rate, ..tbf(0, 16 << 10, 100 << 10) }),
        ),
        (
            "tbf rate 10mbit burst 16kb limit 100kb peakrate 20mbit mtu 1514",
            Kind::Tbf(Tbf { peak, ..tbf(1_250_000, 16 << 10, 100 << 10) }),
        ),
        ("htb", Kind::Htb(Htb::default())),
        ("htb default 10 r2q 5 direct_qlen 77", Kind::Htb(htb)),
    ]
}

fn cakes() -> Vec<(&'static str, Kind)> {
    let cake = Cake {
        bandwidth: Some(12_500_000),
        diffserv: Some(CakeDiffserv::Diffserv8),
        atm: Some(CakeAtm::Ptm),
        flows: Some(CakeFlows::DualSrchost),
        overhead: Some(38),
        rtt: Some(50_000),
        // A twentieth of it, which tc(8) works out and asks for.
        target: Some(2500),
        memory: Some(4 << 20),
        nat: Some(true),
        raw: Some(false),
        wash: Some(true),
        mpu: Some(84),
        ingress: Some(true),
        ack_filter: Some(CakeAckFilter::Aggressive),
        split_gso: Some(false),
        fwmark: Some(0xff),
        ..Cake::default()
    };
    vec![
        ("cake", Kind::Cake(Cake::default())),
        ("cake unlimited raw", Kind::Cake(Cake { bandwidth: Some(0), raw: Some(true), ..Cake::default() })),
        (
            "cake bandwidth 100mbit diffserv8 ptm dual-srchost overhead 38 rtt 50ms memlimit 4Mb nat wash mpu 84 ingress \
             ack-filter-aggressive no-split-gso fwmark 0xff",
            Kind::Cake(cake),
        ),
    ]
}

fn misfortunes() -> Vec<(&'static str, Kind)> {
    // As tc(8) rounds.
    let of_all = |percent: f64| (percent / 100.0 * f64::from(u32::MAX)).round_ties_even() as u32;
    let chance =
        |probability, correlation| Chance { probability: of_all(probability), correlation: of_all(correlation) };
    let netem = Netem {
        delay: 10_000_000,
        jitter: 2_000_000,
        delay_correlation: of_all(25.0),
        limit: 500,
        loss: chance(1.0, 5.0),
        duplicate: chance(0.5, 0.0),
        reorder: chance(25.0, 50.0),
        gap: 5,
        corrupt: chance(0.1, 0.0),
        rate: 125_000,
        packet_overhead: 10,
        cell_size: 100,
        cell_overhead: -5,
        ecn: true,
        ..Netem::default()
    };
    let slot =
        Slot { min_delay: 1_000_000, max_delay: 2_000_000, max_packets: 10, max_bytes: 20_000, ..Slot::default() };
    let four_states = LossModel::FourStates([1.0, 90.0, 80.0, 2.0, 70.0].map(of_all));
    let gilbert = LossModel::GilbertElliott([of_all(1.0), of_all(10.0), u32::MAX - of_all(70.0), of_all(0.1)]);
    let kind = |netem| Kind::Netem(Box::new(netem));
    vec![
        (
            "netem limit 500 delay 10ms 2ms 25% loss 1% 5% duplicate 0.5% reorder 25% 50% gap 5 corrupt 0.1% \
             rate 1mbit 10 100 -5 ecn",
            kind(netem),
        ),
        ("netem loss gemodel 1% 10% 70% 0.1%", kind(Netem { loss_model: Some(gilbert), ..Netem::default() })),
        ("netem loss state 1% 90% 80% 70% 2%", kind(Netem { loss_model: Some(four_states), ..Netem::default() })),
        (
            "netem rate 50gbit slot 1ms 2ms packets 10 bytes 20000",
            kind(Netem { rate: 6_250_000_000, slot: Some(slot), ..Netem::default() }),
        ),
    ]
}
