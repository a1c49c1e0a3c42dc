//! Man pages and completions, from the command line as clap knows it.

use std::collections::BTreeMap;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// Where man pages go.
pub const MAN: &str = "agent/daemon/man";
/// Where completions go.
pub const COMPLETIONS: &str = "agent/daemon/completions";

/// Every man page and every completion of trimtab.
pub fn documents() -> BTreeMap<String, String> {
    of(trimtab::cli::command())
}

/// One page for the command and one for each verb, and a completion for each shell that people use.
fn of(mut command: Command) -> BTreeMap<String, String> {
    // The verb `help` is clap's own, and has no page.
    let mut verbs = command.clone().disable_help_subcommand(true);
    verbs.build();
    command.build();
    let mut files = BTreeMap::new();
    pages(&verbs, command.get_name(), &mut files);
    let name = command.get_name().to_owned();
    for (shell, file) in
        [(Shell::Bash, format!("{name}.bash")), (Shell::Zsh, format!("_{name}")), (Shell::Fish, format!("{name}.fish"))]
    {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, &name, &mut text);
        files.insert(format!("{COMPLETIONS}/{file}"), whole(text));
    }
    files
}

fn pages(command: &Command, whole_of: &str, files: &mut BTreeMap<String, String>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    // Writing to memory does not fail.
    if man.render(&mut text).is_ok() {
        let mut page = whole(text).replace(EXIT_CODES, STATUS);
        if name != whole_of {
            page.push_str(&format!("{STATUS}Those of all verbs are in\n.BR {whole_of} (1).\n"));
        }
        files.insert(format!("{MAN}/{name}.1"), page);
    }
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages(verb, whole_of, files);
    }
}

/// What clap makes of the list of exit codes, and the section that man-pages(7) has for it.
const EXIT_CODES: &str = ".SH EXTRA\nExit codes:\n";
const STATUS: &str = ".SH \"EXIT STATUS\"\n";

/// The text without trailing blanks, ending in one newline.
fn whole(text: Vec<u8>) -> String {
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_and_every_shell_a_completion() {
        let command = Command::new("trimtab")
            .about("tunes hosts")
            .after_help("Exit codes:\n  0   done")
            .subcommand(Command::new("plan").about("shows what would change"))
            .subcommand(Command::new("secretly").hide(true));
        let files = of(command);
        let names: Vec<&str> = files.keys().filter_map(|path| path.rsplit('/').next()).collect();
        assert_eq!(names, ["_trimtab", "trimtab.bash", "trimtab.fish", "trimtab-plan.1", "trimtab.1"]);
        let page = files.get("agent/daemon/man/trimtab-plan.1").unwrap();
        assert!(page.contains("shows what would change") && page.contains(".TH trimtab-plan 1"), "{page}");
        assert!(page.ends_with(".SH \"EXIT STATUS\"\nThose of all verbs are in\n.BR trimtab (1).\n"), "{page}");
        let page = files.get("agent/daemon/man/trimtab.1").unwrap();
        assert!(!page.contains("help(1)") && page.contains(".SH \"EXIT STATUS\"\n  0   done"), "{page}");
    }
}
