//! What a submission must pass before it is asked for: whose tenant, whose parents, whose user.

use axum::http::StatusCode;
use engine::{Core, JobId, RunId};

use super::App;
use super::error::ApiError;
use super::identity::Identity;
use crate::access::Scope;
use crate::book::Book;
use crate::job_file::JobFile;
use crate::submission::{Refused, TENANT, check, no_parent};

/// Fills in the tenant, and gives the user of the machine as whom the job will run; none: the user of the server.
pub(super) async fn admitted(app: &App, identity: &Identity, file: &mut JobFile) -> Result<Option<String>, ApiError> {
    let own = identity.tenant.as_deref().unwrap_or(TENANT);
    let tenant = file.tenant.get_or_insert_with(|| own.to_owned()).clone();
    if !identity.submits_for().holds(&tenant) {
        let message = format!("{} may not submit for tenant `{tenant}`", identity.who);
        let hint = format!("leave the tenant out, or name `{own}` or one below it");
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message, hint).at("tenant"));
    }
    let run_as = &app.settings.access.run_as;
    let user = run_as.user(&tenant, &identity.who, identity.peer).map_err(|_| {
        let message = format!("nothing says as which user of the machine jobs of tenant `{tenant}` run");
        let hint = format!(
            "the server runs as root: whoever runs it adds [[run_as]] with tenant = \"{tenant}\" and user = \"NAME\" to its \
             configuration, or run_as_root = true"
        );
        ApiError::new(StatusCode::FORBIDDEN, "no-user", message, hint).at("tenant")
    })?;
    if identity.counted.is_some() {
        file.after = checked(app, identity, file.clone()).await?;
    }
    Ok(user)
}

/// Checks a job file as the submission will, so that refusals of it cannot flood the journal. The parents are given by number:
/// a name could mean the job of somebody else by the time of the submission.
async fn checked(app: &App, identity: &Identity, mut file: JobFile) -> Result<Vec<String>, ApiError> {
    let identity = identity.clone();
    let look = move |core: &Core, book: &Book| -> Result<Vec<String>, Refused> {
        if identity.scope() != Scope::All {
            for parent in &mut file.after {
                let id = identity.find(book, parent).ok_or_else(|| no_parent(parent))?;
                *parent = id.0.to_string();
            }
        }
        check(&file, JobId::new(book.len()), core.state().cluster().inventory(), book)?;
        Ok(file.after)
    };
    app.handle.look(look).await?.map_err(ApiError::of_refused)
}

/// The job that was submitted earlier with the same key must be one that is seen: names on tokens and of users can be equal.
pub(super) async fn again(app: &App, identity: &Identity, job: JobId) -> Result<JobId, ApiError> {
    let identity = identity.clone();
    if app.handle.look(move |_, book| identity.submits_for().sees(book, job)).await? {
        return Ok(job);
    }
    let hint = "take another key: a random UUID will do";
    let message = "this key was used for another submission";
    Err(ApiError::new(StatusCode::CONFLICT, "bad-key", message, hint).at("Idempotency-Key"))
}

/// A run that says that it has saved is one of the caller's own.
pub(super) async fn own_run(app: &App, identity: &Identity, run: RunId) -> Result<(), ApiError> {
    let identity = identity.clone();
    let seen = app.handle.look(move |_, book| identity.find(book, &run.job.0.to_string()).is_some()).await?;
    if seen { Ok(()) } else { Err(ApiError::unknown_run(run)) }
}
