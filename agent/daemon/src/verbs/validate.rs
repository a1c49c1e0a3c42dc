//! `trimtab validate`: are these files right, here and on other hosts?

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::diagnostic::Diagnostic;
use trimtab_core::diagnostic::Severity;
use trimtab_core::expr;
use trimtab_core::facts::Facts;
use trimtab_core::lint;
use trimtab_core::lint::Lint;
use trimtab_core::profile;
use trimtab_core::profile::Bundle;
use trimtab_core::profile::ProfileText;
use trimtab_core::profile::Request;
use trimtab_core::render::Paint;
use trimtab_core::render::diagnostics;
use trimtab_core::render::paint::Tone;

use super::plan::read_snapshot;
use crate::cli;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library;
use crate::library::Profiles;
use crate::library::Trust;

/// The document that `validate --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The exit code.
    pub exit: u8,
    /// Every file, in the order of the command line.
    pub files: Vec<File>,
}

/// What there is to say of one file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct File {
    /// The file, as named.
    pub file: String,
    /// Whether it can be used.
    pub valid: bool,
    /// How many settings it comes to, on the host where it comes to most.
    pub settings: usize,
    /// What is wrong with it.
    pub diagnostics: Vec<diagnostics::Told>,
    /// What is valid and unwise.
    pub remarks: Vec<Lint>,
}

/// A host to evaluate on.
struct Candidate {
    name: String,
    facts: Facts,
    interfaces: BTreeSet<String>,
}

/// Runs the verb.
///
/// # Errors
/// If a file cannot be read. Problems inside files are told, and the exit code says that there are some.
pub fn run(common: &Common, options: &cli::Validate) -> Result<Exit, Failure> {
    let hosts = hosts(options)?;
    let mut files = Vec::new();
    let mut text = String::new();
    let mut exit = Exit::Good;
    for path in &options.files {
        let checked = check(common, path, &hosts)?;
        if checked.is_bad() {
            exit = Exit::BadInput;
        }
        checked.tell(&mut text, super::paint());
        files.push(checked.into_report());
    }
    if common.json {
        super::print_json(&Report { document: "trimtab.validate", version: 1, exit: exit.code(), files })?;
    } else {
        super::print(&text)?;
    }
    Ok(exit)
}

fn hosts(options: &cli::Validate) -> Result<Vec<Candidate>, Failure> {
    let samples = expr::sample_hosts().into_iter().map(|(name, facts)| {
        let mut interfaces: BTreeSet<String> = facts.links.keys().cloned().collect();
        if interfaces.is_empty() {
            interfaces = ["eth0", "lo"].map(str::to_owned).into();
        }
        Candidate { name: name.to_owned(), facts, interfaces }
    });
    let mut hosts: Vec<Candidate> = samples.collect();
    for path in &options.against {
        let snapshot = read_snapshot(path)?;
        hosts.push(Candidate { name: snapshot.host.name, facts: snapshot.facts, interfaces: snapshot.interfaces });
    }
    Ok(hosts)
}

struct Checked {
    path: String,
    diagnostics: Vec<Diagnostic>,
    sources: trimtab_core::diagnostic::Sources,
    lints: Vec<Lint>,
    settings: usize,
}

fn check(common: &Common, path: &Path, hosts: &[Candidate]) -> Result<Checked, Failure> {
    // Checking acts upon nothing, so whose the file is does not matter here.
    let text = library::read(path, Trust::Given)
        .map_err(|error| Failure::new(Exit::BadInput, format!("{}: {error}", path.display())))?;
    let mut request = Request::default();
    if is_host_file(&text) {
        request.host_file = Some(text);
    } else {
        request.files = vec![text];
    }
    // Includes are looked for beside the file first.
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut folders = common.profile_path.clone();
    folders.push(beside.to_owned());
    let loaded = profile::load(&request, &mut Profiles::new(&folders, Trust::Given));
    let mut checked = Checked {
        path: path.display().to_string(),
        diagnostics: loaded.diagnostics,
        sources: loaded.sources,
        lints: Vec::new(),
        settings: 0,
    };
    if let Some(bundle) = loaded.bundle {
        for host in hosts {
            on_host(&mut checked, &bundle, host);
        }
    }
    Ok(checked)
}

fn on_host(checked: &mut Checked, bundle: &Bundle, host: &Candidate) {
    let resolved = bundle.resolve(host.facts.clone(), &host.interfaces);
    for mut diagnostic in resolved.diagnostics {
        let known = |other: &Diagnostic| other.message == diagnostic.message && other.place == diagnostic.place;
        if !checked.diagnostics.iter().any(known) {
            diagnostic.help =
                Some(diagnostic.help.unwrap_or_else(|| format!("found on the sample host `{}`", host.name)));
            checked.diagnostics.push(diagnostic);
        }
    }
    checked.settings = checked.settings.max(resolved.desired.settings.len());
    for lint in lint::lint(&resolved.desired, Some(&resolved.facts), &|_| None) {
        if !checked.lints.contains(&lint) {
            checked.lints.push(lint);
        }
    }
}

/// A host file has keys that no profile has; a file with neither is checked as a profile.
fn is_host_file(text: &ProfileText) -> bool {
    const HOST_ONLY: &[&str] = &["profiles", "mode", "unmanaged", "[facts]", "[drift]", "[metrics]", "[namespace"];
    let text = String::from_utf8_lossy(&text.text);
    text.lines().map(str::trim_start).any(|line| {
        HOST_ONLY.iter().any(|word| {
            line.strip_prefix(word).is_some_and(|rest| word.starts_with('[') || rest.trim_start().starts_with('='))
        })
    })
}

impl Checked {
    fn is_bad(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    fn tell(&self, text: &mut String, paint: Paint) {
        if !self.diagnostics.is_empty() {
            text.push_str(&diagnostics::text(&self.diagnostics, &self.sources, paint == Paint::Colour));
            text.push('\n');
        }
        for Lint { code, address, message, advice } in &self.lints {
            let sigil = paint.tone(Tone::Quiet, "=");
            let _ = writeln!(text, "{sigil} {}: {address}: {message} [{code}]", self.path);
            let _ = writeln!(text, "      {advice}");
        }
        let verdict = if self.is_bad() {
            paint.tone(Tone::Alarm, "invalid")
        } else {
            format!("valid, {} settings, {} remarks", self.settings, self.lints.len())
        };
        let _ = writeln!(text, "{}: {verdict}", self.path);
    }

    fn into_report(self) -> File {
        File {
            valid: !self.is_bad(),
            file: self.path,
            settings: self.settings,
            diagnostics: diagnostics::told(&self.diagnostics, &self.sources),
            remarks: self.lints,
        }
    }
}
