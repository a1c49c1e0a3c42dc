//! The `trimtab` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    trimtab::run::run(std::env::args_os()).into()
}
