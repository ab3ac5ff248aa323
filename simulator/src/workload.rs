//! A trace made ready for one cluster: shapes interned, gangs cut to the size of its nodes, tenants as a tree.

pub mod recorded;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{
    AppId, ClassId, Event, GpuRequest, Inventory, JobId, JobSpec, Level, MILLI, ModelSet, NameId, QueueId, Shape, Span,
    TaskRequest, TenantId, Terms, Time,
};
use traces::{Trace, TraceJob};

use crate::tenants::TenantTerms;
use recorded::Told;

/// A trace made ready for one cluster.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    trace: &'a Arc<Trace>,
    shapes: Vec<Shape>,
    /// Class of each job of the trace.
    classes: Vec<ClassId>,
    /// Nodes of the tenant tree: name, parent, weight in thousandths.
    tenants: Vec<(String, Option<TenantId>, u32)>,
    /// Terms beyond weights, and all terms that change.
    terms: Vec<(Time, TenantId, Terms)>,
    /// Node of each tenant of the trace.
    tenant_ids: Vec<TenantId>,
    /// Names of jobs and of qualities of service, and of each job: its name, its quality.
    names: Vec<String>,
    named: Vec<Named>,
    /// Application class of each job; empty where GPUs do not differ.
    apps: Vec<AppId>,
    /// Jobs whose wishes go beyond what a trace can say.
    amended: BTreeMap<usize, JobSpec>,
    /// The mix that is declared instead of the trace's own, and the name of the trace that it is from.
    expected: Option<(String, Vec<(TaskRequest, u64)>)>,
    /// What a journal tells beside the trace, where the workload is from one.
    told: Option<Told>,
}

impl<'a> Workload<'a> {
    /// Prepares `trace` for the cluster.
    pub fn new(trace: &'a Arc<Trace>, inventory: &Inventory, terms: &TenantTerms) -> Self {
        let model_sets: Vec<ModelSet> = trace.model_sets.iter().map(|names| known_models(names, inventory)).collect();
        let mut shapes = Vec::new();
        let mut ids: BTreeMap<Shape, ClassId> = BTreeMap::new();
        let mut largest: BTreeMap<ModelSet, u32> = BTreeMap::new();
        let mut last: Option<(Demand, ClassId)> = None;
        let mut classes = Vec::with_capacity(trace.jobs.len());
        for job in &trace.jobs {
            let models = job.models.map_or(ModelSet::ANY, |set| model_sets[set as usize]);
            let demand = Demand {
                milli: job.gpu_milli,
                tasks: job.tasks,
                cpu: job.cpu_milli,
                memory: job.memory_mib,
                models,
                levels: (job.required, job.preferred),
            };
            let class = match last {
                Some((same, class)) if same == demand => class,
                _ => {
                    let per_node = *largest.entry(models).or_insert_with(|| inventory.largest_node(models));
                    *ids.entry(demand.shape(per_node)).or_insert_with_key(|shape| {
                        shapes.push(shape.clone());
                        ClassId::new(shapes.len() - 1)
                    })
                }
            };
            last = Some((demand, class));
            classes.push(class);
        }
        let (names, named) = names(trace);
        let (tenants, tenant_ids) = tenant_tree(&trace.tenants, terms);
        let terms = terms_over_time(&tenants, terms, trace.origin.as_deref());
        let apps = apps(trace, inventory);
        let amended = BTreeMap::new();
        let (expected, told) = (None, None);
        Self { trace, shapes, classes, tenants, terms, tenant_ids, names, named, apps, amended, expected, told }
    }

    /// Declares the mix of the jobs of `other` as what is to be expected, instead of the trace's own.
    #[must_use]
    pub fn expecting(mut self, other: Option<&Arc<Trace>>, inventory: &Inventory) -> Self {
        self.expected = other.map(|other| {
            let workload = Workload::new(other, inventory, &TenantTerms::default());
            (other.source.clone(), workload.own_mix())
        });
        self
    }

