//! Loading: every text that takes part, every problem of all of them, one bundle.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Library;
use super::ProfileText;
use super::arguments;
use super::bundle::Bundle;
use super::bundle::ParamValue;
use super::bundle::Speaker;
use super::file::File;
use super::file::Texts;
use super::file::admit;
use super::graph::Graph;
use super::host;
use super::host::HostFile;
use super::host::Section;
use super::params::Param;
use super::sections::Named;
use super::statement::Statement;
use super::sysctl;
use crate::desired::Layer;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::diagnostic::Severity;
use crate::diagnostic::Sources;
use crate::diagnostic::suggest;

/// What to load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Roles named on the command line: they stand in for `profiles` of the host file, and for nothing else of it.
    pub roles: Option<Vec<String>>,
    /// The host file, if there is one.
    pub host_file: Option<ProfileText>,
    /// The section `[namespace.NAME]` of the host file that this is for; none is the namespace trimtab runs in.
    pub netns: Option<String>,
    /// `--set ADDRESS=VALUE`.
    pub sets: Vec<String>,
    /// `--param NAME=VALUE`.
    pub params: Vec<String>,
    /// Profiles given as texts, for `validate FILE…`: they take the place of all roles, side by side, and the
    /// profiles of every namespace of the host file are checked too.
    pub files: Vec<ProfileText>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Every text that took part, secrets blotted out.
    pub sources: Sources,
    /// Every problem, by text and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What was loaded, if nothing is an error.
    pub bundle: Option<Bundle>,
}

/// Loads everything that a request names.
pub fn load(request: &Request, library: &mut dyn Library) -> Loaded {
    let mut texts = Texts::default();
    let mut problems = Vec::new();
    let (host, host_incomplete) = match &request.host_file {
        Some(text) => read_host(text, &mut texts, &mut problems),
        None => (HostFile::default(), false),
    };
    let empty = Section::default();
    let section = match &request.netns {
        None => &host.own,
        Some(name) => host.namespaces.get(name).unwrap_or(&empty),
    };

    let mut graph = Graph::new(library);
    let mut roots: Vec<usize> = Vec::new();
    let mut incomplete = host_incomplete;
    if request.files.is_empty() {
        let roles = match &request.roles {
            Some(roles) => roles.iter().map(|role| argument(role, "command line", &mut texts)).collect(),
            None => section.profiles.clone(),
        };
        for role in &roles {
            match graph.role(role, &mut texts, &mut problems) {
                Some(root) => roots.push(root),
                None => incomplete = true,
            }
        }
    } else {
        roots.extend(request.files.iter().map(|text| graph.given(text, &mut texts)));
    }
    let others = others(request, &host, &mut graph, &mut texts, &mut problems);
    let active = graph.reachable(&roots);
    let depths = graph.depths(&roots, &mut problems);
    for (index, file) in graph.files.iter_mut().enumerate() {
        let taken = std::mem::take(&mut file.problems);
        if active.contains(&index) || !request.files.is_empty() {
            problems.extend(taken);
        }
        incomplete |= active.contains(&index) && file.incomplete;
    }

    let (sets, params) = read_arguments(request, &mut texts, &mut problems);
    let known = Declarations { graph: &graph, active: &active, others: &others, incomplete };
    let overrides =
        Overrides { host: &host.own, namespace: request.netns.is_some().then_some(section), params: &params };
    let params = known.settle(&overrides, &mut problems);
    let host_statements = section.statements.clone();
    let speakers = speakers(&graph, &active, &depths, section, host_statements, sets);
    if !incomplete {
        for statement in speakers.iter().flat_map(|speaker| &speaker.statements) {
            undeclared(statement, &params, &mut problems);
        }
    }

    problems.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.source, place.span.start)));
    // One leaf may be several statements, all with the same formula.
    problems.dedup();
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    let bundle = (!failed).then(|| {
        let name = |index: &usize| graph.files.get(*index).map(|file| file.name.clone());
        let mut config = host.config.clone();
        config.mode = section.mode.or(host.own.mode).unwrap_or_default();
        config.on_drift = section.on_drift.or(host.own.on_drift).unwrap_or_default();
        config.unmanaged =
            section.unmanaged.as_ref().map(|patterns| patterns.iter().map(ToString::to_string).collect());
        Bundle {
            host: config,
            roles: roots.iter().filter_map(name).collect::<BTreeSet<_>>().into_iter().collect(),
            included: active
                .iter()
                .filter(|index| !roots.contains(index))
                .filter_map(name)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            values: params.iter().map(|(name, param)| (name.clone(), param.value.clone())).collect(),
            params,
            unmanaged: section.unmanaged.clone(),
            declared: declared(request, &host, section),
            speakers,
        }
    });
    Loaded { sources: texts.into_sources(), diagnostics: problems, bundle }
}

/// An argument as a text of its own, so that a problem can show it.
fn argument(text: &str, name: &str, texts: &mut Texts) -> Named {
    let source = texts.add(name, text.to_owned());
    Named { name: text.to_owned(), place: Place { source, span: 0..text.len() } }
}

