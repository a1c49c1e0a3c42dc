//! Who ran a command.
