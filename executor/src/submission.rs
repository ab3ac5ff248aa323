//! A job file becomes a job of the engine, or is refused with the field that is wrong.

use engine::{
    Event, GpuRequest, Inventory, JobId, JobSpec, Level, MILLI, Misfit, ModelSet, RetryRule, Shape, Span, TaskGroup,
    TaskRequest,
};

use crate::access::sound_tenant;
use crate::book::Book;
use crate::job_file::JobFile;

/// The tenant of jobs that name none, and come without one.
pub const TENANT: &str = "default";

/// Most tasks of a gang.
const TASKS_MAX: u32 = 100_000;
/// Most GPUs of a task.
const GPUS_MAX: f64 = 4096.0;
/// Most CPU cores of a task.
const CPUS_MAX: f64 = 1_000_000.0;

/// Why a job file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Refused {
    /// The field of the job file.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Refused {
    fn new(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field, message: message.into(), hint: hint.into() }
    }
}

/// What a server gives to jobs that do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Time between the signal to stop and the kill.
    pub grace: Span,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { grace: Span::secs(30) }
    }
}

/// The facts that submit a job as number `job`: declarations of what is new, and the submission.
///
/// Nothing is declared when the job is refused.
pub fn submission(
    file: &JobFile,
    job: JobId,
    inventory: &Inventory,
    defaults: Defaults,
    book: &mut Book,
) -> Result<Vec<Event>, Refused> {
    let (shape, after) = check(file, job, inventory, book)?;
    let retry = RetryRule {
        failures_max: file.retry.failures,
        codes: file.retry.codes.iter().copied().collect(),
        backoff: file.retry.backoff.map_or(Span::ZERO, |spoken| spoken.0),
        ..RetryRule::default()
    };
    let mut facts = Vec::new();
    let class = book.class(&shape, &mut facts);
    let tenant = book.tenant(tenant_of(file), &mut facts);
    let queue = book.queue(file.queue.as_deref().unwrap_or_default(), &mut facts);
    let name = file.name.as_deref().map(|name| book.name(name, &mut facts));
    let spec = JobSpec {
        queue,
        priority: file.priority,
        preemptible: file.preemptible,
        held: file.hold,
        estimate: file.estimate.map(|spoken| spoken.0),
        time_limit: file.time_limit.map(|spoken| spoken.0),
        name,
        retry,
        grace: file.grace.map_or(defaults.grace, |spoken| spoken.0),
        after,
        ..JobSpec::plain(class, tenant)
    };
    facts.push(Event::Submitted { job, spec: Box::new(spec), truth: None });
    Ok(facts)
}

/// The gang of a job file and the jobs that it waits for, if nothing is wrong with it. Changes nothing.
pub fn check(
    file: &JobFile,
    job: JobId,
    inventory: &Inventory,
    book: &Book,
) -> Result<(Shape, smallvec::SmallVec<[JobId; 2]>), Refused> {
    let shape = shape(file, inventory)?;
    let after = parents(file, job, book)?;
    check_words(file)?;
    Ok((shape, after))
}

/// The gang, if this cluster could ever hold it.
fn shape(file: &JobFile, inventory: &Inventory) -> Result<Shape, Refused> {
    if !(1..=TASKS_MAX).contains(&file.tasks) {
        return Err(Refused::new("tasks", format!("{} tasks", file.tasks), format!("ask for 1 to {TASKS_MAX}")));
    }
    let request = TaskRequest {
        gpus: gpus(file.gpus)?,
        cpu_milli: cpu_milli(file.cpus)?,
        memory_mib: file.memory_mib,
        models: models(file, inventory)?,
    };
    let group = TaskGroup { tasks_min: file.tasks, tasks_max: file.tasks, request };
    let shape = Shape {
        groups: [group].into_iter().collect(),
        required: level("required", file.required.as_deref())?,
        preferred: level("preferred", file.preferred.as_deref())?,
    };
    inventory.holds(&shape.sorted()).map_err(|misfit| too_large(misfit, file, inventory))?;
    Ok(shape)
}

fn too_large(misfit: Misfit, file: &JobFile, inventory: &Inventory) -> Refused {
    let largest = inventory.largest_node(ModelSet::ANY);
    match misfit {
        Misfit::NoNode => Refused::new(
            "gpus",
            format!(
                "no node of this cluster has {} GPUs, {} CPUs and {} MiB for one task",
                file.gpus, file.cpus, file.memory_mib
            ),
            format!("the largest node has {largest} GPUs; `trainyard nodes` shows all"),
        ),
        Misfit::TooManyTasks => Refused::new(
            "tasks",
            format!("the empty cluster could not hold {} tasks with {} GPUs each", file.tasks, file.gpus),
            format!("the cluster has {} GPUs; `trainyard nodes` shows them", inventory.gpus()),
        ),
        Misfit::NoDomain => Refused::new(
            "required",
            "this cluster has no such level of its topology",
            "leave the field out, or name a level that the cluster has",
        ),
    }
}

