//! Texts that people write: profiles, host files, arguments of the command line, files of sysctl.d.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use trimtab_core::expr::sample_hosts;
use trimtab_core::facts::Facts;
use trimtab_core::lint::lint;
use trimtab_core::profile::Library;
use trimtab_core::profile::Loaded;
use trimtab_core::profile::ProfileName;
use trimtab_core::profile::ProfileText;
use trimtab_core::profile::Request;
use trimtab_core::profile::load;
use trimtab_core::render::Paint;
use trimtab_core::render::diagnostics;
use trimtab_core::render::paint::visible;
use trimtab_core::sysctld::BootFile;
use trimtab_core::sysctld::import;

const SHIPPED: &[(&str, &str)] = &[
    ("base", include_str!("../../../profiles/base.toml")),
    ("egress-proxy", include_str!("../../../profiles/egress-proxy.toml")),
    ("web-frontend", include_str!("../../../profiles/web-frontend.toml")),
    ("router", include_str!("../../../profiles/router.toml")),
];

/// The profiles that trimtab ships.
pub struct Shipped;

impl Library for Shipped {
    fn profile(&mut self, name: &ProfileName) -> Result<Option<ProfileText>, String> {
        let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name.name());
        Ok(found.map(|(name, text)| given(name, text.as_bytes())))
    }

    fn names(&mut self) -> Vec<String> {
        SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// A profile of this text.
pub fn given(name: &str, text: &[u8]) -> ProfileText {
    ProfileText { shown_name: format!("{name}.toml"), path: None, text: text.to_vec() }
}

/// Hosts as they occur.
pub static HOSTS: LazyLock<Vec<(&'static str, Facts)>> = LazyLock::new(sample_hosts);

/// A profile.
pub fn profile(bytes: &[u8]) {
    all_of(&Request { files: vec![given("fuzz", bytes)], ..Request::default() });
}

/// The host file, of the namespace at hand and of another.
pub fn host_file(bytes: &[u8]) {
    for netns in [None, Some("blue".to_owned())] {
        all_of(&Request { host_file: Some(given("host", bytes)), netns, ..Request::default() });
    }
}

/// Arguments, a line each: `--param` where it says so, else `--set`.
pub fn arguments(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (params, sets): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("--param "));
    all_of(&Request {
        files: vec![given("role", b"[params]\nrtt = \"80ms\"\n[sysctl]\nnet.core.somaxconn = 4096\n")],
        sets: sets.into_iter().map(str::to_owned).collect(),
        params: params.into_iter().filter_map(|line| line.strip_prefix("--param ")).map(str::to_owned).collect(),
        ..Request::default()
    });
}

/// A file of sysctl.d, which always becomes a profile that loads.
pub fn sysctld(bytes: &[u8]) {
    let files = [BootFile::parse("/etc/sysctl.d/fuzz.conf", bytes)];
    let _ = files[0].findings();
    let imported = import(&files);
    let request = Request { files: vec![given("imported", imported.toml.as_bytes())], ..Request::default() };
    let loaded = load(&request, &mut Shipped);
    let shown = diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.bundle.is_some(), "{}\n{shown}", imported.toml);
}

/// A text as people get it: nothing in it is obeyed by a terminal.
pub fn shown(text: &str) {
    let shown = visible(text, Paint::Plain);
    assert!(!shown.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{shown:?}");
}

/// Loads, shows what is wrong, and resolves and lints what is not.
fn all_of(request: &Request) {
    let loaded = load(request, &mut Shipped);
    let Loaded { sources, diagnostics: problems, bundle } = &loaded;
    for problem in problems {
        if let Some(place) = &problem.place {
            let source = sources.get(place.source).expect("a problem in no text");
            assert!(place.span.end <= source.text.len(), "{problem:?} is past the end of its text");
        }
    }
    shown(&diagnostics::text(problems, sources, false));
    assert_eq!(diagnostics::told(problems, sources).len(), problems.len());
    let Some(bundle) = bundle else {
        assert!(!problems.is_empty(), "refused without a reason");
        return;
    };
    // One host, so that many texts can be tried; which one the text itself decides.
    let length: usize = sources.iter().map(|source| source.text.len()).sum();
    for (_, facts) in HOSTS.iter().skip(length % HOSTS.len()).take(1) {
        let mut interfaces: BTreeSet<String> = ["lo", "eth0.100"].map(str::to_owned).into();
        interfaces.extend(facts.links.keys().cloned());
        let resolved = bundle.resolve(facts.clone(), &interfaces);
        let _ = lint(&resolved.desired, Some(facts), &|_| None);
        // What is resolved goes into state files, and comes back from them.
        let json = serde_json::to_vec(&resolved.desired).expect("settings always serialise");
        assert_eq!(serde_json::from_slice(&json).ok(), Some(resolved.desired));
    }
}
