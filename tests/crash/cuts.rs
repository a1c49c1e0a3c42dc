//! A journal cut at any byte: what a torn append, or a disk that lost its tail, leaves behind.

use std::path::Path;

use crate::bench::is_as;
use crate::bench::killed;
use crate::bench::router;
use crate::bench::status;
use crate::bench::values;
use crate::world::World;

fn journal(world: &World) -> std::path::PathBuf {
    world.state().unwrap().join("journal")
}

/// The lengths at which a journal is cut: every byte near the end of a line, and one in so many elsewhere.
fn lengths(bytes: &[u8], from: usize, step: usize) -> Vec<usize> {
    let near_an_end = |length: usize| (length.saturating_sub(2)..length + 2).any(|at| bytes.get(at) == Some(&b'\n'));
    (from..=bytes.len()).filter(|length| length % step == 0 || near_an_end(*length)).collect()
}

/// Where the record of the beginning ends: it is on the disk before the first write.
fn begun(bytes: &[u8]) -> usize {
    let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    ends.nth(1).unwrap()
}

#[test]
fn an_unfinished_journal_cut_anywhere_brings_everything_back() {
    let Some(world) = router() else { return };
    let before = values(&world);
    killed(&world, "settled:1", &["apply", "narrow"]);
    let bytes = world.journal();
    world.trimtab(&["revert"]).exits(0);
    for length in lengths(&bytes, begun(&bytes), 40) {
        killed(&world, "settled:1", &["apply", "narrow"]);
        cut(&journal(&world), length);
        assert_eq!(status(&world)["unfinished"], true, "cut at {length}");
        world.trimtab(&["revert"]).exits(0);
        is_as(&world, &before, &format!("cut at {length}"));
        std::fs::remove_dir_all(world.state().unwrap()).unwrap();
    }
}

#[test]
fn a_finished_journal_cut_anywhere_behind_its_beginning_keeps_the_originals() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow"]).exits(0);
    let bytes = world.journal();
    world.trimtab(&["revert"]).exits(0);
    std::fs::remove_dir_all(world.state().unwrap()).unwrap();
    for length in lengths(&bytes, begun(&bytes), 40) {
        world.trimtab(&["apply", "narrow"]).exits(0);
        let whole = world.journal();
        cut(&journal(&world), length.min(whole.len()));
        status(&world);
        // `applied` names the transaction: it is in force, and only its end is missing.
        world.trimtab(&["apply", "narrow"]).exits(0).says(&["nothing written"]);
        world.trimtab(&["verify"]).exits(0);
        world.trimtab(&["revert"]).exits(0);
        is_as(&world, &before, &format!("cut at {length}"));
        std::fs::remove_dir_all(world.state().unwrap()).unwrap();
    }
}

#[test]
fn a_journal_that_lost_its_beginning_is_no_reason_to_fail_or_to_write() {
    let Some(world) = router() else { return };
    let before = values(&world);
    killed(&world, "begun:1", &["apply", "narrow"]);
    let bytes = world.journal();
    world.trimtab(&["revert"]).exits(0);
    for length in lengths(&bytes[..begun(&bytes)], 0, 60) {
        // Killed before anything was written to the kernel, as a torn beginning shows.
        killed(&world, "begun:1", &["apply", "narrow"]);
        cut(&journal(&world), length);
        status(&world);
        world.trimtab(&["apply", "narrow"]).exits(0);
        world.trimtab(&["revert"]).exits(0);
        is_as(&world, &before, &format!("cut at {length}"));
        std::fs::remove_dir_all(world.state().unwrap()).unwrap();
    }
}

#[test]
fn a_damaged_journal_is_named_and_nothing_is_written() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow"]).exits(0);
    let applied = values(&world);
    let whole = world.journal();
    let mut bytes = whole.clone();
    bytes[40] ^= 1;
    std::fs::write(journal(&world), &bytes).unwrap();
    for arguments in [&["revert"][..], &["apply", "wide"], &["confirm"], &["status"]] {
        world.trimtab(arguments).exits(1).complains(&["journal line 1 is damaged"]);
    }
    is_as(&world, &applied, "damaged");
    std::fs::write(journal(&world), &whole).unwrap();
    world.trimtab(&["revert"]).exits(0);
    is_as(&world, &before, "whole again");
}

fn cut(path: &Path, length: usize) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(length as u64).unwrap();
}
