//! The name of one value of traffic control: `eth0/root`; and `kinds`, of the kernel itself.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::link::interface::InterfaceName;

/// One value of traffic control.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcKey {
    /// The kinds of queueing disciplines that this kernel has, where trying is the only way to know. It only tells.
    Kinds,
    /// What is attached to an interface.
    At {
        /// The interface.
        interface: InterfaceName,
        /// Where packets meet it.
        hook: Hook,
    },
}

/// Where packets meet what is attached to an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// On their way out: the root queueing discipline, with all that is below it.
    Root,
}

impl Hook {
    /// All of them, in order.
    pub const ALL: &[Hook] = &[Hook::Root];

    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Hook::Root => "root",
        }
    }
}

const KINDS: &str = "kinds";

/// Why a text is no value of traffic control.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TcKeyError {
    /// No slash.
    #[error("`{}` names nothing of traffic control: write `eth0/root`", .0.escape_debug())]
    NoHook(String),
    /// No interface could have this name (net/core/dev.c `dev_valid_name`).
    #[error("`{}` is no name of an interface", .0.escape_debug())]
    BadInterface(String),
    /// A place that no interface has.
    #[error("an interface has no `{}` in traffic control: write `eth0/root`", .0.escape_debug())]
    UnknownHook(String),
}

impl TcKey {
    /// What is attached to an interface.
    ///
    /// # Errors
    /// [`TcKeyError::BadInterface`] if no interface could have that name.
    pub fn new(interface: &str, hook: Hook) -> Result<TcKey, TcKeyError> {
        match InterfaceName::new(interface) {
            Some(interface) => Ok(TcKey::At { interface, hook }),
            None => Err(TcKeyError::BadInterface(interface.to_owned())),
        }
    }

    /// The interface, if it belongs to one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            TcKey::Kinds => None,
            TcKey::At { interface, hook: _ } => Some(interface.as_str()),
        }
    }

    /// The same of another interface; nothing if it belongs to none, or no interface could have that name.
    pub fn with_interface(&self, interface: &str) -> Option<TcKey> {
        match self {
            TcKey::Kinds => None,
            TcKey::At { interface: _, hook } => TcKey::new(interface, *hook).ok(),
        }
    }

    /// What it is called below the name of its interface.
    pub fn local_name(&self) -> &'static str {
        match self {
            TcKey::Kinds => KINDS,
            TcKey::At { interface: _, hook } => hook.word(),
        }
    }
}

impl fmt::Display for TcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcKey::Kinds => f.write_str(KINDS),
            TcKey::At { interface, hook } => write!(f, "{}/{}", interface.as_str(), hook.word()),
        }
    }
}

impl FromStr for TcKey {
    type Err = TcKeyError;

    fn from_str(text: &str) -> Result<TcKey, TcKeyError> {
        if text == KINDS {
            return Ok(TcKey::Kinds);
        }
        let Some((interface, hook)) = text.split_once('/') else { return Err(TcKeyError::NoHook(text.to_owned())) };
        match Hook::ALL.iter().find(|known| known.word() == hook) {
            Some(hook) => TcKey::new(interface, *hook),
            None => Err(TcKeyError::UnknownHook(hook.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_key_round_trip() {
        for text in ["eth0/root", "eth0.100/root", "kinds"] {
            assert_eq!(text.parse::<TcKey>().unwrap().to_string(), text);
        }
        assert_eq!("eth0".parse::<TcKey>(), Err(TcKeyError::NoHook("eth0".into())));
        assert_eq!("eth0/rot".parse::<TcKey>(), Err(TcKeyError::UnknownHook("rot".into())));
        for text in ["/root", "a b/root", "sixteen-bytes-123/root", "../root"] {
            assert!(
                matches!(text.parse::<TcKey>(), Err(TcKeyError::BadInterface(_) | TcKeyError::UnknownHook(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn it_follows_its_interface() {
        let root: TcKey = "eth0/root".parse().unwrap();
        assert_eq!(root.with_interface("wan").unwrap().to_string(), "wan/root");
        assert_eq!(root.with_interface("a b"), None);
        assert_eq!(TcKey::Kinds.with_interface("wan"), None);
    }
}
