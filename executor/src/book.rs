//! What the live world knows beside the engine: job files, names, checkpoints, reasons. Rebuilt from the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{ClassId, Event, JobId, NameId, QueueId, Shape, TenantId};
use serde::{Deserialize, Serialize};

use crate::job_file::JobFile;
use crate::launcher::End;
use crate::note::{Audit, Note};
use crate::submission::tenant_of;

/// A job as its owner knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEntry {
    /// As it was submitted.
    pub file: Arc<JobFile>,
    /// Who submitted it.
    pub owner: String,
    /// The user of the machine that it runs as; none: that of the server.
    #[serde(default)]
    pub user: Option<String>,
    /// The last checkpoint that it named.
    pub checkpoint: Option<String>,
    /// How its last run ended.
    pub end: Option<End>,
    /// Who put it on hold last, and why.
    #[serde(default)]
    pub held: Option<Drained>,
    /// Which checkpoints are in the journal.
    #[serde(default)]
    pub saved: SavedSoFar,
}

impl JobEntry {
    /// Its tenant.
    pub fn tenant(&self) -> &str {
        tenant_of(&self.file)
    }
}

/// How many checkpoints of each task of a run are in the journal: a launcher reports them again after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSoFar {
    attempt: u32,
    by_task: BTreeMap<u32, u32>,
}

impl SavedSoFar {
    /// Whether the checkpoint of this number is known.
    pub fn knows(&self, attempt: u32, task: u32, number: u32) -> bool {
        self.attempt == attempt && self.by_task.get(&task).is_some_and(|known| number <= *known)
    }

    fn count(&mut self, attempt: u32, task: u32, number: u32) {
        if self.attempt != attempt {
            *self = Self { attempt, by_task: BTreeMap::new() };
        }
        let known = self.by_task.entry(task).or_insert(0);
        *known = number.max(*known);
    }
}

/// Why a node takes no work, or a job is on hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Who wants it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The book. Written from facts and notes alone, the same way live and in a replay.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    jobs: Vec<JobEntry>,
    #[serde(with = "pairs")]
    classes: BTreeMap<Shape, ClassId>,
    tenants: BTreeMap<String, TenantId>,
    tenant_paths: Vec<String>,
    queues: BTreeMap<String, QueueId>,
    names: BTreeMap<String, NameId>,
    /// The last job of each name.
    named: BTreeMap<String, JobId>,
    /// Jobs by owner and idempotency key.
    #[serde(with = "pairs")]
    keys: BTreeMap<(String, String), JobId>,
    drained: BTreeMap<String, Drained>,
    /// What the audit log says of tokens: the last verb about each.
    #[serde(default)]
    tokens: BTreeMap<String, String>,
}

