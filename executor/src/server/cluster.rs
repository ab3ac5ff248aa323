//! A cluster that was changed between two starts: nodes are added, taken away, or have got something else.
//!
//! Journals know nodes by their numbers, so a node keeps its number for ever. New ones get the next numbers. One that the
//! configuration does not name any more stays in the cluster, and is down. What changes is told by facts, so that a journal
//! replays.

use engine::{Core, Event, Inventory, ModelId, NodeId, NodeState};

use crate::machine::Machines;
use crate::note::{Audit, Note};

/// Models that a cluster may have.
const MODELS_MAX: usize = 64;
/// Who changes a cluster by its configuration.
const BY: &str = "configuration";

/// What is configured now, under the numbers of the journal.
pub(super) fn continued(before: &Inventory, now: &Machines) -> Result<Machines, String> {
    let mut inventory = Inventory { models: before.models.clone(), nodes: Vec::new(), ..now.inventory.clone() };
    let mut models = Vec::new();
    for model in &now.inventory.models {
        let known = inventory.model(&model.name);
        let id = known.unwrap_or_else(|| ModelId::new(inventory.models.len()));
        match known {
            Some(id) => inventory.models[id.index()] = model.clone(),
            None => inventory.models.push(model.clone()),
        }
        models.push(id);
    }
    if inventory.models.len() > MODELS_MAX {
        return Err(format!("more than {MODELS_MAX} GPU models in the life of one state folder"));
    }
    let configured = |name: &str| now.inventory.nodes.iter().position(|node| node.name == name);
    let is_new = |name: &str| before.nodes.iter().all(|node| node.name != name);
    let renumbered = |at: usize| {
        let mut node = now.inventory.nodes[at].clone();
        node.model = models.get(node.model.index()).copied().unwrap_or(node.model);
        node
    };
    let kept = before.nodes.iter().map(|node| configured(&node.name).map_or_else(|| node.clone(), renumbered));
    let new = (0..now.inventory.nodes.len()).filter(|at| is_new(&now.inventory.nodes[*at].name)).map(renumbered);
    inventory.nodes = kept.chain(new).collect();
    let uuids = if now.uuids.is_empty() {
        Vec::new()
    } else {
        let of = |name: &str| configured(name).and_then(|at| now.uuids.get(at).cloned()).unwrap_or_default();
        inventory.nodes.iter().map(|node| of(&node.name)).collect()
    };
    let mut machines = now.clone();
    (machines.inventory, machines.uuids) = (inventory, uuids);
    Ok(machines)
}

/// The facts and notes that make the nodes of `core` those of the configuration: `before` is the cluster that it had.
pub(super) fn changes(core: &Core, before: &Inventory, configured: &Inventory) -> (Vec<Event>, Vec<Note>) {
    let cluster = core.state().cluster();
    let (mut facts, mut notes) = (Vec::new(), Vec::new());
    for (at, node) in cluster.inventory().nodes.iter().enumerate() {
        let id = NodeId::new(at);
        let is_configured = configured.nodes.iter().any(|other| other.name == node.name);
        let differs = before.nodes.get(at).is_some_and(|old| old != node);
        let (event, verb) = match (is_configured, cluster.state(id)) {
            (true, NodeState::Down) => (Event::NodeUp { node: id }, "node.add"),
            // It may have room for who waits.
            (true, NodeState::Up) if differs => (Event::NodeUp { node: id }, "node.change"),
            (false, NodeState::Up | NodeState::Draining) => (Event::NodeDown { node: id }, "node.remove"),
            _ => continue,
        };
        if verb == "node.remove" {
            let reason = "not in the configuration any more".to_owned();
            notes.push(Note::Drained { node: node.name.clone(), by: BY.to_owned(), reason });
        }
        facts.push(event);
        notes.push(Note::Audit(Audit {
            who: BY.to_owned(),
            verb: verb.to_owned(),
            subject: format!("node {}", node.name),
            outcome: "done".to_owned(),
            ..Audit::default()
        }));
    }
    (facts, notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NodeConfig, inventory};

    fn machines(nodes: &[(&str, u32, &str)]) -> Machines {
        let node = |(name, gpus, model): &(&str, u32, &str)| NodeConfig {
            name: (*name).to_owned(),
            gpus: *gpus,
            model: (*model).to_owned(),
            cpus: None,
            memory_mib: None,
        };
        let inventory = inventory(&nodes.iter().map(node).collect::<Vec<_>>());
        let uuids = inventory.nodes.iter().map(|node| vec![node.name.clone()]).collect();
        let mut machines = crate::machine::declared(0, "none");
        (machines.inventory, machines.uuids) = (inventory, uuids);
        machines
    }

    #[test]
    fn nodes_keep_their_numbers_and_models_theirs() {
        let before = machines(&[("a", 4, "A100"), ("b", 4, "V100")]);
        let now = machines(&[("c", 8, "H100"), ("b", 2, "V100"), ("d", 1, "A100")]);
        let found = continued(&before.inventory, &now).unwrap();
        let names: Vec<_> = found.inventory.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["A100", "V100", "H100"]);
        let nodes = found.inventory.nodes.iter().map(|node| (node.name.as_str(), node.gpus, node.model.index()));
        assert_eq!(nodes.collect::<Vec<_>>(), [("a", 4, 0), ("b", 2, 1), ("c", 8, 2), ("d", 1, 0)]);
        assert_eq!(found.uuids, [vec![], vec!["b".to_owned()], vec!["c".to_owned()], vec!["d".to_owned()]]);
        let again = continued(&found.inventory, &now).unwrap();
        assert_eq!(again, found);
        assert_eq!(continued(&before.inventory, &before).unwrap(), before);
    }
}
