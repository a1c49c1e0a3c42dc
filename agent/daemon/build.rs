//! Links the unwinder of libgcc into the program.
//!
//! std asks for libgcc_s, the shared one, and loading it takes a twentieth of the time that a whole plan does. GCC's own way
//! to have it linked in, `-static-libgcc`, does not reach a library that is asked for by name. So the linker finds a script
//! of that name first, and it names the archive that every compiler which has the one has too. The GCC runtime library
//! exception lets any program do so.

use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is_linux_with_glibc = [("CARGO_CFG_TARGET_OS", "linux"), ("CARGO_CFG_TARGET_ENV", "gnu")]
        .iter()
        .all(|(name, value)| std::env::var_os(name).is_some_and(|found| found == *value));
    let Some(folder) = std::env::var_os("OUT_DIR").map(PathBuf::from).filter(|_| is_linux_with_glibc) else {
        return Ok(());
    };
    std::fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh)\n")?;
    println!("cargo::rustc-link-search=native={}", folder.display());
    Ok(())
}
