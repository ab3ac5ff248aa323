//! Instances of the joint program.

use engine::topology::{Domains, Level};
use engine::{DomainId, GpuRequest, ModelId, ModelSet, NodeId, Placement, Slice, TaskRequest};
use policies::fragmentation::{NodeRoom, Workload};
use policies::milp::solver::Limits;
use policies::milp::yard::{Ask, Held, Rules, Yard, YardNode};

/// An instance.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) yard: Yard,
    pub(super) asks: Vec<Ask>,
    pub(super) work: Workload,
    pub(super) rules: Rules,
}

/// A stream of numbers (SplitMix64).
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ z >> 31) % bound
    }

    fn of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

fn task(gpus: GpuRequest, cpu_milli: u32) -> TaskRequest {
    TaskRequest { gpus, cpu_milli, memory_mib: 0, models: ModelSet::ANY }
}

fn whole(gpus: u32) -> TaskRequest {
    task(GpuRequest::Whole(gpus), gpus * 2000)
}

fn part(milli: u16) -> TaskRequest {
    task(GpuRequest::Milli(milli), 1000)
}

/// Kinds of nodes: model, CPU, free thousandths of each GPU.
fn kinds() -> Vec<NodeRoom> {
    let room = |model, cpu_milli, gpus: &[u16]| NodeRoom {
        model: ModelId(model),
        cpu_milli,
        memory_mib: 64,
        gpus: gpus.iter().copied().collect(),
    };
    vec![
        room(0, 8000, &[1000, 1000]),
        room(1, 8000, &[1000, 1000]),
        room(0, 8000, &[500, 1000]),
        room(0, 2500, &[1000, 700]),
        room(1, 6000, &[300, 600]),
        room(0, 3000, &[]),
    ]
}

/// Kinds of jobs: whole, in part, bound by CPU, by model, gangs with and without wishes.
fn jobs() -> Vec<Ask> {
    let gang = |groups: Vec<(TaskRequest, u32)>, required, preferred| Ask { value: 2300, groups, required, preferred };
    vec![
        Ask::single(1000, whole(1)),
        Ask::single(2000, whole(2)),
        Ask::single(500, part(500)),
        Ask::single(700, part(300)),
        Ask::single(300, task(GpuRequest::Whole(0), 3000)),
        Ask::single(900, TaskRequest { models: ModelSet(2), ..part(600) }),
        Ask { required: Some(Level::Rack), ..Ask::single(1100, task(GpuRequest::Whole(1), 5000)) },
        gang(vec![(whole(1), 2)], None, Some(Level::Rack)),
        gang(vec![(whole(1), 2)], Some(Level::Rack), None),
        gang(vec![(part(500), 2), (whole(1), 1)], Some(Level::Zone), Some(Level::Rack)),
        gang(vec![(whole(2), 2)], None, None),
    ]
}

fn workloads() -> Vec<Workload> {
    let of = |tasks: &[(TaskRequest, u64)]| Workload::of(tasks, 1_000_000);
    vec![
        of(&[(whole(1), 2), (part(500), 3), (part(300), 1)]),
        of(&[(whole(2), 4), (part(600), 1), (task(GpuRequest::Whole(0), 1000), 2)]),
        of(&[(TaskRequest { models: ModelSet(1), ..part(700) }, 5), (whole(1), 2)]),
    ]
}

fn rules(draw: &mut Draw) -> Rules {
    Rules {
        frag_weight: draw.of(&[0, 300, 1000, 2500]),
        span_cost: draw.of(&[0, 0, 150]),
        prefer_bonus: draw.of(&[0, 200]),
        moves_max: draw.below(3) as u32,
        move_cost: draw.of(&[0, 20]),
        limits: Limits::default(),
        columns_small: 100_000,
        ..Rules::default()
    }
}

fn yard(rooms: impl IntoIterator<Item = NodeRoom>, draw: &mut Draw) -> Yard {
    let domain = |at: u64| (at > 0).then_some(DomainId(at as u32));
    let node = |(at, room): (usize, NodeRoom)| {
        // A rack may cross zones, and a node may stand in none.
        let domains = Domains([None, domain(draw.below(3)), domain(draw.of(&[1, 1, 2, 0]))]);
        YardNode { id: NodeId(10 + at as u32), room, domains }
    };
    Yard { nodes: rooms.into_iter().enumerate().map(node).collect(), held: Vec::new() }
}

/// Some of what is not free in the yard runs as tasks that may be moved.
fn hold(yard: &mut Yard, draw: &mut Draw) {
    for node in 0..yard.nodes.len() {
        for gpu in 0..yard.nodes[node].room.gpus.len() {
            let room = &mut yard.nodes[node].room;
            let request = draw.of(&[part(500), part(300), whole(1)]);
            let milli = request.gpus.milli() as u16;
            // An idle GPU is held now and then, so that there is something to move.
            if draw.below(3) > 0 || room.gpus[gpu] < milli || room.cpu_milli < request.cpu_milli || yard.held.len() == 3
            {
                continue;
            }
            room.gpus[gpu] -= milli;
            room.cpu_milli -= request.cpu_milli;
            let blank =
                Slice { node: yard.nodes[node].id, bank: 0, milli, mask: 1 << gpu, cpu_milli: 0, memory_mib: 0 };
            let slices = Placement::from_iter([Slice { cpu_milli: request.cpu_milli, ..blank }]);
            yard.held.push(Held { node, request, slices, price: draw.of(&[0, 30, 400]) });
        }
    }
}

/// An instance of at most so many nodes and jobs.
pub(super) fn drawn(draw: &mut Draw, nodes: u64, asks: u64) -> Case {
    let rooms: Vec<NodeRoom> = (0..=draw.below(nodes)).map(|_| draw.of(&kinds())).collect();
    let mut yard = yard(rooms, draw);
    let asks = (0..=draw.below(asks)).map(|_| draw.of(&jobs())).collect();
    let rules = rules(draw);
    if rules.moves_max > 0 {
        hold(&mut yard, draw);
    }
    Case { yard, asks, work: draw.of(&workloads()), rules }
}

/// All sets of one or two nodes and one or two jobs of all kinds; wishes, weights and what is held are drawn.
pub(super) fn all_small() -> impl Iterator<Item = Case> {
    let pairs = |count: usize| -> Vec<Vec<usize>> {
        let pair = |a: usize| (a..count).map(move |b| vec![a, b]);
        (0..count).map(|a| vec![a]).chain((0..count).flat_map(pair)).collect()
    };
    let (nodes, asks) = (pairs(kinds().len()), pairs(jobs().len()));
    let all = nodes.into_iter().flat_map(move |nodes| asks.clone().into_iter().map(move |asks| (nodes.clone(), asks)));
    all.flat_map(|case| [0, 1].map(|round| (case.clone(), round))).enumerate().map(|(at, ((nodes, asks), round))| {
        let mut draw = Draw(at as u64 * 2 + round);
        let mut yard = yard(nodes.into_iter().map(|kind| kinds()[kind].clone()), &mut draw);
        let rules = rules(&mut draw);
        if rules.moves_max > 0 {
            hold(&mut yard, &mut draw);
        }
        let asks = asks.into_iter().map(|kind| jobs()[kind].clone()).collect();
        Case { yard, asks, work: draw.of(&workloads()), rules }
    })
}
