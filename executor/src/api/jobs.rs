//! Jobs: submit, list, show, cancel, hold, release, saved.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::{Cause, Core, Hold, Job, JobId, Phase, RunId};
use serde::Deserialize;

use super::admission::{admitted, again, own_run};
use super::answers::{JobInfo, Jobs, Saved, Submitted};
use super::error::{ApiError, json};
use super::extract::{Body, Params};
use super::identity::Identity;
use super::{App, SCHEMA};
use crate::book::Book;
use crate::job_file::JobFile;
use crate::launcher::End;
use crate::submission::check;
use crate::view;
use crate::world::{Done, Wish};

/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 200;
/// Jobs of a page where the client does not say.
const PAGE: usize = 1000;
/// Most jobs of a page.
const PAGE_MAX: usize = 10_000;
/// Most jobs that one look goes through, so that scheduling does not wait long.
const LOOK_JOBS: usize = 20_000;
/// Most jobs that one look shows.
const LOOK_VIEWS: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubmitParams {
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn submit(
    State(app): State<App>,
    identity: Identity,
    Params(params): Params<SubmitParams>,
    headers: HeaderMap,
    Body(mut file): Body<JobFile>,
) -> Result<Response, ApiError> {
    let key = key(&headers)?;
    if file.workdir.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        let hint = "write a path that begins with /: the server runs in another folder than you";
        let message = "the working directory is relative";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message, hint).at("workdir"));
    }
    let user = admitted(&app, &identity, &mut file).await?;
    if params.dry_run {
        return tried(&app, file).await;
    }
    let wish = Wish::Submit { file: Box::new(file), key, user };
    match app.handle.ask(wish, identity.audit()).await? {
        Done::Job(job) => Ok(json(StatusCode::CREATED, &Submitted { schema: SCHEMA, job: Some(job.0) })),
        Done::Again(job) => again(&app, &identity, job)
            .await
            .map(|job| json(StatusCode::OK, &Submitted { schema: SCHEMA, job: Some(job.0) })),
        done => Err(ApiError::of(done)),
    }
}

/// Checks a job file as a submission would, and submits nothing.
async fn tried(app: &App, file: JobFile) -> Result<Response, ApiError> {
    let looked = app.handle.look(move |core, book| {
        check(&file, JobId::new(book.len()), core.state().cluster().inventory(), book).map(drop)
    });
    looked.await?.map_err(ApiError::of_trial)?;
    Ok(json(StatusCode::OK, &Submitted { schema: SCHEMA, job: None }))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let wrong = || {
        let message = format!("an idempotency key has 1 to {KEY_MAX} printable ASCII characters");
        ApiError::new(StatusCode::BAD_REQUEST, "bad-key", message, "a random UUID will do").at("Idempotency-Key")
    };
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| wrong())?;
    if key.is_empty() || key.len() > KEY_MAX { Err(wrong()) } else { Ok(Some(key.to_owned())) }
}

/// Which jobs, and how many.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// States with commas between them, or `all`; default: those that have not ended.
    state: Option<String>,
    /// Tenant, with those below it.
    tenant: Option<String>,
    /// Name, exactly.
    name: Option<String>,
    /// Jobs after this number.
    after: Option<u32>,
    /// Most jobs.
    limit: Option<usize>,
}

/// States that can be asked for.
const STATES: [&str; 11] = [
    "held",
    "pending",
    "launching",
    "running",
    "stopping",
    "finished",
    "failed",
    "cancelled",
    "timed-out",
    "rejected",
    "parent-failed",
];

impl ListParams {
    fn check(&self) -> Result<(), ApiError> {
        let words = self.state.iter().flat_map(|states| states.split(','));
        if let Some(word) = words.filter(|word| *word != "all").find(|word| !STATES.contains(word)) {
            let hint = format!("write all, or some of {}", STATES.join(", "));
            let message = format!("`{word}` is no state of a job");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad-query", message, hint).at("state"));
        }
        Ok(())
    }

