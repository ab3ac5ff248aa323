//! The JSON Schema of job files, from the type that reads them.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::JobFile;

/// The schema, as JSON Schema 2020-12.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<JobFile>().to_value()
}

/// The schema as a part of an `OpenAPI` document, by name: the job file, and what it refers to.
pub(crate) fn components() -> Vec<(String, Value)> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<JobFile>();
    let mut components: Vec<(String, Value)> = generator.take_definitions(true).into_iter().collect();
    components.sort_by(|(one, _), (two, _)| one.cmp(two));
    components
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn every_field_is_in_it_with_a_description_and_no_other_key_is_allowed() {
        let schema = schema();
        // All fields are written when none has its default.
        let file: JobFile = serde_json::from_str(include_str!("every_field.json")).unwrap();
        let written = serde_json::to_value(&file).unwrap();
        assert_eq!(keys(&schema["properties"]), keys(&written));
        assert_eq!(keys(&schema["$defs"]["Retry"]["properties"]), keys(&written["retry"]));
        for part in [&schema, &schema["$defs"]["Retry"]] {
            assert_eq!(part["additionalProperties"], Value::Bool(false));
            for (name, field) in part["properties"].as_object().unwrap() {
                let description = field["description"].as_str().unwrap_or_default();
                assert!(description.ends_with('.'), "{name}: {field}");
            }
        }
        assert_eq!(schema["required"], serde_json::json!(["command"]));
    }

    #[test]
    fn what_the_schema_says_is_what_is_read() {
        let schema = schema();
        let defaults: JobFile = serde_json::from_str(r#"{"command": ["x"]}"#).unwrap();
        let Value::Object(properties) = &schema["properties"] else { panic!("no properties") };
        for (name, default) in properties.iter().filter_map(|(name, field)| Some((name, field.get("default")?))) {
            let text = serde_json::json!({"command": ["x"], name: default}).to_string();
            assert_eq!(serde_json::from_str::<JobFile>(&text).unwrap(), defaults, "{name}");
        }
        assert_eq!(properties.values().filter(|field| field.get("default").is_some()).count(), 8);
        for signal in schema["properties"]["signal"]["enum"].as_array().unwrap() {
            assert!(crate::signals::number(signal.as_str().unwrap()).is_some(), "{signal}");
        }
        for level in schema["properties"]["required"]["enum"].as_array().unwrap() {
            let known = engine::Level::ALL.into_iter().any(|known| level == known.name());
            assert!(known || level.is_null(), "{level}");
        }
    }

    #[test]
    fn the_components_refer_to_each_other() {
        let components = components();
        let names: Vec<&str> = components.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["GpuBind", "JobFile", "Retry", "Spoken"]);
        let text = serde_json::to_string(&components).unwrap();
        assert!(text.contains("#/components/schemas/Spoken") && !text.contains("$defs") && !text.contains("$schema"));
    }

    #[test]
    fn the_schema_is_this() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&schema()).unwrap());
    }
}
