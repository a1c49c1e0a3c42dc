//! Trees as netlink asks for them.

use trimtab_core::kind::tc::handle;
use trimtab_core::kind::tc::scalar;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::LinkLayer;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::qdisc::Cake;
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

use super::show;

/// A tree could never be sent: an option has not the shape that its attribute has.
pub(super) type Unsendable = &'static str;

/// The handle of a tree.
pub(super) fn handle(tree: &Tree) -> Result<Handle, Unsendable> {
    handle::of(tree).ok_or("it has no handle")?.parse().map_err(|_| "its handle is none")
}

/// The options of one node.
struct Options<'a>(&'a Tree);

type Made<T> = Result<T, Unsendable>;

impl Options<'_> {
    /// An option turned into what its attribute holds; nothing if it is not said.
    fn turned<T>(&self, name: &str, turn: impl Fn(&Scalar) -> Option<T>) -> Made<Option<T>> {
        match self.0.scalars.get(name) {
            None => Ok(None),
            Some(scalar) => turn(scalar).map(Some).ok_or("an option has not the shape that the kernel takes"),
        }
    }

    fn number<T: TryFrom<i64>>(&self, name: &str) -> Made<Option<T>> {
        self.turned(name, |scalar| match scalar {
            Scalar::Int(number) => T::try_from(*number).ok(),
            Scalar::Text(_) => None,
        })
    }

    fn rate(&self, name: &str) -> Made<Option<u64>> {
        self.turned(name, scalar::as_rate)
    }

    fn small_rate(&self, name: &str) -> Made<Option<u32>> {
        self.turned(name, |scalar| u32::try_from(scalar::as_rate(scalar)?).ok())
    }

    fn nanoseconds(&self, name: &str) -> Made<Option<i64>> {
        self.turned(name, scalar::as_time)
    }

    fn microseconds(&self, name: &str) -> Made<Option<u32>> {
        self.turned(name, |scalar| u32::try_from(scalar::as_time(scalar)? / 1000).ok())
    }

    fn switch(&self, name: &str) -> Made<Option<bool>> {
        self.turned(name, scalar::as_switch)
    }

    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Made<Option<T>> {
        self.turned(name, |scalar| match scalar {
            Scalar::Text(text) => words.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
            Scalar::Int(_) => None,
        })
    }

    fn numbers<T: TryFrom<i64>, const N: usize>(&self, name: &str) -> Made<Option<[T; N]>> {
        self.turned(name, |scalar| {
            let numbers = scalar::as_numbers(scalar)?;
            let turned: Option<Vec<T>> = numbers.into_iter().map(|number| T::try_from(number).ok()).collect();
            <[T; N]>::try_from(turned?).ok()
        })
    }

    fn chance(&self, name: &str) -> Made<Chance> {
        Ok(Chance {
            probability: self.turned(name, scalar::as_chance)?.unwrap_or_default(),
            correlation: self.turned(&format!("{name}_correlation"), scalar::as_chance)?.unwrap_or_default(),
        })
    }
}

/// The kind and options of a node.
pub(super) fn kind(tree: &Tree) -> Made<Kind> {
    let options = Options(tree);
    Ok(match tree.word.as_str() {
        "pfifo" => Kind::Pfifo(Fifo { limit: options.number("limit")? }),
        "bfifo" => Kind::Bfifo(Fifo { limit: options.number("limit")? }),
        "pfifo_fast" => Kind::PfifoFast,
        "mq" => Kind::Mq,
        "noqueue" => Kind::Noqueue,
        "fq" => Kind::Fq(fq(&options)?),
        "fq_codel" => Kind::FqCodel(fq_codel(&options)?),
        "cake" => Kind::Cake(cake(&options)?),
        "tbf" => Kind::Tbf(tbf(&options)?),
        "htb" => Kind::Htb(htb(&options)?),
        "prio" => {
            let usual = Prio::default();
            Kind::Prio(Prio {
                bands: options.number("bands")?.unwrap_or(usual.bands),
                priomap: options.numbers("priomap")?.unwrap_or(usual.priomap),
            })
        }
        "sfq" => Kind::Sfq(sfq(&options)?),
        "netem" => Kind::Netem(Box::new(netem(&options)?)),
        "ingress" => Kind::Ingress,
        "clsact" => Kind::Clsact,
        other => Kind::Other { name: other.to_owned(), options: options.turned(show::OPAQUE, scalar::as_bytes)? },
    })
}

