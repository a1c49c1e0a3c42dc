//! What netlink shows of queueing disciplines, as trees: options under the names of tc(8), in the one spelling of each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::kind::tc::handle;
use trimtab_core::kind::tc::handle::HANDLE;
use trimtab_core::kind::tc::qdiscs::class_word;
use trimtab_core::kind::tc::qdiscs::minor_of;
use trimtab_core::kind::tc::scalar::of_bytes;
use trimtab_core::kind::tc::scalar::of_chance;
use trimtab_core::kind::tc::scalar::of_minor;
use trimtab_core::kind::tc::scalar::of_numbers;
use trimtab_core::kind::tc::scalar::of_rate;
use trimtab_core::kind::tc::scalar::of_switch;
use trimtab_core::kind::tc::scalar::of_time;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::LinkLayer;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::class::Class;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::filter::Filter;
use trimtab_netlink::tc::qdisc::Cake;
use trimtab_netlink::tc::qdisc::CakeAckFilter;
use trimtab_netlink::tc::qdisc::CakeAtm;
use trimtab_netlink::tc::qdisc::CakeDiffserv;
use trimtab_netlink::tc::qdisc::CakeFlows;
use trimtab_netlink::tc::qdisc::Fq;
use trimtab_netlink::tc::qdisc::FqCodel;
use trimtab_netlink::tc::qdisc::Htb;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::LossModel;
use trimtab_netlink::tc::qdisc::Netem;
use trimtab_netlink::tc::qdisc::Prio;
use trimtab_netlink::tc::qdisc::Qdisc;
use trimtab_netlink::tc::qdisc::Sfq;
use trimtab_netlink::tc::qdisc::SfqRed;
use trimtab_netlink::tc::qdisc::Slot;
use trimtab_netlink::tc::qdisc::Tbf;

use super::filters;

/// That somebody gave it a table of sizes, which the kernel does not show.
const SIZE_TABLE: &str = "size_table";
/// The options of a kind that nobody here knows.
pub(super) const OPAQUE: &str = "options";

/// Deeper than any tree that the kernel builds (net/sched/sch_htb.c `TC_HTB_MAXDEPTH`).
const DEEPEST: usize = 16;

/// What there is at one interface.
#[derive(Debug, Default)]
pub(super) struct Attached<'a> {
    pub(super) qdiscs: Vec<&'a Qdisc>,
    pub(super) classes: Vec<Class>,
    /// Those that lead into the classes of the root.
    pub(super) filters: Vec<Filter>,
}

/// The root of an interface with what is attached below it; nothing if there is none, as on one that was never up. What the
/// kernel attached by itself below it is left out.
pub(super) fn root(attached: &Attached<'_>) -> Option<Tree> {
    let root = attached.qdiscs.iter().find(|qdisc| qdisc.parent == Handle::ROOT)?;
    let mut tree = Below::of(attached).with_classes(root, DEEPEST);
    if handle::is_ours(&tree) {
        tree.children.extend(filters::shown(&attached.filters, root.handle));
    } else if !attached.filters.is_empty() {
        // Of somebody else's no more than that they are there.
        let count = i64::try_from(attached.filters.len()).unwrap_or(i64::MAX);
        tree.scalars.insert("filters".to_owned(), Scalar::Int(count));
    }
    Some(tree)
}

/// What is attached, by what it is attached to: there may be thousands.
struct Below<'a> {
    /// Disciplines that somebody made.
    qdiscs: BTreeMap<Handle, Vec<&'a Qdisc>>,
    classes: BTreeMap<Handle, Vec<&'a Class>>,
    /// Every class.
    known: BTreeSet<Handle>,
}

