//! Pools of GPUs with tickets of their own: one for all GPUs, or, where GPU models are traded, one for each model and one
//! for gangs that no single model can hold.

use engine::{ClassId, Draft, GpuRequest, ModelSet, NodeState, Shape};

/// The pools of a cluster, as a cache.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    /// GPU models, if each is a pool; else 0.
    models: usize,
    /// Pools in which the gangs of a class can run, a bit each.
    of_class: Vec<u64>,
    /// Thousandths of a GPU that are up, by model.
    up: Vec<u64>,
    states_seen: Option<u64>,
}

impl Pools {
    /// Catches up: with one pool, or one for each of `models`. Whether that has changed.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, models: usize) -> bool {
        let changed = self.models != models;
        if changed {
            *self = Self { models, ..Self::default() };
        }
        for class in self.of_class.len()..draft.state().classes() {
            let shape = &draft.state().class(ClassId::new(class)).shape;
            self.of_class.push(Self::able(draft, shape, models));
        }
        changed
    }

    fn able(draft: &Draft<'_>, shape: &Shape, models: usize) -> u64 {
        let holds = |model: &usize| {
            let narrowed = shape.on(ModelSet(1 << model));
            let none = |request: GpuRequest| request.milli() == 0;
            narrowed.groups.iter().all(|group| group.request.models != ModelSet::NONE || none(group.request.gpus))
                && draft.cluster().inventory().holds(&narrowed).is_ok()
        };
        let able = (0..models).filter(holds).fold(0, |able, model| able | 1 << model);
        if able == 0 { 1 << models } else { able }
    }

    /// Number of pools.
    pub(crate) fn len(&self) -> usize {
        self.models + 1
    }

    /// Whether there is one for each model.
    pub(crate) fn by_model(&self) -> bool {
        self.models > 0
    }

    /// The pool that is not of one model.
    pub(crate) fn wide(&self) -> usize {
        self.models
    }

    /// Whether gangs of `class` run in `pool`.
    pub(crate) fn allows(&self, class: ClassId, pool: usize) -> bool {
        self.of_class[class.index()] >> pool & 1 == 1
    }

    /// The models of a pool.
    pub(crate) fn models(&self, pool: usize) -> ModelSet {
        if pool == self.models { ModelSet::ANY } else { ModelSet(1 << pool) }
    }

    /// The pool of a run: that of the model that it is on.
    pub(crate) fn of(&self, draft: &Draft<'_>, placement: &[engine::Slice]) -> usize {
        let model = |slice: &engine::Slice| draft.cluster().spec(slice.node).model;
        match placement {
            [first, rest @ ..] if self.by_model() && rest.iter().all(|slice| model(slice) == model(first)) => {
                model(first).index()
            }
            _ => self.models,
        }
    }

    /// Thousandths of a GPU that are up, by model.
    pub(crate) fn up(&mut self, draft: &Draft<'_>) -> &[u64] {
        let cluster = draft.cluster();
        if self.states_seen != Some(cluster.states_version()) {
            self.states_seen = Some(cluster.states_version());
            self.up = vec![0; self.models];
            for (at, spec) in cluster.inventory().nodes.iter().enumerate().filter(|_| self.models > 0) {
                let up = cluster.state(engine::NodeId::new(at)) == NodeState::Up;
                self.up[spec.model.index()] += if up { u64::from(spec.gpus) * 1000 } else { 0 };
            }
        }
        &self.up
    }
}
