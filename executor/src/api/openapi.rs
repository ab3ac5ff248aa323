//! The API as an `OpenAPI` 3.1 document, from the handlers and types that serve it.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

use super::error::Problem;
use super::{audit, events, explain, jobs, logs, metrics, nodes, usage};
use crate::job_file::{JobFile, schema};

/// Operations for which nobody has to say who he is.
const OPEN: [&str; 3] = ["/healthz", "/readyz", "/v1/openapi.json"];

/// Refusals of every operation that asks who calls: status, codes.
const COMMON: [(&str, &str); 4] = [
    ("401", "`no-token`, `bad-token`, `expired-token`, `revoked-token`"),
    ("403", "`forbidden`"),
    ("429", "`too-often`"),
    ("503", "`down`, `timeout`, `tokens-unusable`"),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "Trainyard", description = "Submits, watches and steers jobs of a Trainyard server."),
    tags(
        (name = "jobs", description = "Jobs and their runs"),
        (name = "nodes", description = "Nodes"),
        (name = "server", description = "The server itself"),
    ),
    paths(
        jobs::submit, jobs::list, jobs::show, jobs::cancel, jobs::hold, jobs::release, jobs::top_priority, jobs::saved, explain::explain,
        logs::logs, nodes::list, nodes::drain, nodes::resume, events::events, usage::usage, audit::audit, metrics::show, show, super::alive, super::ready,
    ),
    components(schemas(Problem)),
    security(("bearer" = []), ()),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let text = "An access token. Callers on the unix socket need none: the kernel says who they are.";
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(http));
    }
}

/// Stands for the schema that `schema::components` gives.
impl PartialSchema for JobFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().into()
    }
}

impl ToSchema for JobFile {
    fn name() -> std::borrow::Cow<'static, str> {
        "JobFile".into()
    }
}

/// The words for states of jobs.
pub(crate) fn job_states() -> RefOr<Schema> {
    let states = jobs::STATES.map(Value::from);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(states)).into()
}

static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));

/// The document.
pub fn document() -> Value {
    // Plain data with text keys always has a JSON form.
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    mend(&mut document);
    for (name, schema) in schema::components() {
        document["components"]["schemas"][name] = schema;
    }
    if let Value::Object(paths) = &mut document["paths"] {
        for (path, operations) in paths {
            let operations = operations.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut);
            operations.for_each(|operation| complete(path, operation));
        }
    }
    document
}

/// Mends two names that utoipa writes in another way than `OpenAPI`: `operation_id` of links, and formats such as `u-int32`.
fn mend(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(id) = map.remove("operation_id") {
                map.insert("operationId".to_owned(), id);
            }
            if let Some(Value::String(format)) = map.get_mut("format") {
                *format = format.replace("u-int", "uint");
            }
            map.values_mut().for_each(mend);
        }
        Value::Array(list) => list.iter_mut().for_each(mend),
        _ => {}
    }
}

/// What all operations of a kind have in common.
fn complete(path: &str, operation: &mut Value) {
    if OPEN.contains(&path) {
        operation["security"] = json!([]);
        return;
    }
    for (status, codes) in COMMON {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = json!({
                "description": codes,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            });
        }
    }
}

/// This document.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "server", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")),
)]
pub(super) async fn show() -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind], TEXT.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    fn operations() -> BTreeSet<(String, String)> {
        let document = document();
        let paths = document["paths"].as_object().unwrap().clone();
        let of_path = |(path, item): (String, Value)| {
            let methods: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map(move |method| (method, path.clone()))
        };
        paths.into_iter().flat_map(of_path).collect()
    }

    /// `.route("PATH", get(...).post(...))` in the source of the router.
    fn routes() -> BTreeSet<(String, String)> {
        let source = include_str!("../api.rs");
        let mut routes = BTreeSet::new();
        for call in source.split(".route(").skip(1) {
            let (path, rest) = call.trim_start().trim_start_matches('"').split_once('"').unwrap();
            let end =
                [rest.find(".route("), rest.find("\n        .")].into_iter().flatten().min().unwrap_or(rest.len());
            let methods = METHODS.iter().filter(|method| rest[..end].contains(&format!("{method}(")));
            routes.extend(methods.map(|method| ((*method).to_owned(), path.to_owned())));
        }
        routes
    }

    #[test]
    fn each_route_has_an_operation_and_the_reverse() {
        assert!(routes().len() > 14);
        assert_eq!(operations(), routes());
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let (document, mut found) = (document(), BTreeSet::new());
        references(&document, &mut found);
        assert!(found.contains("#/components/schemas/Spoken"), "{found:?}");
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        let ids: Vec<&Value> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| &operation["operationId"])
            .collect();
        assert_eq!(ids.iter().map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn links_lead_to_operations() {
        let document = document();
        let links = document["paths"]["/v1/jobs"]["post"]["responses"]["201"]["links"].as_object().unwrap();
        assert_eq!(links.len(), 6);
        for link in links.values() {
            let id = link["operationId"].as_str().unwrap();
            assert!(
                operations().iter().any(|(method, path)| document["paths"][path][method]["operationId"] == id),
                "{id}"
            );
        }
    }

    #[test]
    fn the_document_is_this() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&document()).unwrap());
    }
}
