//! Tests of the profile language, by what they are about.

mod arguments;
mod conntrack;
mod grammar;
mod host;
mod includes;
mod laws;
mod link;
mod nft;
mod params;
mod qdisc;
mod resolve;
mod shown;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Library;
use super::Loaded;
use super::ProfileName;
use super::ProfileText;
use super::Request;
use super::Resolved;
use super::load;
use crate::address::Address;
use crate::desired::Setting;
use crate::desired::Want;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::render;

/// Profiles in memory. A name `builtin:x` finds only what is stored under that very name.
#[derive(Debug, Clone, Default)]
struct Shelf(BTreeMap<String, Vec<u8>>);

impl Library for Shelf {
    fn profile(&mut self, name: &ProfileName) -> Result<Option<ProfileText>, String> {
        if name.as_str() == "locked" {
            return Err("permission denied".into());
        }
        let builtin = self.0.contains_key(&format!("builtin:{}", name.name()));
        let (key, builtin) = match (self.0.contains_key(name.as_str()), builtin) {
            (true, _) => (name.as_str().to_owned(), name.builtin_only()),
            (false, true) => (format!("builtin:{}", name.name()), true),
            (false, false) => return Ok(None),
        };
        let path = (!builtin).then(|| format!("/profiles/{}.toml", name.name()));
        Ok(self.0.get(&key).map(|text| ProfileText {
            shown_name: format!("{}.toml", name.name()),
            path,
            text: text.clone(),
        }))
    }

    fn names(&mut self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// A small world to load from.
#[derive(Debug, Clone, Default)]
struct World {
    shelf: Shelf,
    request: Request,
}

impl World {
    fn profile(mut self, name: &str, text: &str) -> World {
        self.shelf.0.insert(name.to_owned(), text.as_bytes().to_vec());
        self
    }

    fn host(mut self, text: &str) -> World {
        let text = text.as_bytes().to_vec();
        self.request.host_file =
            Some(ProfileText { shown_name: "host.toml".into(), path: Some("/etc/trimtab/host.toml".into()), text });
        self
    }

    fn roles(mut self, roles: &[&str]) -> World {
        self.request.roles = Some(roles.iter().map(|role| (*role).to_owned()).collect());
        self
    }

    fn set(mut self, text: &str) -> World {
        self.request.sets.push(text.to_owned());
        self
    }

    fn param(mut self, text: &str) -> World {
        self.request.params.push(text.to_owned());
        self
    }

    fn netns(mut self, name: &str) -> World {
        self.request.netns = Some(name.to_owned());
        self
    }

    fn load(&self) -> Loaded {
        load(&self.request, &mut self.shelf.clone())
    }

    /// The problems, one a line: `file:line:column code message; help`.
    fn problems(&self) -> Vec<String> {
        let loaded = self.load();
        lines(&loaded, &loaded.diagnostics)
    }

    fn resolve(&self, facts: &Facts, interfaces: &[&str]) -> Resolved {
        let loaded = self.load();
        let Some(bundle) = &loaded.bundle else {
            panic!("{}", render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false));
        };
        bundle.resolve(facts.clone(), &interfaces.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
    }

    /// The problems that only show on a host.
    fn host_problems(&self, facts: &Facts, interfaces: &[&str]) -> Vec<String> {
        let resolved = self.resolve(facts, interfaces);
        lines(&self.load(), &resolved.diagnostics)
    }

    /// The winners as `address = value  origin`, in order.
    fn settings(&self, facts: &Facts, interfaces: &[&str]) -> Vec<String> {
        let resolved = self.resolve(facts, interfaces);
        assert!(!resolved.failed(), "{:?}", lines(&self.load(), &resolved.diagnostics));
        resolved.desired.settings.iter().map(|(address, setting)| shown(address, setting)).collect()
    }
}

fn shown(address: &Address, setting: &Setting) -> String {
    format!("{} = {}  {}", address.local_name(), want(&setting.want), setting.origin)
}

fn want(want: &Want) -> String {
    match want {
        Want::Decided(policy) => policy_text(policy),
        Want::Undecided { fact, expression } => format!("? {fact} in {expression}"),
    }
}

fn policy_text(policy: &Policy) -> String {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => format!("'{text}'"),
    };
    let wanted = |wanted: &Wanted| match wanted {
        Wanted::One(one) => scalar(one),
        Wanted::Many(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|element| match element {
                    Element::Keep => "keep".to_owned(),
                    Element::Is(one) => scalar(one),
                })
                .collect();
            format!("[{}]", all.join(" "))
        }
        Wanted::Tree(tree) => format!("({tree})"),
    };
    let rest = match policy {
        Policy::Value(one) => return wanted(one),
        Policy::AtLeast(one) | Policy::AtMost(one) => wanted(one),
        Policy::Between(low, high) => format!("{} {}", wanted(low), wanted(high)),
        Policy::OneOf(all) | Policy::Prefer(all) => all.iter().map(wanted).collect::<Vec<_>>().join(" "),
        Policy::Includes(all) => all.iter().map(scalar).collect::<Vec<_>>().join(" "),
    };
    format!("{} {rest}", policy.word())
}

fn lines(loaded: &Loaded, diagnostics: &[crate::diagnostic::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.place.as_ref().unwrap();
            let (line, column) = loaded.sources.position(place.source, place.span.start);
            let name = &loaded.sources.get(place.source).unwrap().name;
            let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            format!("{name}:{line}:{column} {} {}{help}", diagnostic.code, diagnostic.message)
        })
        .collect()
}

/// One profile `p` played as the only role.
fn one(text: &str) -> World {
    World::default().profile("p", text).roles(&["p"])
}

/// A profile with these lines below `[sysctl]`.
fn sysctl(text: &str) -> World {
    one(&format!("[sysctl]\n{text}"))
}

fn facts(known: &[(&str, FactValue)]) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in known {
        facts.insert(name, value.clone(), "test");
    }
    facts
}
