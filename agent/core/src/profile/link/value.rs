//! What values of links may be, as far as that can be said without a device, and one spelling for each of them.

use crate::address::link::Coalesce;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::address::link::QueueAttribute;
use crate::address::link::Ring;
use crate::kind::link::limit;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;

/// The word for whatever the device allows at most.
pub(crate) const MAX: &str = "max";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// A number in a range that every kernel has.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// On or off.
    Switch,
    /// A list of CPUs, `all` or `none`.
    Cpus,
    /// A list of receive queues, or `none`.
    Queues,
}

/// What is wrong with a value, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::profile) struct Problem {
    pub(in crate::profile) message: String,
    pub(in crate::profile) help: Option<String>,
}

impl Problem {
    fn new(message: String, help: &str) -> Problem {
        Problem { message, help: Some(help.to_owned()) }
    }
}

const U32: Shape = Shape::Number { min: 0, max: u32::MAX as i64 };

/// What a value of this attribute is.
pub(crate) fn shape(attribute: &LinkAttribute) -> Shape {
    match attribute {
        LinkAttribute::Device(device) => match device {
            // Below 68 bytes there is no IPv4 (include/uapi/linux/ip.h, RFC 791); the kernel keeps it as an int.
            Device::Mtu => Shape::Number { min: 68, max: i32::MAX.into() },
            // include/linux/netdevice.h: GSO_MAX_SIZE and GRO_MAX_SIZE are 8 * 65535, GSO_MAX_SEGS is 65535.
            Device::GsoMaxSize | Device::GroMaxSize | Device::GsoIpv4MaxSize | Device::GroIpv4MaxSize => {
                Shape::Number { min: 0, max: 8 * 65535 }
            }
            Device::GsoMaxSegs => Shape::Number { min: 0, max: 65535 },
            Device::Txqueuelen | Device::MtuMin | Device::MtuMax | Device::TsoMaxSize | Device::TsoMaxSegs => U32,
        },
        LinkAttribute::Channel(_) => U32,
        LinkAttribute::Ring(Ring::TxPush | Ring::RxPush) | LinkAttribute::Feature(_) | LinkAttribute::Pause(_) => {
            Shape::Switch
        }
        LinkAttribute::Ring(_) => U32,
        LinkAttribute::Coalesce(coalesce) => match coalesce {
            Coalesce::AdaptiveRx | Coalesce::AdaptiveTx | Coalesce::CqeModeRx | Coalesce::CqeModeTx => Shape::Switch,
            Coalesce::RxUsecs
            | Coalesce::RxFrames
            | Coalesce::RxUsecsIrq
            | Coalesce::RxFramesIrq
            | Coalesce::TxUsecs
            | Coalesce::TxFrames
            | Coalesce::TxUsecsIrq
            | Coalesce::TxFramesIrq
            | Coalesce::StatsBlockUsecs
            | Coalesce::PktRateLow
            | Coalesce::RxUsecsLow
            | Coalesce::RxFramesLow
            | Coalesce::TxUsecsLow
            | Coalesce::TxFramesLow
            | Coalesce::PktRateHigh
            | Coalesce::RxUsecsHigh
            | Coalesce::RxFramesHigh
            | Coalesce::TxUsecsHigh
            | Coalesce::TxFramesHigh
            | Coalesce::SampleInterval
            | Coalesce::TxAggrMaxBytes
            | Coalesce::TxAggrMaxFrames
            | Coalesce::TxAggrTimeUsecs => U32,
        },
        LinkAttribute::Queue(queue) => of_queue(queue.attribute),
    }
}

/// What a value of a queue is.
pub(crate) fn of_queue(attribute: QueueAttribute) -> Shape {
    match attribute {
        QueueAttribute::RpsCpus | QueueAttribute::XpsCpus => Shape::Cpus,
        QueueAttribute::XpsRxqs => Shape::Queues,
        // net/core/net-sysfs.c `store_rps_dev_flow_table_cnt` refuses more than INT_MAX.
        QueueAttribute::RpsFlowCnt => Shape::Number { min: 0, max: i32::MAX.into() },
    }
}

