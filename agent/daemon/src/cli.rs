//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use trimtab_core::facts::FactValue;
use trimtab_core::units;

const EXIT_CODES: &str = "\
Exit codes:
  0   all as wanted, or done
  1   failed before any write (verify: or nothing is applied in this boot)
  2   plan, verify: there is something to change, or drift
  3   only pending, blocked or conflicting settings remain
  4   apply: reality has moved since the plan; nothing was written
  5   apply: awaiting confirmation, or refused because another trial is
  6   apply: failed, and everything was undone
  7   apply, revert: not everything could be undone
  64  wrong usage
  65  invalid profile, plan or snapshot
  75  another trimtab holds the lock
  77  permission missing";

/// Declarative host tuning with drift control for Linux networking.
///
/// A host says which role it plays; role profiles say what that means in kernel settings. trimtab shows the difference
/// to the live kernel, applies it so that it can be undone, and tells what has changed since.
#[derive(Debug, Parser)]
#[command(name = "trimtab", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The host file; none is needed at the default place
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/trimtab/host.toml")]
    pub config: PathBuf,
    /// A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again
    #[arg(long, global = true, value_name = "DIR")]
    pub profile_path: Vec<PathBuf>,
    /// Where the journal and the applied set are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/trimtab")]
    pub state_dir: PathBuf,
    /// Where locks and sockets are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "/run/trimtab")]
    pub runtime_dir: PathBuf,
    /// Act on this network namespace, by its name in ip-netns(8)
    #[arg(long, global = true, value_name = "NAME")]
    pub netns: Option<String>,
    /// Print a JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Log what is done on standard error; twice for the decisions too
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Which settings are wanted.
#[derive(Debug, Clone, Default, Args)]
pub struct Wanted {
    /// Profiles to use instead of those that the host file names
    #[arg(value_name = "PROFILE")]
    pub profiles: Vec<String>,
    /// One more setting, stronger than all files: `net.core.somaxconn=4096`, `net.core.somaxconn={at-least=4096}`,
    /// `link:eth0/mtu=1400`, `link:eth0/feature/gro=off`, `link:eth0/ring/rx=max`
    #[arg(long, value_name = "ADDRESS=VALUE")]
    pub set: Vec<String>,
    /// The value of a parameter that a profile declares: `rtt=120ms`
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
}

/// How long to wait for another trimtab.
#[derive(Debug, Clone, Copy, Args)]
pub struct Wait {
    /// How long to wait while another trimtab holds the lock
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub wait: Duration,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Show what would change on this host, now; nothing is written
    Plan(Plan),
    /// Plan, write and read back: all or nothing
    Apply(Apply),
    /// Compare the live kernel with what was applied, and list every mismatch
    Verify,
    /// Put back what was there before trimtab, unless somebody changed it since
    Revert(Revert),
    /// Put the roles of this host in force, then watch: what drifts is put back or reported
    Run,
    /// Keep a trial started with `apply --confirm-within`
    Confirm(Confirm),
    /// Show what is in force, since when and by whom, and how the daemon does
    Status(Status),
    /// Show what the daemon told of drift: what was found, what came of it
    History(History),
    /// Take a lease of an address for tuning by hand: until it ends, nobody puts it back
    Hold(Hold),
    /// Print the profile that wants what is there now; nothing is written
    Adopt(Adopt),
    /// Show everything that speaks of one address: layers, live value, next boot
    Explain(Explain),
    /// Check profiles, on sample hosts and given snapshots
    Validate(Validate),
    /// Print a JSON Schema
    Schema(Schema),
    /// Show what is known of this host
    Facts,
    /// Print all that is needed to plan for this host elsewhere
    Snapshot(Snapshot),
    /// Turn sysctl.d and sysctl.conf files into a profile
    Import(Import),
    /// Undo a trial when its time is up; started by `apply --confirm-within`
    #[command(hide = true)]
    EndTrial(EndTrial),
}

/// Options of `plan`.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Which settings.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Save the plan, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// One line per change, without what moves along and without notes
    #[arg(long)]
    pub brief: bool,
    /// Plan for the host of this snapshot instead of this one
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "netns")]
    pub against: Option<PathBuf>,
}

