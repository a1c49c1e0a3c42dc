//! Rendering: plans, findings and diagnostics as text for people and JSON for machines.
//!
//! The JSON of a document is its serde form; only text is written here. Colour is never the only carrier of a meaning:
//! every line begins with a sigil.

pub mod diagnostics;
pub mod paint;
pub mod plan;
pub mod tree;

pub use paint::Paint;
