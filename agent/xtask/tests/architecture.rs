//! `agent/ARCHITECTURE.md` and the README against the code: what they claim is checked by something that exists.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test code: to fail is to panic"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    fs::File::open(root().join(path)).and_then(io::read_to_string).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below a folder, by its path from the top of the repository.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                found.insert(path.clone(), text(&path));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds no Rust file");
    found
}

/// The lines of a file that are code of the program: no comments, and nothing from its unit tests on.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").filter(|line| !line.trim_start().starts_with("//"))
}

/// The dependencies of a crate, without those of its tests.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = toml::from_str(&text(manifest)).unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

fn in_backticks(paragraph: &str) -> Vec<&str> {
    paragraph.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_invariant_names_checks_that_exist() {
    let mut tests: BTreeSet<String> = BTreeSet::new();
    for folder in ["agent", "tests"] {
        for source in sources(folder).values() {
            let mut lines = source.lines().map(str::trim);
            while let Some(line) = lines.next() {
                if line == "#[test]"
                    && let Some(name) = lines.find_map(|line| line.strip_prefix("fn "))
                {
                    tests.insert(name.split('(').next().unwrap().to_owned());
                }
            }
            // Laws stand in a macro, each with the words of an ordinary test.
            let laws = source.lines().filter_map(|line| line.trim().strip_prefix("fn "));
            if source.contains("proptest! {") {
                tests.extend(laws.filter_map(|law| law.split('(').next()).map(str::to_owned));
            }
        }
    }
    assert!(tests.len() > 200, "{}", tests.len());
    let page = text("agent/ARCHITECTURE.md").replace("cargo xtask check", "committed_files_are_current");
    let invariants: Vec<&str> =
        page.split("\n\n").filter(|part| part.starts_with("**Architecture invariant:**")).collect();
    assert!(invariants.len() > 10);
    for invariant in invariants {
        let one_line = invariant.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, held_by) = one_line.split_once("Held by").unwrap_or_else(|| panic!("nothing holds: {one_line}"));
        let checks: Vec<&str> = in_backticks(held_by).into_iter().filter(|check| !check.contains('(')).collect();
        assert!(!checks.is_empty(), "{one_line}");
        for check in checks {
            let exists = tests.contains(check) || root().join(check).is_file();
            assert!(exists, "there is no test and no file `{check}`, which is to hold: {one_line}");
        }
    }
}

#[test]
fn core_depends_on_nothing_that_acts() {
    let acting = ["libc", "rustix", "nix", "tokio", "tracing", "tempfile", "rand", "trimtab", "trimtab-kernel", "neli"];
    let core = dependencies("agent/core/Cargo.toml");
    assert!(core.contains("toml"));
    for name in acting {
        assert!(!core.contains(name), "trimtab-core depends on {name}");
    }
    assert!(text("agent/core/src/lib.rs").contains("#![forbid(unsafe_code)]"));
}

#[test]
fn crates_depend_downwards_only() {
    let upwards = ["trimtab-core", "trimtab-netlink", "trimtab-kernel", "trimtab", "xtask"];
    let manifests = ["agent/core", "agent/netlink", "agent/kernel", "agent/daemon", "agent/xtask"];
    for (height, manifest) in manifests.iter().enumerate() {
        let own = dependencies(&format!("{manifest}/Cargo.toml"));
        for above in upwards.iter().skip(height) {
            assert!(!own.contains(*above), "{manifest} depends on {above}");
        }
    }
    // It stands beside core: a library of its own, without policy.
    let netlink = dependencies("agent/netlink/Cargo.toml");
    assert!(netlink.contains("neli") && !netlink.contains("trimtab-core"), "{netlink:?}");
}

#[test]
fn unsafe_code_stays_behind_its_fence() {
    let fences = ["agent/kernel/src/sys.rs", "agent/kernel/src/sys/bpf.rs", "agent/netlink/src/sys.rs"];
    let fences = BTreeSet::from(fences.map(str::to_owned));
    let mut seen = BTreeSet::new();
    for folder in ["agent/core/src", "agent/netlink/src", "agent/kernel/src", "agent/daemon/src", "agent/xtask/src"] {
        for (path, source) in sources(folder) {
            // A module for tests only, as the line that declares it says.
            if path == "agent/kernel/src/testing.rs" {
                assert!(text("agent/kernel/src/lib.rs").contains("#[cfg(test)]\nmod testing;"));
                continue;
            }
            let is_unsafe = code(&source).any(|line| line.contains("unsafe {") || line.contains("expect(unsafe_code"));
            assert!(!is_unsafe || fences.contains(&path), "{path} has unsafe code");
            if is_unsafe {
                seen.insert(path);
            }
        }
    }
    assert_eq!(seen, fences, "a fence around nothing, or this test looks for the wrong words");
}