impl Book {
    /// Learns what a fact declares.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::ClassDeclared { class, shape } => {
                self.classes.insert(shape.clone(), *class);
            }
            Event::TenantDeclared { tenant, name, parent, .. } => {
                let above = parent.and_then(|parent| self.tenant_paths.get(parent.index()));
                let path = above.map_or_else(|| name.clone(), |above| format!("{above}/{name}"));
                self.tenants.insert(path.clone(), *tenant);
                self.tenant_paths.push(path);
            }
            Event::QueueDeclared { queue, name } => {
                self.queues.insert(name.clone(), *queue);
            }
            Event::NameDeclared { name, text } => {
                self.names.insert(text.clone(), *name);
            }
            _ => {}
        }
    }

    /// Learns what a note says.
    pub fn note(&mut self, note: &Note) {
        match note {
            Note::Job { job, file, owner, key, user } => {
                let file = Arc::new((**file).clone());
                if let Some(name) = &file.name {
                    self.named.insert(name.clone(), *job);
                }
                if let Some(key) = key {
                    self.keys.insert((owner.clone(), key.clone()), *job);
                }
                self.jobs.push(JobEntry {
                    file,
                    owner: owner.clone(),
                    user: user.clone(),
                    checkpoint: None,
                    end: None,
                    held: None,
                    saved: SavedSoFar::default(),
                });
            }
            Note::Checkpoint { run, checkpoint, seen } => {
                if let Some(entry) = self.jobs.get_mut(run.job.index()) {
                    if !checkpoint.is_empty() {
                        entry.checkpoint = Some(checkpoint.clone());
                    }
                    if let Some((task, number)) = *seen {
                        entry.saved.count(run.attempt, task, number);
                    }
                }
            }
            Note::End { run, end } => {
                if let Some(entry) = self.jobs.get_mut(run.job.index()) {
                    entry.end = Some(end.clone());
                }
            }
            Note::Drained { node, by, reason } => {
                self.drained.insert(node.clone(), Drained { by: by.clone(), reason: reason.clone() });
            }
            Note::Audit(Audit { verb, subject, .. }) => {
                if let Some(id) = subject.strip_prefix("token ").filter(|_| verb.starts_with("token.")) {
                    self.tokens.insert(id.to_owned(), verb.clone());
                }
            }
            Note::Held { job, by, reason } => {
                if let Some(entry) = self.jobs.get_mut(job.index()) {
                    entry.held = Some(Drained { by: by.clone(), reason: reason.clone() });
                }
            }
            Note::ClockStepped { .. } => {}
        }
    }

    /// The last verb of the audit log about each token, such as `token.create`.
    pub fn token_verbs(&self) -> &BTreeMap<String, String> {
        &self.tokens
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether nothing was submitted.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// A job.
    pub fn job(&self, job: JobId) -> Option<&JobEntry> {
        self.jobs.get(job.index())
    }

    /// The last job that was submitted under this name.
    pub fn named(&self, name: &str) -> Option<JobId> {
        self.named.get(name).copied()
    }

    /// The job that this owner submitted with this key.
    pub fn keyed(&self, owner: &str, key: &str) -> Option<JobId> {
        self.keys.get(&(owner.to_owned(), key.to_owned())).copied()
    }

    /// Path of a tenant.
    pub fn tenant_path(&self, tenant: TenantId) -> &str {
        self.tenant_paths.get(tenant.index()).map_or("", String::as_str)
    }

    /// Why a node is drained, where somebody said so.
    pub fn drained(&self, node: &str) -> Option<&Drained> {
        self.drained.get(node)
    }

    /// The class of a shape, and the fact that declares it where it is new.
    pub fn class(&mut self, shape: &Shape, facts: &mut Vec<Event>) -> ClassId {
        if let Some(class) = self.classes.get(shape) {
            return *class;
        }
        let class = ClassId::new(self.classes.len());
        self.declare(Event::ClassDeclared { class, shape: shape.clone() }, facts);
        class
    }

    /// The tenant of a path such as `research/vision`, and the facts that declare it and those above it where they are new.
    pub fn tenant(&mut self, path: &str, facts: &mut Vec<Event>) -> TenantId {
        if let Some(tenant) = self.tenants.get(path) {
            return *tenant;
        }
        let (parent, name) = match path.rsplit_once('/') {
            Some((above, name)) => (Some(self.tenant(above, facts)), name),
            None => (None, path),
        };
        let tenant = TenantId::new(self.tenant_paths.len());
        let declared = Event::TenantDeclared { tenant, name: name.to_owned(), parent, weight_milli: 1000 };
        self.declare(declared, facts);
        tenant
    }

    /// The queue of a name; that without a name is always there.
    pub fn queue(&mut self, name: &str, facts: &mut Vec<Event>) -> QueueId {
        if name.is_empty() {
            return QueueId(0);
        }
        if let Some(queue) = self.queues.get(name) {
            return *queue;
        }
        let queue = QueueId::new(self.queues.len() + 1);
        self.declare(Event::QueueDeclared { queue, name: name.to_owned() }, facts);
        queue
    }

    /// A name of a job.
    pub fn name(&mut self, text: &str, facts: &mut Vec<Event>) -> NameId {
        if let Some(name) = self.names.get(text) {
            return *name;
        }
        let name = NameId::new(self.names.len());
        self.declare(Event::NameDeclared { name, text: text.to_owned() }, facts);
        name
    }

    fn declare(&mut self, event: Event, facts: &mut Vec<Event>) {
        self.learn(&event);
        facts.push(event);
    }
}

/// Maps whose keys are no texts, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