/// Options of `apply`.
#[derive(Debug, Clone, Args)]
pub struct Apply {
    /// Which settings.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Apply exactly this saved plan, if it still holds
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profiles", "set", "param"])]
    pub plan: Option<PathBuf>,
    /// Undo it all unless `trimtab confirm` follows within this time
    #[arg(long, value_name = "TIME", value_parser = trial)]
    pub confirm_within: Option<Duration>,
    /// One line per change
    #[arg(long)]
    pub brief: bool,
    /// The lock.
    #[command(flatten)]
    pub wait: Wait,
}

/// Options of `revert`.
#[derive(Debug, Clone, Args)]
pub struct Revert {
    /// Only these addresses, and what they moved, e.g. net.core.somaxconn or link:eth0/mtu; everything if none is given
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Only end the trial that awaits its confirmation: what was in force before it comes back
    #[arg(long, conflicts_with = "addresses")]
    pub trial: bool,
    /// The lock.
    #[command(flatten)]
    pub wait: Wait,
}

/// Options of `confirm`.
#[derive(Debug, Clone, Args)]
pub struct Confirm {
    /// The lock.
    #[command(flatten)]
    pub wait: Wait,
}

/// Options of `status`.
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Go on, and show it again each time it has changed
    #[arg(long)]
    pub watch: bool,
}

/// Options of `history`.
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Only these addresses; everything if none is given
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
}

/// Options of `hold`.
#[derive(Debug, Clone, Args)]
pub struct Hold {
    /// The address, e.g. net.core.somaxconn or link:eth0/mtu
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// For how long; a lease that runs begins anew
    #[arg(long = "for", value_name = "TIME", value_parser = trial, required_unless_present = "end")]
    pub within: Option<Duration>,
    /// What for: shown wherever the lease is
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    pub reason: Option<String>,
    /// End the lease now
    #[arg(long, conflicts_with_all = ["within", "reason"])]
    pub end: bool,
    /// The lock.
    #[command(flatten)]
    pub wait: Wait,
}

/// Options of `adopt`.
#[derive(Debug, Clone, Args)]
pub struct Adopt {
    /// The address, e.g. net.core.somaxconn or link:eth0/mtu
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

/// Options of `explain`.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// The address: net.core.somaxconn (`sysctl:` may stand before it), link:eth0/mtu, link:eth0/feature/gro,
    /// link:eth0/ring/rx, link:eth0/channel/combined, link:eth0/queue/rx-0/rps-cpus
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// Which settings.
    #[command(flatten)]
    pub wanted: Wanted,
}

/// Options of `validate`.
#[derive(Debug, Clone, Args)]
pub struct Validate {
    /// Profiles or host files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Evaluate on the host of this snapshot too; may be given again
    #[arg(long, value_name = "SNAPSHOT")]
    pub against: Vec<PathBuf>,
}

/// Options of `schema`.
#[derive(Debug, Clone, Args)]
pub struct Schema {
    /// Which schema; `trimtab schema list` lists them
    #[arg(value_name = "NAME", default_value = "profile")]
    pub name: String,
}

/// Options of `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct Snapshot {
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of `import`.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// Files in the form of sysctl.d(5), weakest first
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the profile to a file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of the trial's timer.
#[derive(Debug, Clone, Args)]
pub struct EndTrial {
    /// The transaction
    #[arg(long)]
    pub transaction: String,
    /// Milliseconds on CLOCK_BOOTTIME
    #[arg(long)]
    pub at: u64,
}

/// The command line as clap sees it, for man pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = match units::parse_quantity(text) {
        Some(FactValue::Float(seconds)) => seconds,
        Some(FactValue::Int(_) | FactValue::Bool(_) | FactValue::Text(_)) | None => {
            return Err(format!("`{text}` is no time: write 90s, 2m or 1h"));
        }
    };
    let longest = Duration::from_secs(7 * 24 * 3600);
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| *time <= longest)
        .ok_or_else(|| format!("`{text}` is no time up to 7d"))
}

/// A trial that ends at once would only undo what it does.
fn trial(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time < Duration::from_secs(1) {
        Err(format!("`{text}` is too short for a trial: at least 1s"))
    } else {
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn times_have_units_and_bounds() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("2").is_err());
        assert!(duration("-1s").is_err());
        assert!(duration("9000h").is_err());
        assert_eq!(trial("1s"), Ok(Duration::from_secs(1)));
        assert!(trial("0s").is_err() && trial("999ms").is_err());
    }
}
