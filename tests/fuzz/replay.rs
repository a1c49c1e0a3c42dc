//! What fuzzing has found, run again: every input of `tests/fuzz/corpus` through its target, on any compiler.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of it is test code: to fail is to panic"
)]

#[path = "src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::panic;
use std::path::Path;
use std::path::PathBuf;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).unwrap();
    bytes
}

#[test]
fn every_input_of_the_corpus_is_survived() {
    let mut failed = Vec::new();
    for (name, _) in fuzz::TARGETS {
        let target = fuzz::target(name);
        let inputs = entries(&folder().join(name));
        assert!(inputs.len() > 5, "{name} has {} inputs", inputs.len());
        for input in inputs {
            let bytes = bytes(&input);
            if panic::catch_unwind(|| target(&bytes)).is_err() {
                failed.push(input);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_folder_of_the_corpus_has_its_target() {
    let folders = entries(&folder()).into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let targets = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), targets.clone().collect());
    // And the fuzzer knows each by the same name.
    let manifest: toml::Table =
        toml::from_str(&String::from_utf8(bytes(&folder().join("../Cargo.toml"))).unwrap()).unwrap();
    let programs = manifest["bin"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    let planted = ["planted".to_owned()];
    assert_eq!(programs.collect::<BTreeSet<_>>(), targets.chain(planted).collect());
}
