//! Generates what is committed but derived: schemas, man pages, completions; checks that it is current.
//!
//! `cargo xtask generate` writes the files, `cargo xtask check` names those that are stale, missing or left over and
//! then ends with 1. What is generated from what stands in [`SCHEMAS`] and [`documents`].

mod documents;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use serde_json::Value;

/// Makes a schema, given its name.
type MakeSchema = fn(&str) -> Value;

macro_rules! makers {
    ($($name:literal => $make:expr,)*) => { &[$(($name, $make),)*] };
}

/// Every schema by the function that makes it.
const SCHEMAS: &[(&str, MakeSchema)] = trimtab::schemas!(makers);

/// The folders that hold generated files and nothing else.
const FOLDERS: &[&str] = &["schema", documents::MAN, documents::COMPLETIONS];

#[derive(Parser)]
#[command(name = "xtask", about = "Generates what is committed but derived")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Clone, Copy)]
enum Verb {
    /// Write every generated file.
    Generate,
    /// Say which generated files are not current.
    Check,
}

fn main() -> ExitCode {
    let Arguments { verb } = Arguments::parse();
    let root = root();
    let done = generated().map_err(io::Error::other).and_then(|files| match verb {
        Verb::Generate => generate(&root, &files).map(|()| Vec::new()),
        Verb::Check => check(&root, &files),
    });
    match done {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                say(&problem);
            }
            say("run `cargo xtask generate` and commit what it writes");
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a tool for developers: its messages are all it has to say")]
fn say(text: &str) {
    eprintln!("xtask: {text}");
}

/// The top of the repository: cargo says where this crate is, two folders below.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("agent/xtask"), PathBuf::from);
    here.join("../..")
}

/// Every generated file by its path from the top of the repository.
fn generated() -> Result<BTreeMap<String, String>, serde_json::Error> {
    let mut files = BTreeMap::new();
    for (name, make) in SCHEMAS {
        let mut text = String::new();
        print(&make(name), "", &mut text)?;
        files.insert(format!("schema/{name}.schema.json"), text + "\n");
    }
    files.extend(documents::documents());
    Ok(files)
}

/// JSON in which what fits on a line stays on it: half the size of one line for each brace, and easier to review.
fn print(value: &Value, indent: &str, text: &mut String) -> Result<(), serde_json::Error> {
    const LINE: usize = 110;
    let short = value.to_string();
    let deeper = format!("{indent} ");
    match value {
        Value::Object(fields) if short.len() + indent.len() > LINE => {
            text.push_str("{\n");
            for (index, (name, field)) in fields.iter().enumerate() {
                text.push_str(&format!("{deeper}{}: ", serde_json::to_string(name)?));
                print(field, &deeper, text)?;
                text.push_str(if index + 1 < fields.len() { ",\n" } else { "\n" });
            }
            text.push_str(indent);
            text.push('}');
        }
        Value::Array(items) if short.len() + indent.len() > LINE => {
            text.push_str("[\n");
            for (index, item) in items.iter().enumerate() {
                text.push_str(&deeper);
                print(item, &deeper, text)?;
                text.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            text.push_str(indent);
            text.push(']');
        }
        Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            text.push_str(&short);
        }
    }
    Ok(())
}

fn generate(root: &Path, files: &BTreeMap<String, String>) -> io::Result<()> {
    for leftover in leftovers(root, files)? {
        fs::remove_file(root.join(leftover))?;
    }
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// One line for each file that is not what would be generated now.
fn check(root: &Path, files: &BTreeMap<String, String>) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (path, text) in files {
        match fs::File::open(root.join(path)).and_then(io::read_to_string) {
            Ok(found) if found == *text => {}
            Ok(_) => problems.push(format!("{path} is stale")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => problems.push(format!("{path} is missing")),
            Err(error) => problems.push(format!("{path} cannot be read: {error}")),
        }
    }
    problems.extend(leftovers(root, files)?.into_iter().map(|path| format!("{path} is generated by nothing")));
    Ok(problems)
}

/// The files of the generated folders that nothing generates any more.
fn leftovers(root: &Path, files: &BTreeMap<String, String>) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !files.contains_key(&path) {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_current() {
        assert_eq!(check(&root(), &generated().unwrap()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_printed_is_the_schema() {
        for (name, make) in SCHEMAS {
            let mut text = String::new();
            print(&make(name), "", &mut text).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), make(name), "{name}");
        }
    }

    #[test]
    fn stale_missing_and_left_over_files_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let files: BTreeMap<String, String> =
            [("schema/a.json", "a"), ("schema/b.json", "b")].map(|(path, text)| (path.into(), text.into())).into();
        fs::create_dir(root.path().join("schema")).unwrap();
        fs::write(root.path().join("schema/a.json"), "old").unwrap();
        fs::write(root.path().join("schema/c.json"), "c").unwrap();
        assert_eq!(
            check(root.path(), &files).unwrap(),
            ["schema/a.json is stale", "schema/b.json is missing", "schema/c.json is generated by nothing"]
        );
        generate(root.path(), &files).unwrap();
        assert_eq!(check(root.path(), &files).unwrap(), Vec::<String>::new());
    }
}
