//! Fault points for crash tests; nothing in a release build.
//!
//! The code that must survive `kill -9` at any moment calls [`point`] at each of these moments. Built with the feature
//! `fault-points`, and with `TRIMTAB_FAULT=NAME:N` in the environment, the process kills itself with SIGKILL when it
//! reaches the point NAME for the Nth time (N counts from 1; without `:N`, the first time). The name `*` counts every
//! point, so that a test can kill a run at each of them in turn: raise N until the run ends by itself.
//! `TRIMTAB_FAULT_SIGNAL=N` has it send itself signal N there instead; one that is held back does not end it.
//! Without the feature the function is empty and is compiled away.
//!
//! A malformed `TRIMTAB_FAULT` kills nothing: the test that set it then sees a run that was not killed.

/// Passes a fault point: returns, or kills this process if a crash test asked for it here.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub fn point(_name: &str) {}

/// Passes a fault point: returns, or kills this process if a crash test asked for it here.
#[cfg(feature = "fault-points")]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;

    use rustix::process::Signal;

    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| std::env::var("TRIMTAB_FAULT").ok().and_then(|text| Wanted::parse(&text)));
    let Some(wanted) = wanted else { return };
    if wanted.matches(name) && HITS.fetch_add(1, Ordering::SeqCst) + 1 == wanted.hit {
        let named = std::env::var("TRIMTAB_FAULT_SIGNAL").ok().and_then(|number| number.parse().ok());
        // Not `abort`: a crash test is about a death that no code of this process sees.
        let signal = named.map_or(Some(Signal::KILL), Signal::from_named_raw);
        if let Some(signal) = signal {
            let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        }
    }
}

/// What `TRIMTAB_FAULT` asks for.
#[cfg(any(feature = "fault-points", test))]
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    hit: u64,
}

#[cfg(any(feature = "fault-points", test))]
impl Wanted {
    fn parse(text: &str) -> Option<Wanted> {
        let (name, hit) = match text.rsplit_once(':') {
            Some((name, hit)) => (name, hit.parse().ok().filter(|hit| *hit > 0)?),
            None => (text, 1),
        };
        (!name.is_empty()).then(|| Wanted { name: name.to_owned(), hit })
    }

    fn matches(&self, name: &str) -> bool {
        self.name == "*" || self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_name_and_hit() {
        assert_eq!(Wanted::parse("journal.synced:3"), Some(Wanted { name: "journal.synced".into(), hit: 3 }));
        assert_eq!(Wanted::parse("*"), Some(Wanted { name: "*".into(), hit: 1 }));
        for bad in ["", ":1", "x:0", "x:y", "x:-1"] {
            assert_eq!(Wanted::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn star_is_every_point() {
        assert!(Wanted::parse("*:2").unwrap().matches("anything"));
        assert!(!Wanted::parse("a:2").unwrap().matches("b"));
    }
}