impl<'a> Below<'a> {
    fn of(attached: &'a Attached<'_>) -> Below<'a> {
        let mut below = Below { qdiscs: BTreeMap::new(), classes: BTreeMap::new(), known: BTreeSet::new() };
        for qdisc in attached.qdiscs.iter().filter(|qdisc| !qdisc.is_default()) {
            below.qdiscs.entry(qdisc.parent).or_default().push(qdisc);
        }
        for class in &attached.classes {
            below.known.insert(class.handle);
            if class.parent != class.handle {
                let at_top = class.parent == Handle::ROOT;
                below.classes.entry(if at_top { class.handle.qdisc() } else { class.parent }).or_default().push(class);
            }
        }
        below
    }

    fn classes_below(&self, parent: Handle) -> impl Iterator<Item = &'a Class> {
        self.classes.get(&parent).into_iter().flatten().copied()
    }

    fn with_classes(&self, qdisc: &Qdisc, left: usize) -> Tree {
        let mut tree = one(qdisc);
        let Some(left) = left.checked_sub(1) else { return tree };
        let tops = self.classes_below(qdisc.handle.qdisc());
        tree.children.extend(tops.map(|class| self.of_class(class, left)));
        // Of other kinds there are classes for what is attached to them.
        let own = Handle::new(qdisc.handle.major(), 0)..=Handle::new(qdisc.handle.major(), u16::MAX);
        for (parent, leaves) in self.qdiscs.range(own) {
            let leaf = leaves.iter().find(|leaf| leaf.handle != qdisc.handle);
            if let Some(leaf) = leaf.filter(|_| !self.known.contains(parent)) {
                let children = vec![self.with_classes(leaf, left)];
                tree.children.push(Tree { children, ..Tree::new(class_word(parent.minor())) });
            }
        }
        tree.children.sort_by_key(|child| minor_of(&child.word));
        tree
    }

    fn of_class(&self, class: &Class, left: usize) -> Tree {
        let mut tree = Tree::new(class_word(class.handle.minor()));
        match &class.kind {
            class::Kind::Htb(htb) => tree.scalars = htb_class(htb).0,
            class::Kind::Implied { .. } => {}
            class::Kind::Other { name: _, options } => drop(tree.scalars.insert(OPAQUE.to_owned(), of_bytes(options))),
        }
        let Some(left) = left.checked_sub(1) else { return tree };
        tree.children.extend(self.classes_below(class.handle).map(|other| self.of_class(other, left)));
        tree.children.sort_by_key(|child| minor_of(&child.word));
        let leaf = self.qdiscs.get(&class.handle).and_then(|leaves| leaves.first());
        tree.children.extend(leaf.map(|leaf| self.with_classes(leaf, left)));
        tree
    }
}

fn htb_class(htb: &HtbClass) -> Options {
    let HtbClass { rate: of_class, ceil, burst, cburst, quantum, prio, level } = *htb;
    let mut out = Options::default();
    rate(&mut out, &of_class);
    for (name, usual) in [("overhead", "0"), ("mpu", "0"), ("linklayer", "ethernet")] {
        out.0.retain(|other, scalar| other != name || scalar.to_string() != usual);
    }
    out.put("ceil", of_rate(ceil.bytes_per_second));
    out.put("burst", Scalar::Int(i64::try_from(burst).unwrap_or(i64::MAX)));
    out.put("cburst", Scalar::Int(i64::try_from(cburst).unwrap_or(i64::MAX)));
    if level == 0 {
        out.count("prio", prio);
        out.some("quantum", quantum);
    }
    out
}

/// A queueing discipline without what is below it.
fn one(qdisc: &Qdisc) -> Tree {
    let mut tree = Tree { scalars: options(&qdisc.kind).0, ..Tree::new(qdisc.kind.name()) };
    if !qdisc.is_default() {
        tree.scalars.insert(HANDLE.to_owned(), Scalar::Text(qdisc.handle.to_string()));
    }
    if qdisc.has_size_table {
        tree.scalars.insert(SIZE_TABLE.to_owned(), of_switch(true));
    }
    tree
}

