//! What the kinds of settings that are lists of numbers have in common: rings, channels, coalescing, pause, link modes.

use super::device;
use super::device::DeviceId;
use crate::generic::GenericMessage;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// A kind of settings as the kernel tells it of one device.
pub(super) trait Settings: Sized {
    /// For errors: `get rings`.
    const ASK: &str;
    /// The command that asks for it.
    const GET: u8;
    /// The command of the answer.
    const REPLY: u8;

    /// Reads what a message says of its device.
    fn parse(device: DeviceId, attributes: Attributes<'_>) -> Result<Self, Malformed>;

    /// Reads an answer.
    fn read(message: &Message<'_>) -> Result<Self, Malformed> {
        let GenericMessage { command, attributes, .. } = GenericMessage::parse(message)?;
        if command != Self::REPLY {
            return Err(Malformed::Missing { what: "reply to what was asked" });
        }
        Self::parse(device::read(attributes.clone())?, attributes)
    }
}

/// A value that an attribute holds.
pub(super) trait Payload: Sized {
    fn read(attribute: &Attribute<'_>) -> Result<Self, Malformed>;
    fn write(&self, writer: &mut Writer, kind: u16);
}

impl Payload for u32 {
    fn read(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
        attribute.u32()
    }
    fn write(&self, writer: &mut Writer, kind: u16) {
        writer.u32(kind, *self);
    }
}

impl Payload for bool {
    fn read(attribute: &Attribute<'_>) -> Result<bool, Malformed> {
        attribute.bool()
    }
    fn write(&self, writer: &mut Writer, kind: u16) {
        writer.bool(kind, *self);
    }
}

/// Declares a kind of settings: what the kernel tells, a struct of options, each field with the number of its attribute; and of
/// what can be set what it can be told, a struct of options too, none of which means to leave that as it is. The fields of
/// `told` are in the first only.
macro_rules! settings {
    (
        $(#[$doc:meta])*
        $name:ident = $ask:literal, $get:expr => $reply:expr;
        told { $($(#[$told_doc:meta])* $told_number:literal $told:ident: $told_kind:ty,)* }
        $(
            $(#[$change_doc:meta])*
            set $change:ident { $($(#[$set_doc:meta])* $set_number:literal $set:ident: $set_kind:ty,)* }
        )?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name {
            /// The device.
            pub device: $crate::ethtool::DeviceId,
            $($(#[$told_doc])* pub $told: Option<$told_kind>,)*
            $($($(#[$set_doc])* pub $set: Option<$set_kind>,)*)?
        }

        impl $crate::ethtool::settings::Settings for $name {
            const ASK: &str = $ask;
            const GET: u8 = $get;
            const REPLY: u8 = $reply;

            fn parse(
                device: $crate::ethtool::DeviceId,
                attributes: $crate::wire::Attributes<'_>,
            ) -> Result<$name, $crate::wire::Malformed> {
                use $crate::ethtool::settings::Payload;
                let mut settings = $name { device, ..$name::default() };
                for attribute in attributes {
                    let attribute = attribute?;
                    match attribute.kind {
                        $($told_number => settings.$told = Some(<$told_kind as Payload>::read(&attribute)?),)*
                        $($($set_number => settings.$set = Some(<$set_kind as Payload>::read(&attribute)?),)*)?
                        // Another header, or of a newer kernel.
                        _ => (),
                    }
                }
                Ok(settings)
            }
        }

        $(
            $(#[$change_doc])*
            #[derive(Debug, Clone, Default, PartialEq, Eq)]
            pub struct $change {
                $($(#[$set_doc])* pub $set: Option<$set_kind>,)*
            }

            impl $change {
                pub(super) fn write(&self, writer: &mut $crate::wire::Writer) {
                    use $crate::ethtool::settings::Payload;
                    let $change { $($set),* } = self;
                    $(if let Some(value) = $set {
                        <$set_kind as Payload>::write(value, writer, $set_number);
                    })*
                }
            }
        )?
    };
}

pub(super) use settings;
