//! The confirmation timer's process.