/// Options by name.
#[derive(Debug, Default)]
pub(super) struct Options(pub(super) BTreeMap<String, Scalar>);

impl Options {
    fn put(&mut self, name: &str, scalar: Scalar) {
        self.0.insert(name.to_owned(), scalar);
    }

    fn count(&mut self, name: &str, number: impl Into<i64>) {
        self.put(name, Scalar::Int(number.into()));
    }

    fn some(&mut self, name: &str, number: Option<u32>) {
        if let Some(number) = number {
            self.count(name, number);
        }
    }

    fn rate(&mut self, name: &str, rate: Option<u32>) {
        if let Some(rate) = rate.filter(|rate| *rate != u32::MAX && *rate != 0) {
            self.put(name, of_rate(rate.into()));
        }
    }

    fn microseconds(&mut self, name: &str, microseconds: Option<u32>) {
        if let Some(microseconds) = microseconds {
            self.put(name, of_time(i64::from(microseconds) * 1000));
        }
    }

    fn switch(&mut self, name: &str, on: Option<bool>) {
        if let Some(on) = on {
            self.put(name, of_switch(on));
        }
    }

    fn word(&mut self, name: &str, word: Option<&'static str>) {
        if let Some(word) = word {
            self.put(name, Scalar::Text(word.to_owned()));
        }
    }

    fn numbers(&mut self, name: &str, numbers: impl IntoIterator<Item = impl Into<i64>>) {
        self.put(name, of_numbers(&numbers.into_iter().map(Into::into).collect::<Vec<i64>>()));
    }
}

pub(super) fn options(kind: &Kind) -> Options {
    let mut out = Options::default();
    match kind {
        Kind::Pfifo(fifo) | Kind::Bfifo(fifo) => out.some("limit", fifo.limit),
        Kind::PfifoFast | Kind::Mq | Kind::Noqueue | Kind::Ingress | Kind::Clsact => {}
        Kind::Fq(one) => fq(&mut out, one),
        Kind::FqCodel(one) => fq_codel(&mut out, one),
        Kind::Cake(one) => cake(&mut out, one),
        Kind::Tbf(one) => tbf(&mut out, one),
        Kind::Htb(one) => htb(&mut out, one),
        Kind::Prio(Prio { bands, priomap }) => {
            out.count("bands", *bands);
            out.numbers("priomap", *priomap);
        }
        Kind::Sfq(one) => sfq(&mut out, one),
        Kind::Netem(one) => netem(&mut out, one),
        Kind::Other { name: _, options } => {
            if let Some(options) = options {
                out.put(OPAQUE, of_bytes(options));
            }
        }
    }
    out
}

fn fq(out: &mut Options, fq: &Fq) {
    let Fq {
        limit,
        flow_limit,
        quantum,
        initial_quantum,
        pacing,
        maxrate,
        buckets_log,
        refill_delay,
        orphan_mask,
        low_rate_threshold,
        ce_threshold,
        timer_slack,
        horizon,
        horizon_drop,
        priomap,
        weights,
        offload_horizon,
    } = *fq;
    out.some("limit", limit);
    out.some("flow_limit", flow_limit);
    out.some("quantum", quantum);
    out.some("initial_quantum", initial_quantum);
    out.switch("pacing", pacing);
    out.rate("maxrate", maxrate);
    out.some("buckets_log", buckets_log);
    out.microseconds("refill_delay", refill_delay);
    out.some("orphan_mask", orphan_mask);
    out.rate("low_rate_threshold", low_rate_threshold);
    // As much as 32 bits hold is what it says of none.
    out.microseconds("ce_threshold", ce_threshold.filter(|time| *time < u32::MAX / 1000));
    if let Some(slack) = timer_slack {
        out.put("timer_slack", of_time(slack.into()));
    }
    out.microseconds("horizon", horizon);
    out.switch("horizon_drop", horizon_drop);
    out.microseconds("offload_horizon", offload_horizon);
    if let Some(priomap) = priomap {
        out.numbers("priomap", priomap);
    }
    if let Some(weights) = weights {
        out.numbers("weights", weights);
    }
}