    /// The trace whose jobs are to be expected, where it is another than the one that is replayed.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_ref().map(|(source, _)| source.as_str())
    }

    /// The trace.
    pub fn trace(&self) -> &'a Arc<Trace> {
        self.trace
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.trace.jobs.len()
    }

    /// Whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.trace.jobs.is_empty()
    }

    /// Whether any job carries an estimate of the user.
    pub fn has_estimates(&self) -> bool {
        self.trace.jobs.iter().any(|job| job.estimate.is_some())
    }

    /// When a job is submitted.
    pub fn submit(&self, index: usize) -> Option<Time> {
        self.trace.jobs.get(index).map(|job| job.submit)
    }

    /// True work of a job; [`Span::MAX`] where nobody knows it: such a job goes on until something ends it.
    pub fn work(&self, job: JobId) -> Span {
        match &self.told {
            Some(told) => told.works[job.index()],
            None => self.trace.jobs[job.index()].duration,
        }
    }

    /// Application class of a job.
    pub fn app(&self, job: JobId) -> AppId {
        self.apps.get(job.index()).copied().unwrap_or_default()
    }

    /// What must be declared before the first job.
    pub fn declarations(&self) -> impl Iterator<Item = Event> + '_ {
        let told = self.told.iter().flat_map(|told| told.declared.iter().cloned());
        told.chain(self.told.is_none().then(|| self.own_declarations()).into_iter().flatten())
    }

    fn own_declarations(&self) -> impl Iterator<Item = Event> + '_ {
        let classes = self.shapes.iter().enumerate();
        let classes = classes.map(|(at, shape)| Event::ClassDeclared { class: ClassId::new(at), shape: shape.clone() });
        let tenants = self.tenants.iter().enumerate().map(|(at, (name, parent, weight_milli))| Event::TenantDeclared {
            tenant: TenantId::new(at),
            name: name.clone(),
            parent: *parent,
            weight_milli: *weight_milli,
        });
        let queues = self.trace.queues.iter().enumerate();
        let queues = queues.map(|(at, name)| Event::QueueDeclared { queue: QueueId::new(at + 1), name: name.clone() });
        let names = self.names.iter().enumerate();
        let names = names.map(|(at, text)| Event::NameDeclared { name: NameId::new(at), text: text.clone() });
        let terms = self.terms.iter().filter(|(at, ..)| *at == Time::ZERO);
        let terms = terms.map(|(_, tenant, terms)| Event::TermsChanged { tenant: *tenant, terms: *terms });
        classes.chain(tenants).chain(queues).chain(names).chain(terms)
    }

    /// Facts from outside after the beginning: changes of terms, and what else a journal tells.
    pub fn changes(&self) -> impl Iterator<Item = (Time, Event)> + '_ {
        let told = self.told.iter().flat_map(|told| told.later.iter().cloned());
        told.chain(self.changes_of_terms())
    }

    fn changes_of_terms(&self) -> impl Iterator<Item = (Time, Event)> + '_ {
        let later = self.terms.iter().filter(|(at, ..)| *at > Time::ZERO);
        later.map(|(at, tenant, terms)| (*at, Event::TermsChanged { tenant: *tenant, terms: *terms }))
    }

    /// The requests of all tasks that are to be expected, with counts: those of the trace, or of another
    /// ([`Workload::expecting`]). A gang counts its tasks as they are placed on nodes, of each group as many as it needs at
    /// least.
    pub fn mix(&self) -> Vec<(TaskRequest, u64)> {
        self.expected.as_ref().map_or_else(|| self.own_mix(), |(_, mix)| mix.clone())
    }

    fn own_mix(&self) -> Vec<(TaskRequest, u64)> {
        let mut jobs = vec![0u64; self.shapes.len()];
        self.classes.iter().for_each(|class| jobs[class.index()] += 1);
        let mut tasks: BTreeMap<TaskRequest, u64> = BTreeMap::new();
        for (shape, jobs) in self.shapes.iter().zip(jobs) {
            for group in &shape.groups {
                *tasks.entry(group.request).or_default() += jobs * u64::from(group.tasks_min);
            }
        }
        tasks.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// The tasks of one job, of each group as many as it needs at least.
    pub fn tasks_of(&self, index: usize) -> impl Iterator<Item = TaskRequest> + '_ {
        let groups = &self.shapes[self.classes[index].index()].groups;
        groups.iter().flat_map(|group| std::iter::repeat_n(group.request, group.tasks_min as usize))
    }

    /// The submission of job `index`.
    pub fn submission(&self, index: usize) -> Event {
        let spec = self.amended.get(&index).cloned().unwrap_or_else(|| self.spec(index));
        let truth = match &self.told {
            Some(told) => told.truths[index],
            None => Some(self.trace.jobs[index].duration),
        };
        Event::Submitted { job: JobId::new(index), spec: Box::new(spec), truth }
    }

    /// What the user of job `index` wants, as far as the trace says.
    fn spec(&self, index: usize) -> JobSpec {
        let job: &TraceJob = &self.trace.jobs[index];
        JobSpec {
            priority: job.priority,
            preemptible: job.preemptible,
            estimate: job.estimate,
            time_limit: job.time_limit,
            deadline: job.deadline,
            start_by: job.start_by,
            restart: job.restart,
            queue: QueueId::new(job.queue.map_or(0, |queue| queue as usize + 1)),
            name: self.named.get(index).and_then(|(name, _)| *name),
            qos: self.named.get(index).and_then(|(_, qos)| *qos),
            app: self.app(JobId::new(index)),
            ..JobSpec::plain(self.classes[index], self.tenant_ids[job.tenant as usize])
        }
    }

    /// Changes what the user of job `index` wants: dependencies, retries, grace, holds.
    pub fn amend(&mut self, index: usize, edit: impl FnOnce(&mut JobSpec)) {
        let mut spec = self.amended.remove(&index).unwrap_or_else(|| self.spec(index));
        edit(&mut spec);
        self.amended.insert(index, spec);
    }

    /// Makes job `index` ask for another gang: several task groups, topology.
    pub fn reshape(&mut self, index: usize, shape: &Shape) {
        let known = self.shapes.iter().position(|other| other == shape);
        let class = known.unwrap_or_else(|| {
            self.shapes.push(shape.clone());
            self.shapes.len() - 1
        });
        self.classes[index] = ClassId::new(class);
        self.amend(index, |spec| spec.class = ClassId::new(class));
    }

    /// Weight of the tenant of the trace with this index, on its top level, times its weight inside: its entitlement.
    pub fn entitlement(&self, tenant: usize) -> f64 {
        let mut at = Some(self.tenant_ids[tenant]);
        let mut weight = 1.0;
        while let Some(id) = at {
            let (_, parent, milli) = &self.tenants[id.index()];
            weight *= f64::from(*milli) / 1000.0;
            at = *parent;
        }
        weight
    }
}

