//! The stable codes of refusals: one table, for the document of the API, for the book and for tests.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// A code, the statuses that it comes with, and what it means.
pub(super) struct Code {
    pub(super) name: &'static str,
    pub(super) statuses: &'static [u16],
    pub(super) meaning: &'static str,
}

const fn code(name: &'static str, statuses: &'static [u16], meaning: &'static str) -> Code {
    Code { name, statuses, meaning }
}

/// All of them. A client may rely on a code and its statuses; messages and hints are for people and may change.
pub(super) const CODES: [Code; 30] = [
    code("bad-body", &[400, 422], "the body ends too early, or has not the fields that it should have"),
    code("bad-json", &[400], "the body is no JSON"),
    code(
        "bad-key",
        &[400, 409],
        "the idempotency key is empty, too long, not printable ASCII, or was used for a submission of somebody else",
    ),
    code("bad-path", &[400], "a part of the path is no UTF-8"),
    code("bad-query", &[400], "a key of the query is unknown, or a value has the wrong form"),
    code("bad-token", &[401], "there is no such token, or the header is not `Bearer TOKEN`"),
    code("down", &[503], "the server does not schedule any more: it stops, or its journal cannot be written"),
    code("ended", &[409], "the job has ended, so nothing can be done to it"),
    code("expired-token", &[401], "the token has expired"),
    code("forbidden", &[403], "the caller may not do this"),
    code("gone", &[410], "the logs of the run were deleted some time after its end"),
    code("internal", &[500], "a defect of the server"),
    code("no-logs", &[404], "the job has no such task or attempt, or it has written nothing so far"),
    code("no-records", &[503], "the records in SQLite cannot be read; what is scheduled does not need them"),
    code("no-token", &[401], "the caller has to say who he is, by a token"),
    code("no-user", &[403], "nothing says as which user of the machine jobs of this tenant run"),
    code("not-held", &[409], "the job is not on hold, so it cannot be released"),
    code("not-waiting", &[409], "the job has its GPUs already, so it cannot be put first"),
    code("queue-full", &[409], "as many jobs wait or run as may"),
    code("refused", &[422], "a field has the right form, but asks for what cannot be"),
    code("revoked-token", &[401], "the token was revoked"),
    code("timeout", &[503], "the server did not answer in time; it may have been done all the same"),
    code("tokens-unusable", &[503], "the server cannot read its tokens"),
    code("too-large", &[413], "the body is larger than the server takes"),
    code("too-often", &[429], "too many requests in a short time; `Retry-After` says when to try again"),
    code("unknown", &[404], "the run is not there any more"),
    code("unknown-job", &[404], "there is no such job"),
    code("unknown-node", &[404], "there is no such node"),
    code("unknown-route", &[404], "there is no such route"),
    code("wrong-method", &[405], "the route has no such method"),
];

/// Whether a refusal of this code may have this status.
pub(super) fn holds(name: &str, status: u16) -> bool {
    CODES.iter().any(|code| code.name == name && code.statuses.contains(&status))
}

/// The codes as a schema.
pub(super) fn schema() -> RefOr<Schema> {
    let names = CODES.iter().map(|code| Value::from(code.name));
    let meanings: Vec<String> = CODES.iter().map(|code| format!("`{}`: {}", code.name, code.meaning)).collect();
    let object = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    object.description(Some(format!("Stable code. {}.", meanings.join("; ")))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_order_and_once() {
        assert!(CODES.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(CODES.iter().all(|code| !code.statuses.is_empty() && !code.meaning.ends_with('.')));
    }

    #[test]
    fn the_book_has_the_same_table() {
        let book = include_str!("../../../docs/api.md");
        let statuses = |code: &Code| code.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let row = |code: &Code| format!("| `{}` | {} | {} |", code.name, statuses(code), code.meaning);
        let expected: Vec<String> = CODES.iter().map(row).collect();
        let section = book.split("## Codes").nth(1).unwrap().split("\n## ").next().unwrap();
        let found: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(found, expected);
    }
}
