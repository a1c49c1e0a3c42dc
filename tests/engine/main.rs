//! The engine over a fake kernel and a real state folder: what the apply protocol promises, and what it does when the
//! kernel, the disk or somebody else gets in its way.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod bench;
mod cascades;
mod devices;
mod disk;
mod failures;
mod laws;
mod links;
mod modules;
mod pairs;
mod qdisc;
mod renames;
mod replugs;
mod returns;
mod rules;
mod sessions;
mod trials;