/// What decides the class of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Demand {
    milli: u32,
    /// Equal tasks of the gang; 0: the cluster decides.
    tasks: u32,
    cpu: u32,
    memory: u32,
    models: ModelSet,
    /// Required and preferred level of the topology.
    levels: (Option<Level>, Option<Level>),
}

impl Demand {
    fn shape(self, per_node: u32) -> Shape {
        let (required, preferred) = self.levels;
        Shape { required, preferred, ..self.groups(per_node) }
    }

    fn groups(self, per_node: u32) -> Shape {
        let parts = self.tasks.max(1);
        let base = TaskRequest {
            gpus: GpuRequest::Whole(0),
            cpu_milli: self.cpu.div_ceil(parts),
            memory_mib: self.memory.div_ceil(parts),
            models: self.models,
        };
        match self.milli / parts {
            0 => Shape::uniform(parts, TaskRequest { models: ModelSet::ANY, ..base }),
            milli if milli < MILLI => {
                Shape::uniform(parts, TaskRequest { gpus: GpuRequest::Milli(milli as u16), ..base })
            }
            milli if self.tasks > 0 => {
                Shape::uniform(parts, TaskRequest { gpus: GpuRequest::Whole(milli / MILLI), ..base })
            }
            milli => Shape::gang(milli / MILLI, per_node, base),
        }
    }
}

/// The name of a job and its quality of service.
type Named = (Option<NameId>, Option<NameId>);

