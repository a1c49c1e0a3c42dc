//! Values as what netlink is told. One message carries all values of its kind; what is not named stays.

use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Coalesce;
use trimtab_core::address::link::Device;
use trimtab_core::address::link::Pause;
use trimtab_core::address::link::Ring;
use trimtab_core::value::Value;
use trimtab_netlink::ethtool::ChannelsChange;
use trimtab_netlink::ethtool::CoalesceChange;
use trimtab_netlink::ethtool::PauseChange;
use trimtab_netlink::ethtool::RingsChange;
use trimtab_netlink::link::Settings;

/// Why a value cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsendable {
    /// It only tells.
    ReadOnly,
    /// It has another shape than the attribute, or does not fit into it.
    Shape,
}

/// A number as netlink carries it.
pub(super) fn number(value: &Value) -> Result<u32, Unsendable> {
    value.as_int().and_then(|number| u32::try_from(number).ok()).ok_or(Unsendable::Shape)
}

/// A switch as netlink carries it: what is asked for.
pub(super) fn switch(value: &Value) -> Result<bool, Unsendable> {
    match value {
        Value::Switch { wanted, active: _ } => Ok(*wanted),
        Value::Int(_)
        | Value::Ints(_)
        | Value::Ports(_)
        | Value::Words(_)
        | Value::Text(_)
        | Value::Cpus(_)
        | Value::Tree(_)
        | Value::Secret => Err(Unsendable::Shape),
    }
}

pub(super) fn device(change: &mut Settings, device: Device, value: &Value) -> Result<(), Unsendable> {
    let slot = match device {
        Device::Mtu => &mut change.mtu,
        Device::Txqueuelen => &mut change.txqueuelen,
        Device::GsoMaxSize => &mut change.gso_max_size,
        Device::GsoMaxSegs => &mut change.gso_max_segs,
        Device::GroMaxSize => &mut change.gro_max_size,
        Device::GsoIpv4MaxSize => &mut change.gso_ipv4_max_size,
        Device::GroIpv4MaxSize => &mut change.gro_ipv4_max_size,
        Device::MtuMin | Device::MtuMax | Device::TsoMaxSize | Device::TsoMaxSegs => return Err(Unsendable::ReadOnly),
    };
    *slot = Some(number(value)?);
    Ok(())
}

pub(super) fn channel(change: &mut ChannelsChange, channel: Channel, value: &Value) -> Result<(), Unsendable> {
    let slot = match channel {
        Channel::Rx => &mut change.rx,
        Channel::Tx => &mut change.tx,
        Channel::Other => &mut change.other,
        Channel::Combined => &mut change.combined,
        Channel::RxMax | Channel::TxMax | Channel::OtherMax | Channel::CombinedMax => return Err(Unsendable::ReadOnly),
    };
    *slot = Some(number(value)?);
    Ok(())
}

pub(super) fn ring(change: &mut RingsChange, ring: Ring, value: &Value) -> Result<(), Unsendable> {
    match ring {
        Ring::Rx => change.rx = Some(number(value)?),
        Ring::RxMini => change.rx_mini = Some(number(value)?),
        Ring::RxJumbo => change.rx_jumbo = Some(number(value)?),
        Ring::Tx => change.tx = Some(number(value)?),
        Ring::RxBufLen => change.rx_buf_len = Some(number(value)?),
        Ring::CqeSize => change.cqe_size = Some(number(value)?),
        Ring::TxPushBufLen => change.tx_push_buf_len = Some(number(value)?),
        Ring::TxPush => change.tx_push = Some(switch(value)?),
        Ring::RxPush => change.rx_push = Some(switch(value)?),
        Ring::RxMax | Ring::RxMiniMax | Ring::RxJumboMax | Ring::TxMax | Ring::TxPushBufLenMax => {
            return Err(Unsendable::ReadOnly);
        }
    }
    Ok(())
}

pub(super) fn coalesce(change: &mut CoalesceChange, coalesce: Coalesce, value: &Value) -> Result<(), Unsendable> {
    match coalesce {
        Coalesce::AdaptiveRx => change.use_adaptive_rx = Some(switch(value)?),
        Coalesce::AdaptiveTx => change.use_adaptive_tx = Some(switch(value)?),
        Coalesce::CqeModeRx => change.use_cqe_mode_rx = Some(switch(value)?),
        Coalesce::CqeModeTx => change.use_cqe_mode_tx = Some(switch(value)?),
        Coalesce::RxUsecs => change.rx_usecs = Some(number(value)?),
        Coalesce::RxFrames => change.rx_max_frames = Some(number(value)?),
        Coalesce::RxUsecsIrq => change.rx_usecs_irq = Some(number(value)?),
        Coalesce::RxFramesIrq => change.rx_max_frames_irq = Some(number(value)?),
        Coalesce::TxUsecs => change.tx_usecs = Some(number(value)?),
        Coalesce::TxFrames => change.tx_max_frames = Some(number(value)?),
        Coalesce::TxUsecsIrq => change.tx_usecs_irq = Some(number(value)?),
        Coalesce::TxFramesIrq => change.tx_max_frames_irq = Some(number(value)?),
        Coalesce::StatsBlockUsecs => change.stats_block_usecs = Some(number(value)?),
        Coalesce::PktRateLow => change.pkt_rate_low = Some(number(value)?),
        Coalesce::RxUsecsLow => change.rx_usecs_low = Some(number(value)?),
        Coalesce::RxFramesLow => change.rx_max_frames_low = Some(number(value)?),
        Coalesce::TxUsecsLow => change.tx_usecs_low = Some(number(value)?),
        Coalesce::TxFramesLow => change.tx_max_frames_low = Some(number(value)?),
        Coalesce::PktRateHigh => change.pkt_rate_high = Some(number(value)?),
        Coalesce::RxUsecsHigh => change.rx_usecs_high = Some(number(value)?),
        Coalesce::RxFramesHigh => change.rx_max_frames_high = Some(number(value)?),
        Coalesce::TxUsecsHigh => change.tx_usecs_high = Some(number(value)?),
        Coalesce::TxFramesHigh => change.tx_max_frames_high = Some(number(value)?),
        Coalesce::SampleInterval => change.rate_sample_interval = Some(number(value)?),
        Coalesce::TxAggrMaxBytes => change.tx_aggr_max_bytes = Some(number(value)?),
        Coalesce::TxAggrMaxFrames => change.tx_aggr_max_frames = Some(number(value)?),
        Coalesce::TxAggrTimeUsecs => change.tx_aggr_time_usecs = Some(number(value)?),
    }
    Ok(())
}

pub(super) fn pause(change: &mut PauseChange, pause: Pause, value: &Value) -> Result<(), Unsendable> {
    let slot = match pause {
        Pause::Autoneg => &mut change.autoneg,
        Pause::Rx => &mut change.rx,
        Pause::Tx => &mut change.tx,
    };
    *slot = Some(switch(value)?);
    Ok(())
}