#[test]
fn planner_and_protocol_know_no_kind() {
    let mut files = BTreeMap::new();
    for folder in ["agent/core/src/plan", "agent/core/src/journal", "agent/daemon/src/engine"] {
        files.extend(sources(folder));
    }
    files.insert("agent/core/src/state.rs".to_owned(), text("agent/core/src/state.rs"));
    assert!(files.values().any(|source| code(source).any(|line| line.contains("rules_of"))));
    // Tests are about addresses of some kind, in a file of their own as behind the code.
    files.retain(|path, _| !path.ends_with("/tests.rs"));
    for (path, source) in files {
        for line in code(&source) {
            assert_eq!(kind_named_by(line), None, "{path} knows a kind: {line}");
        }
    }
}

/// The kind that a line of code names: a type or variant of it (`Object::Link`, `LinkKey`), a path through it
/// (`kind::link`), or its word alone. What only asks about interfaces (`needs_link_facts`, `facts.links`) names none.
fn kind_named_by(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    kinds().into_iter().find(|kind| {
        let (variant, word) = (kind.as_str(), kind.to_lowercase());
        words.iter().any(|name| {
            // `LinkKey` and not `Linked`.
            let is_type = name.strip_prefix(variant).is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()));
            // Nothing else is called that, while a link is an interface too.
            let is_within = word == "sysctl" && name.to_lowercase().contains(&word);
            is_type || is_within || *name == word
        })
    })
}

/// The kinds of addresses, by the names that core has for them.
fn kinds() -> Vec<String> {
    let address = text("agent/core/src/address.rs");
    let (_, body) = address.split_once("pub enum Kind {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let variants = code(body).map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty());
    let kinds: Vec<String> = variants.filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert!(["Sysctl", "Link"].iter().all(|kind| kinds.iter().any(|known| known == kind)), "{kinds:?}");
    kinds
}

#[test]
fn a_kind_is_known_by_its_types_paths_and_word() {
    for line in [
        "Kind::Link => x,",
        "if let Object::Link(key) = &address.object",
        "fn f(key: &LinkKey)",
        "use crate::kind::link;",
    ] {
        assert_eq!(kind_named_by(line).as_deref(), Some("Link"), "{line}");
    }
    for line in ["use trimtab_core::kind::sysctl::next_boot;", "Address::sysctl(key)", "SysctlRules", "fn of_sysctls()"]
    {
        assert_eq!(kind_named_by(line).as_deref(), Some("Sysctl"), "{line}");
    }
    for line in
        ["rules_of(address).needs_link_facts()", "self.facts.links.entry(name)", "learn_links(kernel)", "Linked"]
    {
        assert_eq!(kind_named_by(line), None, "{line}");
    }
}

#[test]
fn every_dependency_has_its_reason_in_the_readme() {
    let manifest: toml::Table = toml::from_str(&text("Cargo.toml")).unwrap();
    let readme = text("README.md");
    let (_, reasons) = readme.split_once("## Dependencies").unwrap();
    let named: BTreeSet<&str> = reasons
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| in_backticks(line.split('|').nth(1).unwrap()))
        .collect();
    for (name, dependency) in manifest["workspace"]["dependencies"].as_table().unwrap() {
        let ours = dependency.get("path").is_some();
        assert!(ours || named.contains(name.as_str()), "the README does not say why {name} is there");
    }
}

#[test]
fn the_readme_shows_a_plan_of_links_that_is_planned() {
    let readme = text("README.md");
    let (_, shown) = readme.split_once("$ trimtab plan links\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let planned = text("tests/golden/network_cards_and_what_moves_along/expected.txt");
    let mut rest = planned.lines();
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(rest.any(|other| other == line), "no such line, or not in this place: {line}");
    }
}
