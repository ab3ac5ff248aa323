//! The tree against its definitions, computed anew each time and in floating point.

use proptest::prelude::*;

use super::*;

/// A node as the definitions see it.
#[derive(Clone, Debug)]
struct Plain {
    parent: Option<usize>,
    quota: i128,
    borrow: Option<i128>,
    lend: Option<i128>,
    weight: u32,
    own: i128,
}

fn children(nodes: &[Plain], at: usize) -> impl Iterator<Item = usize> + '_ {
    (0..nodes.len()).filter(move |child| nodes[*child].parent == Some(at))
}

fn subtree(nodes: &[Plain], at: usize) -> i128 {
    nodes[at].quota + children(nodes, at).map(|child| subtree(nodes, child) - kept(nodes, child)).sum::<i128>()
}

fn kept(nodes: &[Plain], at: usize) -> i128 {
    nodes[at].lend.map_or(0, |lend| (subtree(nodes, at) - lend).max(0))
}

fn usage(nodes: &[Plain], at: usize) -> i128 {
    nodes[at].own + children(nodes, at).map(|child| (usage(nodes, child) - kept(nodes, child)).max(0)).sum::<i128>()
}

fn potential(nodes: &[Plain], at: usize) -> i128 {
    let Some(parent) = nodes[at].parent else { return subtree(nodes, at) };
    let most = kept(nodes, at) + potential(nodes, parent);
    nodes[at].borrow.map_or(most, |borrow| most.min(subtree(nodes, at) + borrow))
}

fn available(nodes: &[Plain], at: usize) -> i128 {
    let (subtree, kept, usage) = (subtree(nodes, at), kept(nodes, at), usage(nodes, at));
    let Some(parent) = nodes[at].parent else { return subtree - usage };
    let above = available(nodes, parent);
    let above = nodes[at].borrow.map_or(above, |b| above.min(subtree - kept - (usage - kept).max(0) + b));
    (kept - usage).max(0) + above
}

fn share(nodes: &[Plain], at: usize) -> f64 {
    let Some(parent) = nodes[at].parent else { return 0.0 };
    let lendable = potential(nodes, parent);
    let above = (usage(nodes, at) - subtree(nodes, at)).max(0);
    if lendable <= 0 { 0.0 } else { above as f64 / lendable as f64 / f64::from(nodes[at].weight) * 1000.0 }
}

/// The same as a tree, through the additions of `add`.
fn tree(nodes: &[Plain]) -> Tree {
    let mut tree = Tree { nodes: vec![EMPTY; nodes.len()] };
    for (at, node) in nodes.iter().enumerate() {
        let borrow = node.borrow.map_or(UNLIMITED, |borrow| [borrow; 3]);
        let parent = node.parent.map_or(NOWHERE, |parent| parent as u32);
        tree.nodes[at] = Node { parent, weight_milli: node.weight, borrow, ..EMPTY };
    }
    for at in (0..nodes.len()).rev() {
        let (subtree, kept) = (subtree(nodes, at), kept(nodes, at));
        (tree.nodes[at].subtree, tree.nodes[at].guaranteed) = ([subtree; 3], [kept; 3]);
    }
    for (at, node) in nodes.iter().enumerate() {
        tree.nodes[at].potential = [potential(nodes, at); 3];
        tree.add(at as u32, [node.own; 3]);
    }
    tree
}

fn nodes() -> impl Strategy<Value = Vec<Plain>> {
    let limit = || prop::option::of(0i128..20);
    let node = (proptest::arbitrary::any::<prop::sample::Index>(), 0i128..20, limit(), limit(), 1u32..3000, 0i128..30);
    prop::collection::vec(node, 1..9).prop_map(|drafts| {
        let mut nodes: Vec<Plain> = Vec::new();
        for (at, (above, quota, borrow, lend, weight, own)) in drafts.into_iter().enumerate() {
            let parent = (at > 0).then(|| above.index(at));
            nodes.push(Plain { parent, quota, borrow, lend, weight, own });
        }
        // Jobs are in leaves.
        for at in 0..nodes.len() {
            if children(&nodes, at).next().is_some() {
                nodes[at].own = 0;
            }
        }
        nodes
    })
}

proptest! {
    #[test]
    fn the_tree_is_that_of_the_definitions(nodes in nodes(), more in 0i128..20, at in proptest::arbitrary::any::<prop::sample::Index>()) {
        let leaves: Vec<usize> = (0..nodes.len()).filter(|at| children(&nodes, *at).next().is_none()).collect();
        let at = leaves[at.index(leaves.len())];
        let mut tree = tree(&nodes);
        let mut changed = nodes.clone();
        changed[at].own += more;
        tree.add(at as u32, [more; 3]);
        for node in 0..nodes.len() {
            let id = node as u32;
            prop_assert_eq!(tree.node(id).usage[0], usage(&changed, node));
            prop_assert_eq!(tree.available(id)[0], available(&changed, node));
            let share = share(&changed, node);
            prop_assert!((f64::from_bits(tree.share(id)) - share).abs() <= share * 1e-6 + 1e-8);
        }
        tree.take(at as u32, [more; 3]);
        for node in 0..nodes.len() {
            prop_assert_eq!(tree.node(node as u32).usage[0], usage(&nodes, node));
        }
        // What a leaf never lends is always available to it.
        let kept = kept(&changed, at) - usage(&changed, at);
        prop_assert!(available(&changed, at) >= kept || usage(&changed, 0) > subtree(&changed, 0));
    }
}