/// The policy with every scalar in its one spelling: numbers and switches as integers, words in lower case.
///
/// # Errors
/// The first thing that no device could take.
pub(in crate::profile) fn normal(attribute: &LinkAttribute, policy: &Policy) -> Result<Policy, Problem> {
    let shape = shape(attribute);
    let one = |wanted: &Wanted| match wanted {
        Wanted::One(one) => scalar(attribute, shape, one).map(Wanted::One),
        Wanted::Many(_) | Wanted::Tree(_) => Err(Problem::new(
            "one value is wanted here, found an array".to_owned(),
            match shape {
                Shape::Cpus | Shape::Queues => "write a list as a text: \"0-3,8\"",
                Shape::Number { .. } | Shape::Switch => "write the value without brackets",
            },
        )),
    };
    let all = |all: &[Wanted]| all.iter().map(one).collect::<Result<Vec<Wanted>, Problem>>();
    let ordered = |word: &str| match shape {
        Shape::Number { .. } => Ok(()),
        Shape::Switch => {
            Err(Problem::new(format!("`{word}` is for numbers, and this is on or off"), "write true or false"))
        }
        Shape::Cpus | Shape::Queues => {
            Err(Problem::new(format!("`{word}` is for numbers, and this is a list"), "write the list itself"))
        }
    };
    Ok(match policy {
        Policy::Value(wanted) => Policy::Value(one(wanted)?),
        Policy::AtLeast(wanted) => {
            ordered("at-least")?;
            Policy::AtLeast(one(wanted)?)
        }
        Policy::AtMost(wanted) => {
            ordered("at-most")?;
            Policy::AtMost(one(wanted)?)
        }
        Policy::Between(low, high) => {
            ordered("between")?;
            let (low, high) = (one(low)?, one(high)?);
            if let (Wanted::One(Scalar::Int(low)), Wanted::One(Scalar::Int(high))) = (&low, &high)
                && low > high
            {
                return Err(Problem::new(
                    format!("between {low} and {high} lies nothing"),
                    "the lower bound stands first",
                ));
            }
            Policy::Between(low, high)
        }
        Policy::OneOf(wanted) => Policy::OneOf(all(wanted)?),
        Policy::Prefer(wanted) => Policy::Prefer(all(wanted)?),
        Policy::Includes(_) => {
            return Err(Problem::new(
                "`includes` is for lists such as ports, and no value of an interface is one".to_owned(),
                "write the value itself",
            ));
        }
    })
}

fn scalar(attribute: &LinkAttribute, shape: Shape, scalar: &Scalar) -> Result<Scalar, Problem> {
    match shape {
        Shape::Number { min, max } => number(attribute, min, max, scalar),
        Shape::Switch => switch(scalar),
        Shape::Cpus => list(scalar, &["all", "none"], "CPUs"),
        Shape::Queues => list(scalar, &["none"], "receive queues"),
    }
}

fn number(attribute: &LinkAttribute, min: i64, max: i64, scalar: &Scalar) -> Result<Scalar, Problem> {
    let number = match scalar {
        Scalar::Int(number) => *number,
        Scalar::Text(text) if text.trim() == MAX => {
            return match limit(attribute) {
                Some(_) => Ok(Scalar::Text(MAX.to_owned())),
                None => Err(Problem::new(
                    format!("no device tells the most that `{attribute}` takes, so \"max\" means nothing here"),
                    "write a number",
                )),
            };
        }
        Scalar::Text(text) => text.trim().parse().map_err(|_| {
            let help = match limit(attribute) {
                Some(_) => "write a number, or \"max\" for the most that the device takes",
                None => "write a number",
            };
            Problem::new(format!("`{}` is no number", text.escape_debug()), help)
        })?,
    };
    if (min..=max).contains(&number) {
        Ok(Scalar::Int(number))
    } else {
        Err(Problem { message: format!("{number} is outside {min}..{max}, what `{attribute}` takes"), help: None })
    }
}

fn switch(scalar: &Scalar) -> Result<Scalar, Problem> {
    let on = match scalar {
        Scalar::Int(0) => Some(0),
        Scalar::Int(1) => Some(1),
        Scalar::Int(_) => None,
        Scalar::Text(text) => match text.trim() {
            "off" | "false" | "0" => Some(0),
            "on" | "true" | "1" => Some(1),
            _ => None,
        },
    };
    let found = || match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => text.escape_debug().to_string(),
    };
    on.map(Scalar::Int)
        .ok_or_else(|| Problem::new(format!("it is on or off, not `{}`", found()), "write true or false"))
}

/// `0-3,8`, or one of a few words.
fn list(scalar: &Scalar, words: &[&str], what: &str) -> Result<Scalar, Problem> {
    let text = match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => text.trim().to_owned(),
    };
    if words.contains(&text.as_str()) {
        return Ok(Scalar::Text(text));
    }
    let problem = |part: &str| Problem {
        message: format!("`{}` is no list of {what}", part.escape_debug()),
        help: Some(format!("write it as \"0-3,8\", or {}", super::super::leaf::words(words))),
    };
    if text.is_empty() {
        return Err(problem(""));
    }
    match Ports::parse(&text) {
        Ok(list) => Ok(Scalar::Text(list.to_string())),
        Err(part) => Err(problem(&part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mtu() -> LinkAttribute {
        LinkAttribute::Device(Device::Mtu)
    }

    #[test]
    fn attributes_with_a_limit_are_numbers() {
        for attribute in LinkAttribute::fixed().filter(|attribute| limit(attribute).is_some()) {
            assert!(matches!(shape(&attribute), Shape::Number { .. }), "{attribute}");
        }
    }

    #[test]
    fn a_policy_has_one_spelling() {
        let text = |text: &str| Policy::Value(Wanted::One(Scalar::Text(text.to_owned())));
        let int = |number| Policy::Value(Wanted::One(Scalar::Int(number)));
        let gro = LinkAttribute::Feature(crate::address::link::FeatureName::new("rx-gro").unwrap());
        for (attribute, policy, wanted) in [
            (mtu(), text(" 1500"), int(1500)),
            (mtu(), text("max"), text("max")),
            (gro.clone(), text("off"), int(0)),
            (gro, text("on"), int(1)),
            (LinkAttribute::Ring(Ring::TxPush), int(1), int(1)),
        ] {
            assert_eq!(normal(&attribute, &policy), Ok(wanted), "{attribute}");
        }
    }
}
