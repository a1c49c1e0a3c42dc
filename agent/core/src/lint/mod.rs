//! The profile linter: advice on settings that are valid but unwise.