/// Names and qualities of service, each once, and those of each job; empty where no job has any.
fn names<'t>(trace: &'t Trace) -> (Vec<String>, Vec<Named>) {
    if trace.jobs.iter().all(|job| job.name.is_none() && job.qos.is_none()) {
        return (Vec::new(), Vec::new());
    }
    let mut known: BTreeMap<&str, NameId> = BTreeMap::new();
    let mut names = Vec::new();
    let mut named = Vec::with_capacity(trace.jobs.len());
    for job in &trace.jobs {
        let mut id = |text: Option<&'t str>| {
            text.map(|text| {
                *known.entry(text).or_insert_with(|| {
                    names.push(text.to_owned());
                    NameId::new(names.len() - 1)
                })
            })
        };
        named.push((id(job.name.as_deref()), id(job.qos.as_deref())));
    }
    (names, named)
}

/// The application class of each job, by its kind and its name; none where GPUs do not differ.
fn apps(trace: &Trace, inventory: &Inventory) -> Vec<AppId> {
    if inventory.variability.is_empty() {
        return Vec::new();
    }
    let mut known: BTreeMap<[&str; 2], AppId> = BTreeMap::new();
    let mut apps = Vec::with_capacity(trace.jobs.len());
    for job in &trace.jobs {
        let kind = job.job_type.map_or("", |kind| trace.job_types[kind as usize].name.as_str());
        let names = [kind, job.name.as_deref().unwrap_or("")];
        apps.push(*known.entry(names).or_insert_with(|| inventory.app_of(&names)));
    }
    apps
}

/// The models of `names` that the cluster has; none of them means that no node will do.
fn known_models(names: &[String], inventory: &Inventory) -> ModelSet {
    let known = names.iter().filter_map(|name| inventory.model(name));
    known.fold(ModelSet::NONE, ModelSet::with)
}

type Tree = Vec<(String, Option<TenantId>, u32)>;

/// Cuts paths such as `org/team/user` into a tree, parents first.
fn tenant_tree(paths: &[String], terms: &TenantTerms) -> (Tree, Vec<TenantId>) {
    let mut tree: Tree = Vec::new();
    let mut by_path: BTreeMap<String, TenantId> = BTreeMap::new();
    let mut ids = Vec::with_capacity(paths.len());
    for path in paths {
        let mut parent = None;
        let mut so_far = String::new();
        for name in path.split('/') {
            if !so_far.is_empty() {
                so_far.push('/');
            }
            so_far.push_str(name);
            let id = *by_path.entry(so_far.clone()).or_insert_with(|| {
                tree.push((name.to_owned(), parent, terms.weight_milli(&so_far)));
                TenantId::new(tree.len() - 1)
            });
            parent = Some(id);
        }
        ids.push(parent.unwrap_or_default());
    }
    (tree, ids)
}

/// Terms of all nodes of the tree, by time; at time zero only those that go beyond a weight.
fn terms_over_time(tree: &Tree, terms: &TenantTerms, origin: Option<&str>) -> Vec<(Time, TenantId, Terms)> {
    let mut paths: Vec<String> = Vec::with_capacity(tree.len());
    let mut all = Vec::new();
    for (at, (name, parent, weight_milli)) in tree.iter().enumerate() {
        let path = parent.map_or_else(|| name.clone(), |parent| format!("{}/{name}", paths[parent.index()]));
        let plain = Terms { weight_milli: *weight_milli, ..Terms::default() };
        let over_time = terms.over_time(&path, origin).into_iter();
        let said = over_time.filter(|(at, terms)| *at > Time::ZERO || *terms != plain);
        all.extend(said.map(|(when, terms)| (when, TenantId::new(at), terms)));
        paths.push(path);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_become_a_tree() {
        let paths = ["a/x".to_owned(), "b".to_owned(), "a/y".to_owned(), "a".to_owned()];
        let (tree, ids) = tenant_tree(&paths, &TenantTerms::default());
        let names: Vec<_> = tree.iter().map(|(name, parent, _)| (name.as_str(), parent.map(|p| p.0))).collect();
        assert_eq!(names, [("a", None), ("x", Some(0)), ("b", None), ("y", Some(0))]);
        assert_eq!(ids, [TenantId(1), TenantId(2), TenantId(3), TenantId(0)]);
    }
}