fn fq_codel(out: &mut Options, fq_codel: &FqCodel) {
    let FqCodel {
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
    } = *fq_codel;
    out.microseconds("target", target);
    out.some("limit", limit);
    out.microseconds("interval", interval);
    out.switch("ecn", ecn);
    out.some("flows", flows);
    out.some("quantum", quantum);
    out.microseconds("ce_threshold", ce_threshold);
    out.some("drop_batch", drop_batch_size);
    out.some("memory_limit", memory_limit);
    out.some("ce_threshold_selector", ce_threshold_selector.map(u32::from));
    out.some("ce_threshold_mask", ce_threshold_mask.map(u32::from));
}

fn cake(out: &mut Options, cake: &Cake) {
    let Cake {
        bandwidth,
        diffserv,
        atm,
        flows,
        overhead,
        rtt,
        target,
        autorate,
        memory,
        nat,
        raw,
        wash,
        mpu,
        ingress,
        ack_filter,
        split_gso,
        fwmark,
    } = *cake;
    if let Some(bandwidth) = bandwidth.filter(|rate| *rate != 0) {
        out.put("bandwidth", of_rate(bandwidth));
    }
    out.word("diffserv", diffserv.and_then(cake_diffserv));
    out.word("flows", flows.and_then(cake_flows));
    out.word("atm", atm.and_then(cake_atm));
    out.word("ack_filter", ack_filter.and_then(cake_ack_filter));
    if let Some(overhead) = overhead {
        out.count("overhead", overhead);
    }
    out.microseconds("rtt", rtt);
    out.microseconds("target", target);
    out.switch("autorate", autorate);
    out.some("memlimit", memory);
    out.switch("nat", nat);
    out.switch("raw", raw);
    out.switch("wash", wash);
    out.some("mpu", mpu);
    out.switch("ingress", ingress);
    out.switch("split_gso", split_gso);
    out.some("fwmark", fwmark);
}

pub(super) const DIFFSERV: [(&str, CakeDiffserv); 5] = [
    ("diffserv3", CakeDiffserv::Diffserv3),
    ("diffserv4", CakeDiffserv::Diffserv4),
    ("diffserv8", CakeDiffserv::Diffserv8),
    ("besteffort", CakeDiffserv::Besteffort),
    ("precedence", CakeDiffserv::Precedence),
];
pub(super) const FLOWS: [(&str, CakeFlows); 8] = [
    ("flowblind", CakeFlows::Flowblind),
    ("srchost", CakeFlows::Srchost),
    ("dsthost", CakeFlows::Dsthost),
    ("hosts", CakeFlows::Hosts),
    ("flows", CakeFlows::Flows),
    ("dual-srchost", CakeFlows::DualSrchost),
    ("dual-dsthost", CakeFlows::DualDsthost),
    ("triple-isolate", CakeFlows::TripleIsolate),
];
pub(super) const ATM: [(&str, CakeAtm); 3] = [("none", CakeAtm::None), ("atm", CakeAtm::Atm), ("ptm", CakeAtm::Ptm)];
pub(super) const ACK_FILTER: [(&str, CakeAckFilter); 3] =
    [("off", CakeAckFilter::None), ("on", CakeAckFilter::Filter), ("aggressive", CakeAckFilter::Aggressive)];

fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    words.iter().find(|(_, known)| known == value).map(|(word, _)| *word)
}

fn cake_diffserv(value: CakeDiffserv) -> Option<&'static str> {
    word_of(&DIFFSERV, &value)
}

fn cake_flows(value: CakeFlows) -> Option<&'static str> {
    word_of(&FLOWS, &value)
}

fn cake_atm(value: CakeAtm) -> Option<&'static str> {
    word_of(&ATM, &value)
}