fn gpus(gpus: f64) -> Result<GpuRequest, Refused> {
    let hint = "write a whole number, or a part of one GPU such as 0.5, in thousandths";
    let wrong = || Refused::new("gpus", format!("{gpus} GPUs"), hint);
    if !(0.0..=GPUS_MAX).contains(&gpus) {
        return Err(wrong());
    }
    let milli = (gpus * f64::from(MILLI)).round();
    let exact = (milli - gpus * f64::from(MILLI)).abs() < 1e-6;
    match milli as u32 {
        whole if exact && whole.is_multiple_of(MILLI) => Ok(GpuRequest::Whole(whole / MILLI)),
        part if exact && part < MILLI => Ok(GpuRequest::Milli(part as u16)),
        _ => Err(wrong()),
    }
}

fn cpu_milli(cpus: f64) -> Result<u32, Refused> {
    if !(0.0..=CPUS_MAX).contains(&cpus) {
        return Err(Refused::new("cpus", format!("{cpus} CPUs"), "write a number of cores, such as 4 or 0.5"));
    }
    Ok((cpus * 1000.0).round() as u32)
}

fn models(file: &JobFile, inventory: &Inventory) -> Result<ModelSet, Refused> {
    if file.gpu_models.is_empty() {
        return Ok(ModelSet::ANY);
    }
    file.gpu_models.iter().try_fold(ModelSet::NONE, |set, name| {
        inventory.model(name).map(|model| set.with(model)).ok_or_else(|| {
            let known: Vec<&str> = inventory.models.iter().map(|model| model.name.as_str()).collect();
            let hint = format!("this cluster has {}", known.join(", "));
            Refused::new("gpu_models", format!("no GPU is a `{name}`"), hint)
        })
    })
}

fn level(field: &'static str, name: Option<&str>) -> Result<Option<Level>, Refused> {
    let find = |name: &str| Level::ALL.into_iter().find(|level| level.name() == name);
    name.map(|name| {
        let hint = "write nvlink-domain, rack or zone";
        find(name).ok_or_else(|| Refused::new(field, format!("`{name}` is no level of a topology"), hint))
    })
    .transpose()
}

fn parents(file: &JobFile, job: JobId, book: &Book) -> Result<smallvec::SmallVec<[JobId; 2]>, Refused> {
    let parent = |text: &String| {
        let number = text.parse::<usize>().ok().filter(|number| *number < job.index()).map(JobId::new);
        number.or_else(|| book.named(text)).ok_or_else(|| no_parent(text))
    };
    file.after.iter().map(parent).collect()
}

/// There is no such job to wait for, or none that may be known of.
pub fn no_parent(text: &str) -> Refused {
    let hint = "name jobs that were submitted before, by number or by name";
    Refused::new("after", format!("there is no job `{text}`"), hint)
}

/// The tenant of a job.
pub fn tenant_of(file: &JobFile) -> &str {
    file.tenant.as_deref().unwrap_or(TENANT)
}

/// What only has to be well formed.
fn check_words(file: &JobFile) -> Result<(), Refused> {
    if file.command.first().is_none_or(String::is_empty) {
        return Err(Refused::new("command", "no program is named", "write the program and its arguments"));
    }
    let nul = |text: &str| text.contains('\0');
    if file.command.iter().any(|word| nul(word)) {
        return Err(Refused::new("command", "a word has a NUL byte", "leave it out"));
    }
    if let Some(key) =
        file.env.iter().find(|(key, value)| key.is_empty() || key.contains('=') || nul(key) || nul(value))
    {
        return Err(Refused::new(
            "env",
            format!("`{}` cannot be a variable", key.0),
            "names hold no = and no NUL byte",
        ));
    }
    if crate::signals::number(&file.signal).is_none() {
        let hint = "write TERM, INT, USR1, USR2, HUP or QUIT";
        return Err(Refused::new("signal", format!("`{}` cannot be sent to jobs", file.signal), hint));
    }
    let path = tenant_of(file);
    if !sound_tenant(path) {
        return Err(Refused::new("tenant", format!("`{path}` is no path of tenants"), "write org/team/user"));
    }
    for (field, text) in [("name", &file.name), ("queue", &file.queue)] {
        if text.as_deref().is_some_and(|text| text.is_empty() || text.len() > 200 || text.chars().any(char::is_control))
        {
            return Err(Refused::new(field, "it is empty, too long, or has control characters", "1 to 200 characters"));
        }
    }
    Ok(())
}
