//! A Rust file read and parsed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use syn::{Attribute, Item, Meta};

/// A file's text and syntax.
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Reads and parses a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let syntax = syn::parse_file(&text)
            .map_err(|error| anyhow!("{}:{}: {error}", path.display(), error.span().start().line))?;
        Ok(Self { text, syntax })
    }
}

/// Whether these attributes leave out what they stand before unless tests are compiled: `#[test]`, or a `#[cfg(..)]`
/// that cannot hold without `test`.
pub(crate) fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args().is_ok_and(|condition| without_tests(&condition) == Some(false))
    })
}

/// What a condition of `cfg` is worth where tests are not compiled, if that alone decides it.
fn without_tests(condition: &Meta) -> Option<bool> {
    let Meta::List(list) = condition else { return condition.path().is_ident("test").then_some(false) };
    let inner = list
        .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
        .ok()?
        .iter()
        .map(without_tests)
        .collect::<Vec<_>>();
    match list.path.get_ident()?.to_string().as_str() {
        "not" => inner.first()?.map(|value| !value),
        "all" if inner.contains(&Some(false)) => Some(false),
        "all" if inner.iter().all(|value| *value == Some(true)) => Some(true),
        "any" if inner.contains(&Some(true)) => Some(true),
        "any" if inner.iter().all(|value| *value == Some(false)) => Some(false),
        _ => None,
    }
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