fn fq(options: &Options<'_>) -> Made<Fq> {
    Ok(Fq {
        limit: options.number("limit")?,
        flow_limit: options.number("flow_limit")?,
        quantum: options.number("quantum")?,
        initial_quantum: options.number("initial_quantum")?,
        pacing: options.switch("pacing")?,
        maxrate: options.small_rate("maxrate")?,
        buckets_log: options.number("buckets_log")?,
        refill_delay: options.microseconds("refill_delay")?,
        orphan_mask: options.number("orphan_mask")?,
        low_rate_threshold: options.small_rate("low_rate_threshold")?,
        ce_threshold: options.microseconds("ce_threshold")?,
        timer_slack: options.turned("timer_slack", |scalar| u32::try_from(scalar::as_time(scalar)?).ok())?,
        horizon: options.microseconds("horizon")?,
        horizon_drop: options.switch("horizon_drop")?,
        priomap: options.numbers("priomap")?,
        weights: options.numbers("weights")?,
        offload_horizon: options.microseconds("offload_horizon")?,
    })
}

fn fq_codel(options: &Options<'_>) -> Made<FqCodel> {
    Ok(FqCodel {
        target: options.microseconds("target")?,
        limit: options.number("limit")?,
        interval: options.microseconds("interval")?,
        ecn: options.switch("ecn")?,
        flows: options.number("flows")?,
        quantum: options.number("quantum")?,
        ce_threshold: options.microseconds("ce_threshold")?,
        drop_batch_size: options.number("drop_batch")?,
        memory_limit: options.number("memory_limit")?,
        ce_threshold_selector: options.number("ce_threshold_selector")?,
        ce_threshold_mask: options.number("ce_threshold_mask")?,
    })
}

fn cake(options: &Options<'_>) -> Made<Cake> {
    Ok(Cake {
        bandwidth: options.rate("bandwidth")?,
        diffserv: options.word("diffserv", &show::DIFFSERV)?,
        atm: options.word("atm", &show::ATM)?,
        flows: options.word("flows", &show::FLOWS)?,
        overhead: options.number("overhead")?,
        rtt: options.microseconds("rtt")?,
        target: options.microseconds("target")?,
        autorate: options.switch("autorate")?,
        memory: options.number("memlimit")?,
        nat: options.switch("nat")?,
        raw: options.switch("raw")?,
        wash: options.switch("wash")?,
        mpu: options.number("mpu")?,
        ingress: options.switch("ingress")?,
        ack_filter: options.word("ack_filter", &show::ACK_FILTER)?,
        split_gso: options.switch("split_gso")?,
        fwmark: options.number("fwmark")?,
    })
}

fn rate(options: &Options<'_>, name: &str) -> Made<Rate> {
    Ok(Rate {
        bytes_per_second: options.rate(name)?.unwrap_or_default(),
        overhead: options.number("overhead")?.unwrap_or_default(),
        mpu: options.number("mpu")?.unwrap_or_default(),
        link_layer: options
            .word("linklayer", &[("ethernet", LinkLayer::Ethernet), ("atm", LinkLayer::Atm)])?
            .unwrap_or_default(),
    })
}

fn tbf(options: &Options<'_>) -> Made<Tbf> {
    let peak = match options.rate("peakrate")? {
        None => None,
        Some(bytes_per_second) => Some(TbfPeak {
            rate: Rate { bytes_per_second, ..rate(options, "rate")? },
            burst: options.number("mtu")?.unwrap_or_default(),
        }),
    };
    Ok(Tbf {
        rate: rate(options, "rate")?,
        burst: options.number("burst")?.unwrap_or_default(),
        limit: options.number("limit")?.unwrap_or_default(),
        peak,
    })
}

