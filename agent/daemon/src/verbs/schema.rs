//! `trimtab schema`: the JSON Schemas, as committed.

use crate::cli;
use crate::exit::Exit;
use crate::failure::Failure;

/// The one table of schemas: hands each name and the function that makes the schema to the macro `$read`. The command
/// takes the committed text by the name; the generator, which alone links what makes it, calls the function.
///
/// To add one, name it here, put an empty file `schema/NAME.schema.json` there and run `cargo xtask generate`.
#[macro_export]
macro_rules! schemas {
    ($read:ident) => {
        $read! {
            "profile" => |_| trimtab_core::profile_schema::profile_schema(),
            "host" => |_| trimtab_core::profile_schema::host_schema(),
            "plan" => trimtab_core::document_schema::of::<trimtab_core::plan::saved::SavedPlan>,
            "apply" => trimtab_core::document_schema::of::<trimtab::verbs::report::Report>,
            "revert" => trimtab_core::document_schema::of::<trimtab::verbs::report::Report>,
            "verify" => trimtab_core::document_schema::of::<trimtab::verbs::verify::Report>,
            "status" => trimtab_core::document_schema::of::<trimtab::verbs::status::Report>,
            "history" => trimtab_core::document_schema::of::<trimtab::verbs::history::Report>,
            "event" => trimtab_core::document_schema::of::<trimtab::events::Line>,
            "confirm" => trimtab_core::document_schema::of::<trimtab::verbs::confirm::Report>,
            "trial" => trimtab_core::document_schema::of::<trimtab::verbs::trial::Report>,
            "explain" => trimtab_core::document_schema::of::<trimtab::verbs::explain::Report>,
            "validate" => trimtab_core::document_schema::of::<trimtab::verbs::validate::Report>,
            "facts" => trimtab_core::document_schema::of::<trimtab::verbs::facts::Report>,
            "snapshot" => trimtab_core::document_schema::of::<trimtab_core::snapshot::Snapshot>,
            "import" => trimtab_core::document_schema::of::<trimtab::verbs::import::Report>,
            "request" => trimtab_core::document_schema::of::<trimtab::control::protocol::Request>,
            "reply" => trimtab_core::document_schema::of::<trimtab::control::protocol::Line>,
            "hold" => trimtab_core::document_schema::of::<trimtab::verbs::hold::Report>,
            "adopt" => trimtab_core::document_schema::of::<trimtab::verbs::adopt::Report>,
            "leases" => trimtab_core::document_schema::of::<trimtab_core::lease::Leases>,
            "paused" => trimtab_core::document_schema::of::<trimtab::engine::pause::Paused>,
            "error" => trimtab_core::document_schema::of::<trimtab::failure::Report>,
            "applied" => trimtab_core::document_schema::of::<trimtab_core::state::Applied>,
            "unconfirmed" => trimtab_core::document_schema::of::<trimtab_core::state::Unconfirmed>,
            "journal" => trimtab_core::document_schema::of::<trimtab_core::journal::line::Line>,
        }
    };
}

macro_rules! texts {
    ($($name:literal => $make:expr,)*) => {
        &[$(($name, include_str!(concat!("../../../../schema/", $name, ".schema.json"))),)*]
    };
}

/// Every schema: its name and its text.
pub const SCHEMAS: &[(&str, &str)] = schemas!(texts);

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
