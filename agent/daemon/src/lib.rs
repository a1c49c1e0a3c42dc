//! trimtab: the command line and the apply protocol.

pub mod engine;
