//! `trimtab schema`: the JSON Schemas, as committed.

use crate::cli;
use crate::exit::Exit;
use crate::failure::Failure;

/// Every schema: its name and its text.
pub const SCHEMAS: &[(&str, &str)] = &[
    ("profile", include_str!("../../../../schema/profile.schema.json")),
    ("host", include_str!("../../../../schema/host.schema.json")),
];

/// Runs the verb.
///
/// # Errors
/// If there is no such schema.
pub fn run(options: &cli::Schema) -> Result<Exit, Failure> {
    if options.name == "list" {
        let names: String = SCHEMAS.iter().map(|(name, _)| format!("{name}\n")).collect();
        super::print(&names)?;
        return Ok(Exit::Good);
    }
    let Some((_, text)) = SCHEMAS.iter().find(|(name, _)| *name == options.name) else {
        let names: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no schema `{}`: want one of {}", options.name, names.join(", "));
        return Err(Failure::new(Exit::Usage, message));
    };
    super::print(text)?;
    Ok(Exit::Good)
}