fn htb(options: &Options<'_>) -> Made<Htb> {
    let usual = Htb::default();
    Ok(Htb {
        default: options.turned("default", scalar::as_minor)?.unwrap_or_default().into(),
        r2q: options.number("r2q")?.unwrap_or(usual.r2q),
        direct_qlen: options.number("direct_qlen")?,
        offload: options.switch("offload")?.unwrap_or_default(),
    })
}

/// The parameters of a class of htb.
pub(super) fn htb_class(tree: &Tree) -> Made<HtbClass> {
    let options = Options(tree);
    let (of_class, ceil) = (rate(&options, "rate")?, rate(&options, "ceil")?);
    if of_class.bytes_per_second == 0 {
        return Err("a class of htb has no rate");
    }
    let ceil = if ceil.bytes_per_second == 0 { of_class } else { ceil };
    Ok(HtbClass {
        rate: of_class,
        ceil,
        burst: options.number("burst")?.unwrap_or_default(),
        cburst: options.number("cburst")?.unwrap_or_default(),
        quantum: options.number("quantum")?,
        prio: options.number("prio")?.unwrap_or_default(),
        level: 0,
    })
}

fn sfq(options: &Options<'_>) -> Made<Sfq> {
    let red = match options.numbers::<u32, 7>("red")? {
        None => None,
        Some([min, max, w_log, p_log, cell_log, flags, max_p]) => {
            let byte = |number: u32| u8::try_from(number).map_err(|_| "a number of red is none of 8 bits");
            let (w_log, p_log, cell_log, flags) = (byte(w_log)?, byte(p_log)?, byte(cell_log)?, byte(flags)?);
            Some(SfqRed { min, max, w_log, p_log, cell_log, flags, max_p })
        }
    };
    let perturb = options.turned("perturb", |scalar| u32::try_from(scalar::as_time(scalar)? / 1_000_000_000).ok())?;
    Ok(Sfq {
        quantum: options.number("quantum")?,
        perturb_period: perturb.unwrap_or_default(),
        limit: options.number("limit")?,
        divisor: options.number("divisor")?,
        flows: options.number("flows")?,
        depth: options.number("depth")?,
        headdrop: options.switch("headdrop")?.unwrap_or_default(),
        red,
    })
}

fn netem(options: &Options<'_>) -> Made<Netem> {
    let state = options.numbers("loss_state")?.map(LossModel::FourStates);
    let gemodel = options.numbers("loss_gemodel")?.map(LossModel::GilbertElliott);
    let slot = match options.numbers::<i64, 6>("slot")? {
        None => None,
        Some([min_delay, max_delay, packets, bytes, dist_delay, dist_jitter]) => {
            let small = |number: i64| i32::try_from(number).map_err(|_| "a number of slot is none of 32 bits");
            let (max_packets, max_bytes) = (small(packets)?, small(bytes)?);
            Some(Slot { min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter })
        }
    };
    Ok(Netem {
        delay: options.nanoseconds("delay")?.unwrap_or_default(),
        jitter: options.nanoseconds("jitter")?.unwrap_or_default(),
        delay_correlation: options.turned("delay_correlation", scalar::as_chance)?.unwrap_or_default(),
        limit: options.number("limit")?.unwrap_or(Netem::default().limit),
        loss: options.chance("loss")?,
        loss_model: state.or(gemodel),
        duplicate: options.chance("duplicate")?,
        reorder: options.chance("reorder")?,
        gap: options.number("gap")?.unwrap_or_default(),
        corrupt: options.chance("corrupt")?,
        rate: options.rate("rate")?.unwrap_or_default(),
        packet_overhead: options.number("packet_overhead")?.unwrap_or_default(),
        cell_size: options.number("cell_size")?.unwrap_or_default(),
        cell_overhead: options.number("cell_overhead")?.unwrap_or_default(),
        ecn: options.switch("ecn")?.unwrap_or_default(),
        slot,
    })
}
