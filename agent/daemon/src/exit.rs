//! Exit codes: what a script can rely upon.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All as wanted, or done.
    Good,
    /// It failed before any write; for `verify` also: nothing is applied.
    Failed,
    /// `plan`, `verify`: there are changes or drift.
    Differs,
    /// Something pending, blocked or in conflict remains, and nothing else.
    HeldUp,
    /// `apply`: reality has moved since the plan; nothing was written.
    Stale,
    /// `apply`: applied and awaiting confirmation, or refused because another trial is.
    Awaiting,
    /// `apply`: it failed, and everything was undone.
    Undone,
    /// `apply`, `revert`: not everything could be undone.
    Incomplete,
    /// The command line is wrong.
    Usage,
    /// A profile, plan or snapshot is invalid.
    BadInput,
    /// Another trimtab holds the lock.
    Locked,
    /// The user may not do it.
    Permission,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Differs => 2,
            Exit::HeldUp => 3,
            Exit::Stale => 4,
            Exit::Awaiting => 5,
            Exit::Undone => 6,
            Exit::Incomplete => 7,
            Exit::Usage => 64,
            Exit::BadInput => 65,
            Exit::Locked => 75,
            Exit::Permission => 77,
        }
    }
}

impl Exit {
    const ALL: [Exit; 12] = [
        Exit::Good,
        Exit::Failed,
        Exit::Differs,
        Exit::HeldUp,
        Exit::Stale,
        Exit::Awaiting,
        Exit::Undone,
        Exit::Incomplete,
        Exit::Usage,
        Exit::BadInput,
        Exit::Locked,
        Exit::Permission,
    ];

    /// What a number stands for, if it stands for anything.
    pub fn of(code: u8) -> Option<Exit> {
        Exit::ALL.into_iter().find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
