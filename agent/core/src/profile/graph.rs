//! Which profiles take part: roles, what they include, and who is stronger than whom.
//!
//! A file that includes another, directly or through others, beats it. All other files are equals, and nothing about
//! them depends on the order in which they are named.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Library;
use super::ProfileName;
use super::ProfileText;
use super::file::File;
use super::file::Texts;
use super::file::admit;
use super::sections;
use super::sections::Named;
use super::sections::Profile;
use crate::desired::Layer;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::diagnostic::suggest;

/// More levels of includes than anybody can follow.
const DEEPEST_INCLUDE: usize = 16;
/// More profiles than any host plays; it also bounds the recursion through includes.
const MOST_FILES: usize = 256;

/// One profile file and what it includes.
#[derive(Debug)]
pub(super) struct ProfileFile {
    /// The name it was asked for by.
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) profile: Profile,
    /// The files it includes, each with the place that says so.
    pub(super) includes: Vec<(usize, Place)>,
    pub(super) problems: Vec<Diagnostic>,
    /// Whether something of it could not be read, so that what seems to be missing may be there.
    pub(super) incomplete: bool,
}

/// Every file read so far.
pub(super) struct Graph<'a> {
    library: &'a mut dyn Library,
    pub(super) files: Vec<ProfileFile>,
    /// By path, or by name for a built-in: one file is read once, whatever it is called.
    by_identity: BTreeMap<String, usize>,
    by_name: BTreeMap<ProfileName, Option<usize>>,
    names: Option<Vec<String>>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(library: &'a mut dyn Library) -> Graph<'a> {
        Graph { library, files: Vec::new(), by_identity: BTreeMap::new(), by_name: BTreeMap::new(), names: None }
    }

    /// The file of a role, with everything it includes; a role that cannot be had is a problem.
    pub(super) fn role(&mut self, role: &Named, texts: &mut Texts, problems: &mut Vec<Diagnostic>) -> Option<usize> {
        match self.named(role, texts, &mut Vec::new()) {
            Ok(index) => Some(index),
            Err(problem) => {
                problems.push(*problem);
                None
            }
        }
    }

    /// A file given by its text instead of its name.
    pub(super) fn given(&mut self, text: &ProfileText, texts: &mut Texts) -> usize {
        self.file(text.shown_name.trim_end_matches(".toml"), text, texts, &mut Vec::new())
    }

    fn named(&mut self, named: &Named, texts: &mut Texts, chain: &mut Vec<usize>) -> Result<usize, Box<Diagnostic>> {
        let problem = |code, message: String| Box::new(Diagnostic::error(code, message, named.place.clone()));
        let name: ProfileName = named.name.parse().map_err(|reason| problem("bad-name", format!("{reason}")))?;
        let known = match self.by_name.get(&name) {
            Some(known) => *known,
            None => {
                if self.files.len() >= MOST_FILES {
                    return Err(problem("too-many", format!("more than {MOST_FILES} profiles")));
                }
                let found = self
                    .library
                    .profile(&name)
                    .map_err(|reason| problem("unreadable", format!("cannot read profile `{name}`: {reason}")))?;
                let index = found.map(|text| self.file(name.as_str(), &text, texts, chain));
                self.by_name.insert(name.clone(), index);
                index
            }
        };
        match known {
            None => Err(Box::new(self.missing(&name, named, chain))),
            Some(index) => match chain.iter().position(|link| *link == index) {
                Some(at) => {
                    let mut shown: Vec<&str> = chain.iter().skip(at).map(|link| self.shown(*link)).collect();
                    shown.push(self.shown(index));
                    let message = format!("`{name}` includes itself: {}", shown.join(" -> "));
                    Err(problem("cyclic-include", message))
                }
                None => Ok(index),
            },
        }
    }

    fn missing(&mut self, name: &ProfileName, named: &Named, chain: &[usize]) -> Diagnostic {
        let library = &mut *self.library;
        let names = self.names.get_or_insert_with(|| library.names());
        let near = suggest(name.as_str(), names.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "there is no profile at all in the search path".to_owned(),
            None => format!("there are: {}", names.join(", ")),
        };
        // The place is in the last file of the chain; how that one came in is worth telling if it is no role.
        let links: Vec<&str> = chain.iter().map(|link| self.shown(*link)).collect();
        let through = if links.len() > 1 { format!(", asked for by {}", links.join(" -> ")) } else { String::new() };
        let message = format!("there is no profile `{name}`{through}");
        Diagnostic::error("missing-profile", message, named.place.clone()).with_help(help)
    }

    fn shown(&self, index: usize) -> &str {
        self.files.get(index).map_or("", |file| &file.shown)
    }

    fn file(&mut self, name: &str, text: &ProfileText, texts: &mut Texts, chain: &mut Vec<usize>) -> usize {
        let identity = match &text.path {
            Some(path) => path.clone(),
            None => format!("builtin:{}", text.shown_name),
        };
        if let Some(index) = self.by_identity.get(&identity) {
            return *index;
        }
        let mut problems = Vec::new();
        let (source, content) = admit(text, texts, &mut problems);
        let mut file = File::new(source, Layer::Profile, &text.shown_name, &content);
        let table = file.parse();
        let profile = sections::profile(&mut file, &table);
        let (found, secrets) = file.finish();
        problems.extend(found);
        for secret in &secrets {
            texts.blot(secret);
        }
        let unreadable = ["syntax", "not-utf8", "too-large", "too-many"];
        let incomplete = problems.iter().any(|problem| unreadable.contains(&problem.code));
        let index = self.files.len();
        let include = profile.include.clone();
        self.by_identity.insert(identity, index);
        self.files.push(ProfileFile {
            name: name.to_owned(),
            shown: text.shown_name.clone(),
            profile,
            includes: Vec::new(),
            problems,
            incomplete,
        });
        chain.push(index);
        for named in &include {
            let target = self.named(named, texts, chain);
            if let Some(file) = self.files.get_mut(index) {
                match target {
                    Ok(target) => file.includes.push((target, named.place.clone())),
                    Err(problem) => {
                        file.problems.push(*problem);
                        file.incomplete = true;
                    }
                }
            }
        }
        chain.pop();
        index
    }

    /// Everything reachable from these files, themselves included.
    pub(super) fn reachable(&self, roots: &[usize]) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<usize> = roots.to_vec();
        while let Some(index) = open.pop() {
            if reached.insert(index) {
                let includes = self.files.get(index).map(|file| file.includes.as_slice()).unwrap_or_default();
                open.extend(includes.iter().map(|(target, _)| *target));
            }
        }
        reached
    }

    /// Everything that a file includes, directly or not: what it beats.
    pub(super) fn beaten_by(&self, index: usize) -> BTreeSet<usize> {
        let mut reached = self.reachable(&[index]);
        reached.remove(&index);
        reached
    }

    /// How many includes lie at most between a file and a role, by file; a path too long is a problem.
    pub(super) fn depths(&self, roots: &[usize], problems: &mut Vec<Diagnostic>) -> BTreeMap<usize, usize> {
        let mut depths: BTreeMap<usize, usize> = roots.iter().map(|root| (*root, 0)).collect();
        let mut open: BTreeSet<usize> = roots.iter().copied().collect();
        let mut reported = BTreeSet::new();
        while let Some(index) = open.pop_first() {
            let depth = depths.get(&index).copied().unwrap_or(0);
            for (target, place) in self.files.get(index).map(|file| file.includes.as_slice()).unwrap_or_default() {
                if depth >= DEEPEST_INCLUDE {
                    if reported.insert(*target) {
                        let message = format!("includes are nested deeper than {DEEPEST_INCLUDE}");
                        problems.push(Diagnostic::error("include-depth", message, place.clone()));
                    }
                } else if depths.get(target).is_none_or(|known| *known < depth + 1) {
                    depths.insert(*target, depth + 1);
                    open.insert(*target);
                }
            }
        }
        depths
    }
}