fn cake_ack_filter(value: CakeAckFilter) -> Option<&'static str> {
    word_of(&ACK_FILTER, &value)
}

fn rate(out: &mut Options, rate: &Rate) {
    let Rate { bytes_per_second, overhead, mpu, link_layer } = *rate;
    out.put("rate", of_rate(bytes_per_second));
    out.count("overhead", overhead);
    out.count("mpu", mpu);
    let layer = match link_layer {
        LinkLayer::Ethernet => Some("ethernet"),
        LinkLayer::Atm => Some("atm"),
        LinkLayer::Other(_) => None,
    };
    out.word("linklayer", layer);
}

fn tbf(out: &mut Options, tbf: &Tbf) {
    let Tbf { rate: of_bucket, burst, limit, peak } = *tbf;
    rate(out, &of_bucket);
    out.put("burst", Scalar::Int(i64::try_from(burst).unwrap_or(i64::MAX)));
    out.count("limit", limit);
    if let Some(peak) = peak {
        out.put("peakrate", of_rate(peak.rate.bytes_per_second));
        out.put("mtu", Scalar::Int(i64::try_from(peak.burst).unwrap_or(i64::MAX)));
    }
}

fn htb(out: &mut Options, htb: &Htb) {
    let Htb { default, r2q, direct_qlen, offload } = *htb;
    // The kernel looks at its lower half only, as a class (net/sched/sch_htb.c `htb_classify`).
    out.put("default", of_minor(u16::try_from(default & 0xffff).unwrap_or_default()));
    out.count("r2q", r2q);
    out.some("direct_qlen", direct_qlen);
    out.switch("offload", Some(offload));
}

fn sfq(out: &mut Options, sfq: &Sfq) {
    let Sfq { quantum, perturb_period, limit, divisor, flows, depth, headdrop, red } = *sfq;
    out.some("quantum", quantum);
    out.put("perturb", of_time(i64::from(perturb_period) * 1_000_000_000));
    out.some("limit", limit);
    out.some("divisor", divisor);
    out.some("flows", flows);
    out.some("depth", depth);
    out.switch("headdrop", Some(headdrop));
    if let Some(SfqRed { min, max, w_log, p_log, cell_log, flags, max_p }) = red {
        out.numbers("red", [min, max, w_log.into(), p_log.into(), cell_log.into(), flags.into(), max_p]);
    }
}

fn netem(out: &mut Options, netem: &Netem) {
    let Netem {
        delay,
        jitter,
        delay_correlation,
        limit,
        loss,
        loss_model,
        duplicate,
        reorder,
        gap,
        corrupt,
        rate,
        packet_overhead,
        cell_size,
        cell_overhead,
        ecn,
        slot,
    } = *netem;
    out.count("limit", limit);
    out.put("delay", of_time(delay));
    out.put("jitter", of_time(jitter));
    out.put("delay_correlation", of_chance(delay_correlation));
    for (name, chance) in [("loss", loss), ("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt)] {
        out.put(name, of_chance(chance.probability));
        out.put(&format!("{name}_correlation"), of_chance(chance.correlation));
    }
    out.count("gap", gap);
    if rate != 0 {
        out.put("rate", of_rate(rate));
    }
    out.count("packet_overhead", packet_overhead);
    out.count("cell_size", cell_size);
    out.count("cell_overhead", cell_overhead);
    out.switch("ecn", Some(ecn));
    match loss_model {
        Some(LossModel::FourStates(numbers)) => out.numbers("loss_state", numbers),
        Some(LossModel::GilbertElliott(numbers)) => out.numbers("loss_gemodel", numbers),
        None => {}
    }
    if let Some(Slot { min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter }) = slot {
        let numbers = [min_delay, max_delay, max_packets.into(), max_bytes.into(), dist_delay, dist_jitter];
        out.numbers("slot", numbers);
    }
}
