//! From a path to the items it leads to.

use std::collections::{HashMap, HashSet};

use super::modules::{Inner, Modules, Name};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Module(usize),
    Item {
        file: usize,
        name: String,
    },
    /// Something of another crate.
    Foreign,
}

/// The imports on the way, so that none is followed twice: module, name, number of the name's meaning.
type OnTheWay = HashSet<(usize, String, usize)>;

impl Modules {
    /// All that a path, seen from a module, may lead to: a type, a value and a module may have one name. Nothing if
    /// its first word is unknown: the name of another crate, of a variable or of the prelude.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Vec<Meaning> {
        self.follow(module, path, &mut OnTheWay::new())
    }

    fn follow(&self, module: usize, path: &[String], on_the_way: &mut OnTheWay) -> Vec<Meaning> {
        // `self` and `super` lead upwards; the first other word is looked up where they have led to.
        let mut start = Some(module);
        let mut rest = path;
        while let Some(first) = rest.first().filter(|word| *word == "self" || *word == "super") {
            if first == "super" {
                start = start.and_then(|module| self.modules[module].parent);
            }
            rest = &rest[1..];
        }
        let Some(start) = start else { return Vec::new() };
        let mut meanings = match rest.first() {
            _ if rest.len() < path.len() => vec![Meaning::Module(start)],
            None => return Vec::new(),
            Some(first) => {
                rest = &rest[1..];
                if first == "crate" { vec![Meaning::Module(0)] } else { self.look_up(start, first, on_the_way) }
            }
        };
        for word in rest {
            let Some(Meaning::Module(inner)) = meanings.iter().find(|one| matches!(one, Meaning::Module(_))).cloned()
            else {
                break;
            };
            meanings = self.look_up(inner, word, on_the_way);
            if meanings.is_empty() {
                // Made by a macro of the module's file.
                meanings = vec![Meaning::Item { file: self.modules[inner].file, name: word.clone() }];
            }
        }
        meanings
    }

    /// What a name means in a module.
    fn look_up(&self, module: usize, name: &str, on_the_way: &mut OnTheWay) -> Vec<Meaning> {
        let here = &self.modules[module];
        let mut found = Vec::new();
        for (number, meaning) in here.names.get(name).into_iter().flatten().enumerate() {
            match meaning {
                Name::Item(_) => found.push(Meaning::Item { file: here.file, name: name.to_string() }),
                Name::Module(inner) => found.push(Meaning::Module(*inner)),
                Name::Import(path) => {
                    let step = (module, name.to_string(), number);
                    if on_the_way.insert(step.clone()) {
                        let meanings = self.follow(module, path, on_the_way);
                        found.extend(if meanings.is_empty() { vec![Meaning::Foreign] } else { meanings });
                        on_the_way.remove(&step);
                    }
                }
            }
        }
        if found.is_empty() {
            found = here
                .globs
                .iter()
                .enumerate()
                .find_map(|(number, glob)| {
                    let step = (module, format!("*{name}"), number);
                    if !on_the_way.insert(step.clone()) {
                        return None;
                    }
                    let meanings = self.follow(module, glob, on_the_way);
                    let found = meanings
                        .iter()
                        .map(|meaning| self.within(meaning, name, on_the_way))
                        .find(|found| !found.is_empty());
                    on_the_way.remove(&step);
                    found
                })
                .unwrap_or_default();
        }
        found
    }

    /// What a glob import of a module or an enum brings in under a name.
    fn within(&self, glob: &Meaning, name: &str, on_the_way: &mut OnTheWay) -> Vec<Meaning> {
        match glob {
            Meaning::Module(module) => self.look_up(*module, name, on_the_way),
            item if self.inner(item).any(|inner| matches!(inner, Inner::Variants(names) if names.contains(name))) => {
                vec![item.clone()]
            }
            _ => Vec::new(),
        }
    }

    /// Whether an item is a trait with one of these functions, and then what `functions` says of it.
    pub(super) fn trait_function<T>(&self, item: &Meaning, functions: &HashMap<String, T>) -> Option<T>
    where
        T: Copy,
    {
        self.inner(item).find_map(|inner| match inner {
            Inner::TraitFunctions(names) => names.iter().find_map(|name| functions.get(name).copied()),
            _ => None,
        })
    }

    /// All items a module defines or imports.
    pub(super) fn items_of(&self, module: usize) -> Vec<Meaning> {
        let names = self.modules[module].names.keys();
        names.flat_map(|name| self.resolve(module, std::slice::from_ref(name))).collect()
    }

    /// What is within an item; more than one answer if several items of a file have its name.
    fn inner<'a>(&'a self, item: &'a Meaning) -> impl Iterator<Item = &'a Inner> {
        let (of, item) = match item {
            Meaning::Item { file, name } => (Some(*file), name.as_str()),
            _ => (None, ""),
        };
        let modules = self.modules.iter().filter(move |module| Some(module.file) == of);
        modules.filter_map(move |module| module.names.get(item)).flatten().filter_map(|name| match name {
            Name::Item(inner) => Some(inner),
            _ => None,
        })
    }
}
