//! What a job wrote, as it is in the file, while it runs where that is wanted.

use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{Core, JobId, RunId};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::Sender;
use utoipa::IntoParams;

use super::App;
use super::error::{ApiError, Problem};
use super::extract::{Params, Path};
use super::feed::feed;
use super::identity::Identity;
use super::log_file::{Stream, open_log};
use crate::book::Book;
use crate::handle::Change;

/// A file that is followed is looked at again after so long.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes that are read and sent at a time.
const PIECE: usize = 64 << 10;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogParams {
    /// The task; default: the first.
    #[serde(default)]
    #[param(maximum = 4_294_967_295_u32)]
    task: u32,
    /// The attempt; default: the last.
    #[param(minimum = 1, maximum = 4_294_967_295_u32)]
    attempt: Option<u32>,
    /// Which of the two; default: `stdout`.
    #[serde(default)]
    #[param(inline)]
    stream: Stream,
    /// Until the run has ended.
    #[serde(default)]
    follow: bool,
    /// Bytes to leave out.
    #[serde(default)]
    #[param(maximum = 9_223_372_036_854_775_807_i64)]
    offset: u64,
}

/// A run, as far as its files are concerned.
#[derive(Clone, Copy, Debug)]
struct Subject {
    run: RunId,
    /// The run does not write any more.
    over: bool,
    /// It was placed once.
    begun: bool,
}

/// The run that is meant; `None` where the job has no such attempt and will not have it.
fn subject(core: &Core, id: JobId, attempt: Option<u32>) -> Option<Subject> {
    let job = core.state().job(id);
    // Before its first launch a job can be followed already.
    let attempt = attempt.unwrap_or_else(|| job.attempt.max(1));
    let over = job.outcome().is_some() || attempt < job.attempt || (attempt == job.attempt && job.placement.is_empty());
    let possible = attempt >= 1 && (attempt <= job.attempt || (attempt == job.attempt + 1 && job.outcome().is_none()));
    let begun = attempt <= job.attempt;
    possible.then_some(Subject { run: RunId { job: id, attempt }, over, begun })
}

/// What a task of a job wrote.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/logs", tag = "jobs", operation_id = "logs",
    params(("job" = String, Path, description = "Its number, or a name for the last one of that name", min_length = 1), LogParams),
    responses(
        (status = 200, description = "The bytes that it wrote", body = String, content_type = "application/octet-stream"),
        (status = 400, description = "`bad-path`, `bad-query`", body = Problem),
        (status = 404, description = "`unknown-job`, `no-logs`", body = Problem),
    ),
)]
pub(super) async fn logs(
    State(app): State<App>,
    identity: Identity,
    Path(text): Path<String>,
    Params(params): Params<LogParams>,
) -> Result<Response, ApiError> {
    let changes = app.handle.follow();
    let (wanted, attempt) = (text.clone(), params.attempt);
    let look = move |core: &Core, book: &Book| {
        let id = identity.find(book, &wanted)?;
        let tasks = book.job(id)?.file.tasks;
        Some((subject(core, id, attempt), tasks))
    };
    let (subject, tasks) = app.handle.look(look).await?.ok_or_else(|| ApiError::unknown_job(&text))?;
    let missing = |message: String| {
        let hint = "`trainyard info` shows how many attempts and tasks it has";
        ApiError::new(StatusCode::NOT_FOUND, "no-logs", message, hint)
    };
    let subject = subject.ok_or_else(|| missing(format!("job `{text}` has no such attempt")))?;
    if params.task >= tasks {
        return Err(missing(format!("job `{text}` has no task {}", params.task)).at("task"));
    }
    let reader = Reader { runs: app.settings.runs.clone(), run: subject.run, task: params.task, stream: params.stream };
    let file = reader.open().await.map_err(|error| missing(format!("the log cannot be read: {error}")))?;
    if file.is_none() && subject.over && subject.begun && !reader.folder().exists() {
        let message =
            format!("the logs of attempt {} of job `{text}` were deleted some time after its end", subject.run.attempt);
        let hint = "the server keeps the folders of ended runs by keep_runs and keep_runs_bytes of its configuration";
        return Err(ApiError::new(StatusCode::GONE, "gone", message, hint));
    }
    if file.is_none() && !params.follow {
        return Err(missing(format!(
            "attempt {} of job `{text}` has written nothing there so far",
            subject.run.attempt
        )));
    }
    let (sender, body) = feed();
    let tail = Tail { app, reader, file, offset: params.offset, sender };
    tokio::spawn(
        async move { if params.follow { tail.follow(subject.over, changes).await } else { tail.once().await } },
    );
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}

/// Where the file is.
#[derive(Clone, Debug)]
struct Reader {
    runs: PathBuf,
    run: RunId,
    task: u32,
    stream: Stream,
}

impl Reader {
    fn folder(&self) -> PathBuf {
        self.runs.join(format!("{}-{}", self.run.job.0, self.run.attempt))
    }

    async fn open(&self) -> io::Result<Option<tokio::fs::File>> {
        let Self { runs, run, task, stream } = self.clone();
        let opened = tokio::task::spawn_blocking(move || open_log(&runs, run, task, stream)).await;
        Ok(opened.map_err(io::Error::other)??.map(tokio::fs::File::from_std))
    }
}

/// A file on its way to a client.
struct Tail {
    app: App,
    reader: Reader,
    file: Option<tokio::fs::File>,
    offset: u64,
    sender: Sender<Bytes>,
}

/// The client has gone, or the file cannot be read any more.
struct Over;

impl Tail {
    async fn once(mut self) {
        // What could not be sent is missing at the end of the answer; nobody is left to tell.
        let _ = self.send_all().await;
    }

    /// Sends what there is, and what comes, until the run has ended.
    async fn follow(mut self, mut over: bool, mut changes: Receiver<Change>) {
        loop {
            if self.file.is_none() {
                self.file = self.reader.open().await.ok().flatten();
            }
            // Whether it is over is known before the last bytes are read.
            if self.send_all().await.is_err() || over {
                return;
            }
            over = tokio::select! {
                changed = changed(&mut changes, self.reader.run.job) => match changed {
                    Ok(()) => self.is_over().await,
                    Err(Over) => return,
                },
                () = tokio::time::sleep(PAUSE) => false,
                () = self.sender.closed() => return,
                () = self.app.shutdown.begun() => return,
            };
        }
    }

    async fn is_over(&self) -> bool {
        let RunId { job, attempt } = self.reader.run;
        let look = move |core: &Core, _: &Book| subject(core, job, Some(attempt)).is_none_or(|subject| subject.over);
        self.app.handle.look(look).await.unwrap_or(true)
    }

    async fn send_all(&mut self) -> Result<(), Over> {
        let Some(file) = &mut self.file else { return Ok(()) };
        loop {
            file.seek(SeekFrom::Start(self.offset)).await.map_err(|_| Over)?;
            let mut piece = Vec::with_capacity(PIECE);
            file.take(PIECE as u64).read_to_end(&mut piece).await.map_err(|_| Over)?;
            if piece.is_empty() {
                return Ok(());
            }
            self.offset += piece.len() as u64;
            self.sender.send(Bytes::from(piece)).await.map_err(|_| Over)?;
        }
    }
}

/// Waits until something about the job has changed, or may have.
async fn changed(changes: &mut Receiver<Change>, id: JobId) -> Result<(), Over> {
    loop {
        match changes.recv().await {
            Ok(Change::Job { job, .. }) if job == id => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return Ok(()),
            Err(RecvError::Closed) => return Err(Over),
        }
    }
}
