//! JSON Schemas (2020-12) of what trimtab writes: documents, state files and journal lines, made from their types.
//!
//! They are for whoever reads these files with a program. trimtab itself reads by its types; nothing here is called by
//! the `trimtab` command, which carries the schemas as committed.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

/// The schema of what a type serialises to. A document says its own name in the field `document`: `trimtab.` and `name`.
pub fn of<T: JsonSchema>(name: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.with_transform(RecursiveTransform(finish)).into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), format!("trimtab {name}").into());
    let mut schema = schema.to_value();
    if let Some(Value::Object(document)) = schema.pointer_mut("/properties/document") {
        document.insert("const".to_owned(), format!("trimtab.{name}").into());
    }
    schema
}

fn finish(schema: &mut Schema) {
    // What a version writes is all there is in it: a field more needs a new schema, and shows in a check.
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    // Docstrings are wrapped, and link to other items.
    if let Some(Value::String(words)) = schema.get_mut("description") {
        *words = words.replace('\n', " ").replace("[`", "`").replace("`]", "`");
    }
}
