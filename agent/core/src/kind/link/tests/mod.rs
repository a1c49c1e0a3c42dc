//! Tests of the rules of links: plans for a model host, executed upon it and undone.

mod cases;
mod laws;
mod machine;
