//! Strongly connected components.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The sets of more than one node each of which can be reached from each other of the set.
pub(super) fn components<'a>(
    nodes: &BTreeSet<PathBuf>,
    edges: impl Iterator<Item = &'a (PathBuf, PathBuf)>,
) -> Vec<BTreeSet<PathBuf>> {
    let mut forth: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    let mut back: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for (from, to) in edges {
        forth.entry(from).or_default().push(to);
        back.entry(to).or_default().push(from);
    }
    let mut left = nodes.clone();
    let mut found = Vec::new();
    while let Some(node) = left.first().cloned() {
        let ahead = reached(&node, &forth);
        let component: BTreeSet<_> = reached(&node, &back).intersection(&ahead).cloned().collect();
        left.retain(|other| !component.contains(other));
        if component.len() > 1 {
            found.push(component);
        }
    }
    found
}

/// All nodes that can be reached from one, itself included.
fn reached(from: &PathBuf, edges: &BTreeMap<&PathBuf, Vec<&PathBuf>>) -> BTreeSet<PathBuf> {
    let mut reached = BTreeSet::from([from.clone()]);
    let mut ahead = vec![from];
    while let Some(node) = ahead.pop() {
        for next in edges.get(node).into_iter().flatten() {
            if reached.insert((*next).clone()) {
                ahead.push(next);
            }
        }
    }
    reached
}
