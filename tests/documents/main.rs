//! Every document, every state file and every line of a journal against the schema of its name, as the real binary
//! writes them and as `trimtab schema` prints it; and what becomes of those that a newer trimtab wrote.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what fails here fails a test")]
#![expect(unsafe_code, reason = "unshare(2), and setns(2) between fork and exec")]

mod newer;
mod obeyed;
mod older;
#[path = "../cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use all of it")]
mod world;
