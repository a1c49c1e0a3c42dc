//! What the daemon counts, in the text format of Prometheus (exposition format 0.0.4).
//!
//! The number of series of drift has a bound: what comes beyond it is counted under the address `other`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use trimtab_core::drift::Told;
use trimtab_core::drift::What;
use trimtab_kernel::timer;

use super::Daemon;
use crate::control::protocol::State;

/// So many pairs of an address and what was told of it are told apart.
const MOST_SERIES: usize = 1000;

/// The upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What was counted since the daemon was started.
#[derive(Debug, Default)]
pub struct Counts {
    drifts: BTreeMap<(String, &'static str), u64>,
    looks: [u64; BOUNDS.len()],
    looked: u64,
    look_seconds: f64,
    /// Applies that ended as they were to.
    pub applied: u64,
    /// Applies that did not.
    pub failed: u64,
}

impl Counts {
    /// Something was told of an address.
    pub fn told(&mut self, told: &Told) {
        let what = word(told.what);
        let key = (told.address.to_string(), what);
        let is_full = self.drifts.len() >= MOST_SERIES && !self.drifts.contains_key(&key);
        *self.drifts.entry(if is_full { ("other".to_owned(), what) } else { key }).or_default() += 1;
    }

    /// Everything was looked at, in this time.
    pub fn looked(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        for (bound, count) in BOUNDS.iter().zip(&mut self.looks) {
            *count += u64::from(seconds <= *bound);
        }
        self.looked += 1;
        self.look_seconds += seconds;
    }
}

fn word(what: What) -> &'static str {
    match what {
        What::Drifted => "drifted",
        What::Reported => "reported",
        What::PutBack => "put-back",
        What::NotPutBack => "not-put-back",
        What::Contended => "contended",
        What::HoldsAgain => "holds-again",
        What::LeaseBegan => "lease-began",
        What::LeaseEnded => "lease-ended",
        What::Attempted => "attempted",
        What::Transient => "transient",
    }
}

impl Daemon {
    /// All of it.
    pub(super) fn metrics(&self) -> String {
        let now = timer::now_boottime();
        let counts = self.events.counts();
        let mut text = Text(String::new());
        text.head("trimtab_build_info", "gauge", "The version of the daemon.");
        text.line("trimtab_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        text.one("trimtab_start_timestamp_seconds", "gauge", "When the daemon was started.", self.since as f64);
        text.head("trimtab_state", "gauge", "1 for what the daemon is at.");
        let state = self.state();
        for (one, name) in [
            (State::Watching, "watching"),
            (State::Other, "other"),
            (State::Paused, "paused"),
            (State::Degraded, "degraded"),
            (State::Blind, "blind"),
        ] {
            text.line("trimtab_state", &[("state", name)], if one == state { 1.0 } else { 0.0 });
        }
        text.head("trimtab_drift_events_total", "counter", "What was told of drift, by address and kind.");
        for ((address, kind), count) in &counts.drifts {
            text.line("trimtab_drift_events_total", &[("address", address), ("kind", kind)], *count as f64);
        }
        text.one(
            "trimtab_drifted",
            "gauge",
            "Settings that have drifted and are left.",
            self.drift.open().count() as f64,
        );
        let contended = self.drift.contended(now).count() as f64;
        text.one("trimtab_contended", "gauge", "Settings that are left to another who keeps changing them.", contended);
        let pending = self.held_up.len() as f64;
        text.one("trimtab_held_up", "gauge", "Settings that are pending or blocked since the last apply.", pending);
        let leases = self.session.leases.running(now).count() as f64;
        text.one("trimtab_leases", "gauge", "Leases for tuning by hand that run.", leases);
        if let Some(look) = &self.last_look {
            let help = "When everything that is in force was read back last.";
            text.one("trimtab_last_look_timestamp_seconds", "gauge", help, look.at as f64);
            text.one("trimtab_settings", "gauge", "Settings that were compared then.", look.settings as f64);
        }
        text.head(
            "trimtab_look_duration_seconds",
            "histogram",
            "How long it took to read and compare everything, and to put back what drifted.",
        );
        for (bound, count) in BOUNDS.iter().zip(&counts.looks) {
            text.line("trimtab_look_duration_seconds_bucket", &[("le", &bound.to_string())], *count as f64);
        }
        text.line("trimtab_look_duration_seconds_bucket", &[("le", "+Inf")], counts.looked as f64);
        text.line("trimtab_look_duration_seconds_sum", &[], counts.look_seconds);
        text.line("trimtab_look_duration_seconds_count", &[], counts.looked as f64);
        text.head(
            "trimtab_applies_total",
            "counter",
            "Applies of the daemon, its own and those that it was asked for.",
        );
        text.line("trimtab_applies_total", &[("outcome", "good")], counts.applied as f64);
        text.line("trimtab_applies_total", &[("outcome", "failed")], counts.failed as f64);
        text.head("trimtab_source_up", "gauge", "Whether changes are heard by this source.");
        for (source, coverage) in self.sources.all() {
            text.line("trimtab_source_up", &[("source", source.name())], if coverage.on { 1.0 } else { 0.0 });
        }
        text.head("trimtab_source_events_total", "counter", "What this source told.");
        for (source, coverage) in self.sources.all() {
            text.line("trimtab_source_events_total", &[("source", source.name())], coverage.seen as f64);
        }
        text.head(
            "trimtab_source_lost_total",
            "counter",
            "What was lost of this source; each time everything was read.",
        );
        for (source, coverage) in self.sources.all() {
            text.line("trimtab_source_lost_total", &[("source", source.name())], coverage.lost as f64);
        }
        text.0
    }
}

/// The text as it grows.
struct Text(String);

impl Text {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// A label's value: an interface may have nearly any name.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use trimtab_core::value::Value;

    use super::*;

    #[test]
    fn series_are_bounded_whatever_drifts() {
        let mut counts = Counts::default();
        for number in 0..MOST_SERIES + 500 {
            let address = format!("sysctl:net.ipv4.conf.v{number}.rp_filter").parse().unwrap();
            counts.told(&Told::new(&address, What::Drifted, Value::Int(1)));
        }
        assert_eq!(counts.drifts.len(), MOST_SERIES + 1);
        assert_eq!(counts.drifts[&("other".to_owned(), "drifted")], 500);
    }

    #[test]
    fn buckets_add_up_and_labels_are_escaped() {
        let mut counts = Counts::default();
        for millis in [1, 3, 30, 9000] {
            counts.looked(Duration::from_millis(millis));
        }
        assert_eq!(counts.looks, [1, 1, 2, 2, 2, 3, 3, 3, 3, 3]);
        assert_eq!(counts.looked, 4);
        let mut text = Text(String::new());
        text.line("x", &[("a", "q\"\\\n")], 1.5);
        assert_eq!(text.0, "x{a=\"q\\\"\\\\\\n\"} 1.5\n");
    }
}
