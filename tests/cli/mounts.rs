//! Runs with mounts of their own: what the machine's `/etc`, `/run` and `/proc` show is changed for one process only.

use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

impl World {
    /// Runs the binary in a mount namespace of its own, after a script has mounted there what it likes. The script starts
    /// in the world's folder.
    #[track_caller]
    pub fn mounted(&self, script: &str, arguments: &[&str]) -> Told {
        let mut command = self.command("unshare");
        command.args(["--mount", "sh", "-ec", &format!("{script}\nexec \"$@\""), "sh", TRIMTAB]);
        command.args(self.options()).args(arguments).current_dir(self.path("."));
        Told::of(command)
    }
}
