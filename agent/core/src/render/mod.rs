//! Rendering: plans, findings and diagnostics as text for people and JSON for machines.