fn read_host(text: &ProfileText, texts: &mut Texts, problems: &mut Vec<Diagnostic>) -> (HostFile, bool) {
    let (id, content) = admit(text, texts, problems);
    let mut file = File::new(id, Layer::Host, &text.shown_name, &content);
    let table = file.parse();
    let host = host::host_file(&mut file, &table);
    let (found, secrets) = file.finish();
    problems.extend(found);
    for secret in &secrets {
        texts.blot(secret);
    }
    let incomplete = problems.iter().any(|problem| ["syntax", "not-utf8", "too-large"].contains(&problem.code));
    (host, incomplete)
}

/// The profiles that take no part but may declare what the host file sets: those of other namespaces, and those that
/// roles of the command line stand in for. Their own problems are nobody's now, unless files are validated.
fn others(
    request: &Request,
    host: &HostFile,
    graph: &mut Graph<'_>,
    texts: &mut Texts,
    problems: &mut Vec<Diagnostic>,
) -> Option<BTreeSet<usize>> {
    let sections = std::iter::once(&host.own).chain(host.namespaces.values());
    let mut unheard = Vec::new();
    let mut roots = Vec::new();
    for named in sections.flat_map(|section| &section.profiles) {
        roots.push(graph.role(named, texts, &mut unheard));
    }
    if !request.files.is_empty() {
        problems.append(&mut unheard);
    }
    let roots: Option<Vec<usize>> = roots.into_iter().collect();
    let reached = graph.reachable(&roots?);
    let complete = reached.iter().all(|index| graph.files.get(*index).is_some_and(|file| !file.incomplete));
    complete.then_some(reached)
}

fn read_arguments(
    request: &Request,
    texts: &mut Texts,
    problems: &mut Vec<Diagnostic>,
) -> (Vec<Statement>, Vec<Param>) {
    let mut sets = Vec::new();
    for text in &request.sets {
        let id = texts.add("--set", text.clone());
        let mut file = File::new(id, Layer::CommandLine, "--set", text);
        sets.extend(arguments::set(&mut file, text, request.netns.as_deref()));
        let (found, secrets) = file.finish();
        problems.extend(found);
        for secret in &secrets {
            texts.blot(secret);
        }
    }
    problems.extend(sysctl::twins(&sets));
    let mut params = Vec::new();
    for text in &request.params {
        let id = texts.add("--param", text.clone());
        let mut file = File::new(id, Layer::CommandLine, "--param", text);
        params.extend(arguments::param(&mut file, text));
        problems.extend(file.finish().0);
    }
    (sets, params)
}

fn speakers(
    graph: &Graph<'_>,
    active: &BTreeSet<usize>,
    depths: &BTreeMap<usize, usize>,
    section: &Section,
    host: Vec<Statement>,
    sets: Vec<Statement>,
) -> Vec<Speaker> {
    let order: Vec<usize> = active.iter().copied().collect();
    let mut speakers: Vec<Speaker> = order
        .iter()
        .filter_map(|index| graph.files.get(*index).map(|file| (index, file)))
        .map(|(index, file)| Speaker {
            depth: depths.get(index).copied().unwrap_or(usize::MAX),
            beats: graph.beaten_by(*index).iter().filter_map(|beaten| order.binary_search(beaten).ok()).collect(),
            on_drift: file.profile.on_drift,
            statements: file.profile.statements.clone(),
        })
        .collect();
    for statements in [host, sets] {
        speakers.push(Speaker { depth: 0, beats: BTreeSet::new(), on_drift: section.on_drift, statements });
    }
    speakers
}

/// The facts that the host file declares for the namespace in question: of another namespace, what its own section
/// says and what is true of the whole host.
fn declared(request: &Request, host: &HostFile, section: &Section) -> Vec<host::Declared> {
    if request.netns.is_none() {
        return host.own.facts.clone();
    }
    let whole_host = |fact: &&host::Declared| fact.name.starts_with("host.") && fact.name != "host.initial_netns";
    host.own.facts.iter().filter(whole_host).chain(&section.facts).cloned().collect()
}

/// Reports parameters that a formula speaks of and nobody declares.
fn undeclared(statement: &Statement, params: &BTreeMap<String, ParamValue>, problems: &mut Vec<Diagnostic>) {
    for formula in statement.draft.policy.formulas() {
        for name in &formula.expression.references().params {
            if !params.contains_key(name) {
                let offset = formula.expression.text().find(&format!("params.{name}"));
                let message = format!("no profile declares the parameter `{name}`");
                let mut problem = Diagnostic::error("undeclared-param", message, formula.place_of(offset));
                problem.help = Some(match suggest(name, params.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `params.{near}`?"),
                    None => format!("declare it with a default below [params]: {name} = …"),
                });
                problems.push(problem);
            }
        }
    }
}

/// Who may set a parameter besides the profiles.
struct Overrides<'a> {
    host: &'a Section,
    namespace: Option<&'a Section>,
    params: &'a [Param],
}

