use std::collections::BTreeSet;

use super::*;

fn key(text: &str) -> SysctlKey {
    text.parse().unwrap()
}

#[test]
fn every_line_parses_and_no_pattern_occurs_twice() {
    let mut seen = BTreeSet::new();
    for (number, line) in parse::lines() {
        let entry = parse::entry(line).unwrap_or_else(|why| panic!("keys.tsv:{number}: {why}"));
        assert!(seen.insert(entry.pattern), "keys.tsv:{number}: {} occurs twice", entry.pattern);
        assert!(key(entry.pattern).segments().len() >= 2);
        assert_ne!(entry.meaning, "-", "keys.tsv:{number}: {} says nothing", entry.pattern);
    }
    assert_eq!(seen.len(), entries().len());
}
