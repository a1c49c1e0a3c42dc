//! trimtab-core: everything trimtab decides, and nothing it does.
//!
//! Profiles become a desired set, a desired set and a host's readings become a plan, a plan and a journal become an
//! undo. All of it is values in, values out: this crate never touches files, processes, clocks, threads or the
//! environment, and its own `clippy.toml` holds it to that.

#![forbid(unsafe_code)]

pub mod address;
pub mod catalogue;
pub mod conntrack;
pub mod desired;
pub mod diagnostic;
pub mod document;
pub mod document_schema;
pub mod drift;
pub mod expr;
pub mod facts;
pub mod features;
pub mod host;
pub mod interface_id;
pub mod journal;
pub mod kind;
pub mod lease;
pub mod lint;
pub mod observed;
pub mod patch;
pub mod plan;
pub mod policy;
pub mod prefix;
pub mod profile;
pub mod profile_schema;
pub mod render;
pub mod snapshot;
pub mod state;
pub mod sysctld;
pub mod tree;
pub mod units;
pub mod value;
