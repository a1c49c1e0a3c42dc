//! Generates what is committed but derived: schema, man pages, completions.

fn main() {}
