//! What netlink tells of a device, as values. What a driver does not tell is no value.

use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Coalesce;
use trimtab_core::address::link::Device;
use trimtab_core::address::link::Pause;
use trimtab_core::address::link::Ring;
use trimtab_core::value::Value;
use trimtab_netlink::ethtool;
use trimtab_netlink::link::Link;

fn number(number: Option<u32>) -> Option<Value> {
    number.map(|number| Value::Int(i64::from(number)))
}

fn switch(on: Option<bool>) -> Option<Value> {
    on.map(Value::switch)
}

pub(super) fn device(link: &Link, device: Device) -> Option<Value> {
    number(match device {
        Device::MtuMin => link.min_mtu,
        Device::MtuMax => link.max_mtu,
        Device::Mtu => Some(link.mtu),
        Device::Txqueuelen => Some(link.txqueuelen),
        Device::TsoMaxSize => link.tso_max_size,
        Device::TsoMaxSegs => link.tso_max_segs,
        Device::GsoMaxSize => link.gso_max_size,
        Device::GsoMaxSegs => link.gso_max_segs,
        Device::GroMaxSize => link.gro_max_size,
        Device::GsoIpv4MaxSize => link.gso_ipv4_max_size,
        Device::GroIpv4MaxSize => link.gro_ipv4_max_size,
    })
}

pub(super) fn channel(channels: &ethtool::Channels, channel: Channel) -> Option<Value> {
    number(match channel {
        Channel::RxMax => channels.rx_max,
        Channel::TxMax => channels.tx_max,
        Channel::OtherMax => channels.other_max,
        Channel::CombinedMax => channels.combined_max,
        Channel::Rx => channels.rx,
        Channel::Tx => channels.tx,
        Channel::Other => channels.other,
        Channel::Combined => channels.combined,
    })
}

pub(super) fn ring(rings: &ethtool::Rings, ring: Ring) -> Option<Value> {
    match ring {
        Ring::RxMax => number(rings.rx_max),
        Ring::RxMiniMax => number(rings.rx_mini_max),
        Ring::RxJumboMax => number(rings.rx_jumbo_max),
        Ring::TxMax => number(rings.tx_max),
        Ring::TxPushBufLenMax => number(rings.tx_push_buf_len_max),
        Ring::Rx => number(rings.rx),
        Ring::RxMini => number(rings.rx_mini),
        Ring::RxJumbo => number(rings.rx_jumbo),
        Ring::Tx => number(rings.tx),
        Ring::RxBufLen => number(rings.rx_buf_len),
        Ring::CqeSize => number(rings.cqe_size),
        Ring::TxPush => switch(rings.tx_push),
        Ring::RxPush => switch(rings.rx_push),
        Ring::TxPushBufLen => number(rings.tx_push_buf_len),
    }
}

pub(super) fn coalesce(all: &ethtool::Coalesce, coalesce: Coalesce) -> Option<Value> {
    number(match coalesce {
        Coalesce::AdaptiveRx => return switch(all.use_adaptive_rx),
        Coalesce::AdaptiveTx => return switch(all.use_adaptive_tx),
        Coalesce::CqeModeRx => return switch(all.use_cqe_mode_rx),
        Coalesce::CqeModeTx => return switch(all.use_cqe_mode_tx),
        Coalesce::RxUsecs => all.rx_usecs,
        Coalesce::RxFrames => all.rx_max_frames,
        Coalesce::RxUsecsIrq => all.rx_usecs_irq,
        Coalesce::RxFramesIrq => all.rx_max_frames_irq,
        Coalesce::TxUsecs => all.tx_usecs,
        Coalesce::TxFrames => all.tx_max_frames,
        Coalesce::TxUsecsIrq => all.tx_usecs_irq,
        Coalesce::TxFramesIrq => all.tx_max_frames_irq,
        Coalesce::StatsBlockUsecs => all.stats_block_usecs,
        Coalesce::PktRateLow => all.pkt_rate_low,
        Coalesce::RxUsecsLow => all.rx_usecs_low,
        Coalesce::RxFramesLow => all.rx_max_frames_low,
        Coalesce::TxUsecsLow => all.tx_usecs_low,
        Coalesce::TxFramesLow => all.tx_max_frames_low,
        Coalesce::PktRateHigh => all.pkt_rate_high,
        Coalesce::RxUsecsHigh => all.rx_usecs_high,
        Coalesce::RxFramesHigh => all.rx_max_frames_high,
        Coalesce::TxUsecsHigh => all.tx_usecs_high,
        Coalesce::TxFramesHigh => all.tx_max_frames_high,
        Coalesce::SampleInterval => all.rate_sample_interval,
        Coalesce::TxAggrMaxBytes => all.tx_aggr_max_bytes,
        Coalesce::TxAggrMaxFrames => all.tx_aggr_max_frames,
        Coalesce::TxAggrTimeUsecs => all.tx_aggr_time_usecs,
    })
}

pub(super) fn pause(all: &ethtool::Pause, pause: Pause) -> Option<Value> {
    switch(match pause {
        Pause::Autoneg => all.autoneg,
        Pause::Rx => all.rx,
        Pause::Tx => all.tx,
    })
}
