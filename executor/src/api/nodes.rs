//! Nodes: list, drain, resume.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Core, JobId, NodeId};

use super::answers::{Drain, NodeDone, Nodes};
use super::error::{ApiError, Problem, json};
use super::extract::{Body, Params, Path};
use super::identity::{Identity, Role};
use super::verbs::TrialParams;
use super::{App, SCHEMA};
use crate::book::Book;
use crate::view;
use crate::world::{Done, Wish};

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

/// List the nodes.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "nodes", operation_id = "nodes",
    responses((status = 200, description = "All of them", body = Nodes, links(
        ("drain" = (operation_id = "drain", parameters(("node" = "$response.body#/nodes/0/node")))),
        ("resume" = (operation_id = "resume", parameters(("node" = "$response.body#/nodes/0/node")))),
    ))),
)]
pub(super) async fn list(State(app): State<App>, identity: Identity) -> Result<Response, ApiError> {
    let look = move |core: &Core, book: &Book| {
        let mut nodes = view::nodes(core, book);
        for node in &mut nodes {
            node.jobs.retain(|job| identity.sees(book, JobId(*job)));
        }
        nodes
    };
    let mut nodes = app.handle.look(look).await?;
    let devices = &app.settings.devices;
    if let Some(node) = nodes.iter_mut().find(|node| node.node == devices.node()) {
        node.devices = devices.all();
    }
    Ok(json(StatusCode::OK, &Nodes { schema: SCHEMA, nodes }))
}

async fn find(app: &App, name: &str) -> Result<NodeId, ApiError> {
    let wanted = name.to_owned();
    let place = move |core: &Core| core.state().cluster().inventory().nodes.iter().position(|node| node.name == wanted);
    let found = app.handle.look(move |core, _| place(core)).await?;
    found.map(NodeId::new).ok_or_else(|| ApiError::unknown_node(name))
}

/// Whether a reason can be shown in a line.
pub(super) fn check_reason(reason: &str) -> Result<(), ApiError> {
    if reason.trim().is_empty() || reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) {
        let message = format!("a reason has 1 to {REASON_MAX} characters on one line");
        let hint = "say why, for whoever sees it later";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message, hint).at("reason"));
    }
    Ok(())
}

/// What would come of a change, which is not made.
async fn would(app: &App, id: NodeId, node: String, then: &str) -> Result<Response, ApiError> {
    let look = move |core: &Core, book: &Book| view::nodes(core, book).into_iter().nth(id.index());
    let view = app.handle.look(look).await?.ok_or_else(|| ApiError::unknown_node(&node))?;
    let jobs = match view.jobs.len() {
        0 => "nothing runs there".to_owned(),
        1 => format!("job {} goes on there", view.jobs[0]),
        jobs => format!("{jobs} jobs go on there"),
    };
    let would = Some(format!("node {node} is {}; it then {then}; {jobs}", view.state));
    Ok(json(StatusCode::OK, &NodeDone { schema: SCHEMA, node, would }))
}

async fn done(app: &App, identity: &Identity, node: String, wish: Wish) -> Result<Response, ApiError> {
    match app.handle.ask(wish, identity.audit()).await? {
        Done::Done => Ok(json(StatusCode::OK, &NodeDone { schema: SCHEMA, node, would: None })),
        other => Err(ApiError::of(other)),
    }
}

/// Give a node no more work; what runs there goes on to its end.
#[utoipa::path(
    post, path = "/v1/nodes/{node}/drain", tag = "nodes", operation_id = "drain",
    params(("node" = String, Path, description = "Its name", min_length = 1), TrialParams),
    request_body = Drain,
    responses(
        (status = 200, description = "It gets no more work", body = NodeDone),
        (status = 400, description = "`bad-json`, `bad-body`, `bad-path`", body = Problem),
        (status = 404, description = "`unknown-node`, `unknown`", body = Problem),
        (status = 413, description = "`too-large`", body = Problem),
        (status = 422, description = "`bad-body`, `refused`", body = Problem),
    ),
)]
pub(super) async fn drain(
    State(app): State<App>,
    identity: Identity,
    Path(name): Path<String>,
    Params(params): Params<TrialParams>,
    Body(Drain { reason }): Body<Drain>,
) -> Result<Response, ApiError> {
    identity.at_least(Role::Operator)?;
    let node = find(&app, &name).await?;
    check_reason(&reason)?;
    if params.dry_run {
        return would(&app, node, name, "takes no more work").await;
    }
    done(&app, &identity, name, Wish::Drain { node, reason }).await
}

/// Give a drained node work again.
#[utoipa::path(
    post, path = "/v1/nodes/{node}/resume", tag = "nodes", operation_id = "resume",
    params(("node" = String, Path, description = "Its name", min_length = 1), TrialParams),
    responses(
        (status = 200, description = "It gets work again", body = NodeDone),
        (status = 400, description = "`bad-path`", body = Problem),
        (status = 404, description = "`unknown-node`, `unknown`", body = Problem),
    ),
)]
pub(super) async fn resume(
    State(app): State<App>,
    identity: Identity,
    Path(name): Path<String>,
    Params(params): Params<TrialParams>,
) -> Result<Response, ApiError> {
    identity.at_least(Role::Operator)?;
    let node = find(&app, &name).await?;
    if params.dry_run {
        return would(&app, node, name, "takes work again").await;
    }
    done(&app, &identity, name, Wish::Resume(node)).await
}