    fn wants(&self, job: &Job, id: JobId, book: &Book) -> bool {
        let state = match self.state.as_deref() {
            None => job.outcome().is_none(),
            Some("all") => true,
            Some(states) => states.split(',').any(|state| state == "all" || state == view::state_word(job.phase)),
        };
        let below = |tenant: &str| {
            let rest = book.tenant_path(job.spec.tenant).strip_prefix(tenant);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let named = |name: &str| book.job(id).is_some_and(|entry| entry.file.name.as_deref() == Some(name));
        state && self.tenant.as_deref().is_none_or(below) && self.name.as_deref().is_none_or(named)
    }

    /// A part of the page from job `from` on, and where the next part begins; none at the end of the jobs.
    fn part(
        &self,
        (core, book): (&Core, &Book),
        identity: &Identity,
        from: usize,
        limit: usize,
    ) -> (Vec<view::JobView>, Option<usize>) {
        let (jobs, mut views) = (core.state().jobs(), Vec::new());
        let end = jobs.len().min(from.saturating_add(LOOK_JOBS));
        for (index, job) in jobs.iter().enumerate().take(end).skip(from) {
            let id = JobId::new(index);
            if self.wants(job, id, book) {
                views.extend(identity.view(core, book, id));
                if views.len() == limit.min(LOOK_VIEWS) {
                    return (views, Some(index + 1).filter(|next| *next < jobs.len()));
                }
            }
        }
        (views, Some(end).filter(|end| *end < jobs.len()))
    }
}

/// A page, in several looks where it is long: jobs may change between them, and none is left out or shown twice.
pub(super) async fn list(
    State(app): State<App>,
    identity: Identity,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    params.check()?;
    let limit = params.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let mut from = Some(params.after.map_or(0, |after| after as usize + 1));
    let (mut jobs, mut now_s) = (Vec::new(), 0.0);
    while let Some(begin) = from.filter(|_| jobs.len() < limit) {
        let (params, identity, left) = (params.clone(), identity.clone(), limit - jobs.len());
        let look =
            move |core: &Core, book: &Book| (params.part((core, book), &identity, begin, left), core.state().now());
        let ((part, next), now) = app.handle.look(look).await?;
        jobs.extend(part);
        (from, now_s) = (next, now.secs_f64());
    }
    let next = from.map(|from| from as u32 - 1);
    Ok(json(StatusCode::OK, &Jobs { schema: SCHEMA, origin_us: app.settings.origin_us, now_s, jobs, next }))
}

pub(super) async fn show(
    State(app): State<App>,
    identity: Identity,
    Path(text): Path<String>,
) -> Result<Response, ApiError> {
    let (wanted, origin_us) = (text.clone(), app.settings.origin_us);
    let look = move |core: &Core, book: &Book| {
        let id = identity.find(book, &wanted)?;
        let entry = book.job(id)?;
        let (job, now_s) = (identity.view(core, book, id)?, core.state().now().secs_f64());
        let end = entry.end.as_ref().map(end_text);
        Some(JobInfo { schema: SCHEMA, origin_us, now_s, job, end, file: (*entry.file).clone() })
    };
    let info = app.handle.look(look).await?.ok_or_else(|| ApiError::unknown_job(&text))?;
    Ok(json(StatusCode::OK, &info))
}

fn end_text(end: &End) -> String {
    match end {
        End::Exited(code) => format!("exit code {code}"),
        End::Signalled(signal) => format!("killed by signal {signal}"),
        End::NotStarted(why) => format!("could not be started: {why}"),
        End::Lost(why) => format!("nobody knows how it ended: {why}"),
    }
}

/// What is done to a job, and to which it can be.
#[derive(Clone, Copy)]
enum Verb {
    Cancel,
    Hold,
    Release,
}

impl Verb {
    fn check(self, id: JobId, phase: Phase) -> Result<(), ApiError> {
        let conflict = |code, message, hint: &str| Err(ApiError::new(StatusCode::CONFLICT, code, message, hint));
        match (self, phase) {
            (_, Phase::Done(outcome)) => {
                conflict("ended", format!("job {} has ended: {}", id.0, outcome.name()), "nothing is left to be done")
            }
            (Self::Release, Phase::Held(Hold::Operator) | Phase::Draining(Cause::Held)) => Ok(()),
            (Self::Release, phase) => {
                let message = format!("job {} is not on hold: it is {}", id.0, view::state_word(phase));
                conflict("not-held", message, "`trainyard explain` says what it waits for")
            }
            _ => Ok(()),
        }
    }

    fn wish(self, job: JobId) -> Wish {
        match self {
            Self::Cancel => Wish::Cancel(job),
            Self::Hold => Wish::Hold(job),
            Self::Release => Wish::Release(job),
        }
    }
}

async fn done(app: App, identity: Identity, text: String, verb: Verb) -> Result<Response, ApiError> {
    let (wanted, asking) = (text.clone(), identity.clone());
    let look = move |core: &Core, book: &Book| asking.find(book, &wanted).map(|id| (id, core.state().job(id).phase));
    let (id, phase) = app.handle.look(look).await?.ok_or_else(|| ApiError::unknown_job(&text))?;
    verb.check(id, phase)?;
    match app.handle.ask(verb.wish(id), identity.audit()).await? {
        Done::Done => Ok(json(StatusCode::OK, &Submitted { schema: SCHEMA, job: Some(id.0) })),
        other => Err(ApiError::of(other)),
    }
}

pub(super) async fn cancel(
    State(app): State<App>,
    identity: Identity,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    done(app, identity, job, Verb::Cancel).await
}

pub(super) async fn hold(
    State(app): State<App>,
    identity: Identity,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    done(app, identity, job, Verb::Hold).await
}

pub(super) async fn release(
    State(app): State<App>,
    identity: Identity,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    done(app, identity, job, Verb::Release).await
}

pub(super) async fn saved(
    State(app): State<App>,
    identity: Identity,
    Body(saved): Body<Saved>,
) -> Result<Response, ApiError> {
    let run = RunId { job: JobId(saved.job), attempt: saved.attempt };
    own_run(&app, &identity, run).await?;
    let wish = Wish::Saved { run, checkpoint: saved.checkpoint };
    match app.handle.ask(wish, identity.audit()).await? {
        Done::Done => Ok(json(StatusCode::OK, &Submitted { schema: SCHEMA, job: Some(saved.job) })),
        other => Err(ApiError::of(other)),
    }
}
