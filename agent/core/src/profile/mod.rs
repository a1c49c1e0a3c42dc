//! The profile language: from TOML texts to a resolved desired set.