/// Where parameters are declared.
struct Declarations<'a> {
    graph: &'a Graph<'a>,
    active: &'a BTreeSet<usize>,
    /// Files that take no part but may declare; nothing if not all of them could be read.
    others: &'a Option<BTreeSet<usize>>,
    incomplete: bool,
}

impl Declarations<'_> {
    /// The value of every declared parameter.
    fn settle(&self, overrides: &Overrides<'_>, problems: &mut Vec<Diagnostic>) -> BTreeMap<String, ParamValue> {
        let mut declared: BTreeMap<&str, Vec<(usize, &Param)>> = BTreeMap::new();
        for index in self.active {
            let params = self.graph.files.get(*index).map(|file| file.profile.params.as_slice()).unwrap_or_default();
            for param in params {
                declared.entry(&param.name).or_default().push((*index, param));
            }
        }
        // The strongest word last.
        let mut said: BTreeMap<&str, &Param> = BTreeMap::new();
        let in_files = overrides.host.params.iter().chain(overrides.namespace.into_iter().flat_map(|one| &one.params));
        for param in in_files {
            if declared.contains_key(param.name.as_str()) {
                said.insert(&param.name, param);
            } else if !self.declared_elsewhere(&param.name) {
                problems.push(self.unknown(param, &declared));
            }
        }
        for param in overrides.params {
            if declared.contains_key(param.name.as_str()) {
                said.insert(&param.name, param);
            } else if !self.incomplete {
                problems.push(self.unknown(param, &declared));
            }
        }
        let mut values = BTreeMap::new();
        for (name, candidates) in declared {
            let Some(winner) = self.strongest(&candidates, said.contains_key(name), problems) else { continue };
            let value = match said.get(name) {
                None => Ok((winner.raw.declared(), winner)),
                Some(param) => param.raw.instead_of(&winner.raw).map(|value| (value, *param)),
            };
            match (value, said.get(name)) {
                (Ok((value, from)), _) => {
                    values.insert(name.to_owned(), ParamValue { value, origin: from.origin.clone() });
                }
                (Err(reason), param) => {
                    let place = param.map_or(&winner.place, |param| &param.place).clone();
                    let problem = Diagnostic::error("wrong-type", format!("parameter `{name}`: {reason}"), place);
                    problems.push(problem.with_related(winner.place.clone(), "declared here"));
                    // Known all the same, so that formulas that use it are not blamed too.
                    let value = ParamValue { value: winner.raw.declared(), origin: winner.origin.clone() };
                    values.insert(name.to_owned(), value);
                }
            }
        }
        values
    }

    /// The declaration that no other beats; equals must agree unless somebody stronger settles it.
    fn strongest<'p>(
        &self,
        candidates: &[(usize, &'p Param)],
        settled: bool,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<&'p Param> {
        let beaten: BTreeSet<usize> = candidates.iter().flat_map(|(index, _)| self.graph.beaten_by(*index)).collect();
        let mut unbeaten: Vec<&Param> =
            candidates.iter().filter(|(index, _)| !beaten.contains(index)).map(|(_, param)| *param).collect();
        unbeaten.sort_by(|a, b| a.origin.cmp(&b.origin));
        let (first, rest) = unbeaten.split_first()?;
        let differing = rest.iter().find(|other| other.raw.declared() != first.raw.declared());
        if let (Some(other), false) = (differing, settled) {
            let message = format!(
                "parameter `{}`: equals disagree on its default: {} says `{}`, {} says `{}`",
                first.name,
                first.origin,
                first.raw.show(),
                other.origin,
                other.raw.show(),
            );
            problems.push(
                Diagnostic::error("conflict", message, first.place.clone())
                    .with_help("set it in the host file, or declare it in a profile that includes both")
                    .with_related(other.place.clone(), "the other one"),
            );
        }
        candidates.iter().find(|(_, param)| param.place == first.place).map(|(_, param)| *param)
    }

    /// Whether a file that takes no part declares it, or might.
    fn declared_elsewhere(&self, name: &str) -> bool {
        if self.incomplete {
            return true;
        }
        self.others.as_ref().is_none_or(|others| {
            let declares = |index: &usize| {
                self.graph
                    .files
                    .get(*index)
                    .is_some_and(|file| file.profile.params.iter().any(|param| param.name == name))
            };
            others.iter().any(declares)
        })
    }

    fn unknown(&self, param: &Param, declared: &BTreeMap<&str, Vec<(usize, &Param)>>) -> Diagnostic {
        let message = format!("no profile declares the parameter `{}`", param.name.escape_debug());
        let mut problem = Diagnostic::error("undeclared-param", message, param.key_place.clone());
        problem.help = match suggest(&param.name, declared.keys().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if declared.is_empty() => Some("the profiles of this host have no parameters".to_owned()),
            None => Some(format!("there are: {}", declared.keys().copied().collect::<Vec<_>>().join(", "))),
        };
        problem
    }
}
