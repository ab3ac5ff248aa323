//! Nodes: list, drain, resume.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Core, NodeId};

use super::answers::{Drain, NodeDone, Nodes};
use super::error::{ApiError, json};
use super::extract::{Body, Params};
use super::identity::Identity;
use super::verbs::TrialParams;
use super::{App, SCHEMA};
use crate::book::Book;
use crate::view;
use crate::world::{Done, Wish};

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

pub(super) async fn list(State(app): State<App>, _: Identity) -> Result<Response, ApiError> {
    let mut nodes = app.handle.look(view::nodes).await?;
    // Real GPUs are those of this machine, which is then the only node.
    if let Some(node) = nodes.first_mut() {
        node.devices = app.settings.devices.all();
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

pub(super) async fn drain(
    State(app): State<App>,
    identity: Identity,
    Path(name): Path<String>,
    Params(params): Params<TrialParams>,
    Body(Drain { reason }): Body<Drain>,
) -> Result<Response, ApiError> {
    let node = find(&app, &name).await?;
    check_reason(&reason)?;
    if params.dry_run {
        return would(&app, node, name, "takes no more work").await;
    }
    done(&app, &identity, name, Wish::Drain { node, reason }).await
}

pub(super) async fn resume(
    State(app): State<App>,
    identity: Identity,
    Path(name): Path<String>,
    Params(params): Params<TrialParams>,
) -> Result<Response, ApiError> {
    let node = find(&app, &name).await?;
    if params.dry_run {
        return would(&app, node, name, "takes work again").await;
    }
    done(&app, &identity, name, Wish::Resume(node)).await
}
