//! A crate's files, its modules and the names they define.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use syn::{Expr, ExprLit, Item, ItemMod, ItemUse, Lit, Meta, TraitItem, UseTree, Visibility};

use crate::source::{Source, attributes, only_for_tests};

/// The modules of a crate that are compiled without tests.
pub(super) struct Modules {
    pub(super) files: Vec<File>,
    pub(super) modules: Vec<Module>,
    /// The files that define a macro of this name.
    pub(super) macros: HashMap<String, Vec<usize>>,
}

/// A file of the crate.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) items: Vec<Item>,
    /// The module that is the file.
    pub(super) module: usize,
    /// Whether modules of it lie in files of their own.
    pub(super) has_files: bool,
}

/// A module, with a file of its own or within another's.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) names: HashMap<String, Vec<Name>>,
    pub(super) globs: Vec<Vec<String>>,
}

/// What a name of a module stands for.
pub(super) enum Name {
    Item(Inner),
    /// A module, by its number.
    Module(usize),
    /// What another path leads to.
    Import(Vec<String>),
}

/// What names there are within an item.
pub(super) enum Inner {
    /// None that matter.
    Nothing,
    Variants(HashSet<String>),
    TraitFunctions(HashSet<String>),
}

/// A leaf of a `use` declaration.
pub(super) struct Import {
    /// The path; one that begins with `::` begins with an empty word.
    pub(super) path: Vec<String>,
    /// The name it gets here, `None` for a glob.
    pub(super) name: Option<String>,
    pub(super) line: usize,
}

/// Where the files of a module's modules lie.
struct Folder {
    path: PathBuf,
    /// Where `#[path]` begins: the folder of the file, with the inline modules on the way.
    of_attribute: PathBuf,
}

impl Modules {
    /// Reads the crate that begins with a file.
    pub(super) fn read(first_file: &Path) -> Result<Self> {
        let mut modules = Self { files: Vec::new(), modules: Vec::new(), macros: HashMap::new() };
        modules.add_file(first_file.to_path_buf(), None, true)?;
        Ok(modules)
    }

    fn add_file(&mut self, path: PathBuf, parent: Option<usize>, owns_folder: bool) -> Result<usize> {
        let items = Source::read(&path)?.syntax.items;
        let beside = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let folder = if owns_folder { beside.clone() } else { path.with_extension("") };
        let folder = Folder { path: folder, of_attribute: beside };
        let file = self.files.len();
        let module = self.modules.len();
        self.files.push(File { path, items: Vec::new(), module, has_files: false });
        self.modules.push(Module { file, parent, ..Module::default() });
        self.add_items(module, &items, &folder)?;
        self.files[file].items = items;
        Ok(module)
    }

    fn add_items(&mut self, module: usize, items: &[Item], folder: &Folder) -> Result<()> {
        for item in items.iter().filter(|item| !only_for_tests(attributes(item))) {
            match item {
                Item::Mod(item) => {
                    let inner = self.add_module(module, item, folder)?;
                    self.name(module, item.ident.to_string(), Name::Module(inner));
                }
                Item::Use(item) => {
                    for import in imports(item) {
                        match import.name {
                            Some(name) => self.name(module, name, Name::Import(import.path)),
                            None => self.modules[module].globs.push(import.path),
                        }
                    }
                }
                Item::Macro(item) => {
                    if let Some(name) = &item.ident {
                        self.macros.entry(name.to_string()).or_default().push(self.modules[module].file);
                    }
                }
                _ => {
                    if let Some((name, inner)) = defined(item) {
                        self.name(module, name, Name::Item(inner));
                    }
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, module: usize, name: String, meaning: Name) {
        self.modules[module].names.entry(name).or_default().push(meaning);
    }

    fn add_module(&mut self, parent: usize, item: &ItemMod, folder: &Folder) -> Result<usize> {
        let name = plain(&item.ident);
        let file = self.modules[parent].file;
        if let Some((_, items)) = &item.content {
            let module = self.modules.len();
            self.modules.push(Module { file, parent: Some(parent), ..Module::default() });
            let inner = Folder { path: folder.path.join(&name), of_attribute: folder.path.join(&name) };
            self.add_items(module, items, &inner)?;
            return Ok(module);
        }
        self.files[file].has_files = true;
        if let Some(path) = path_attribute(item) {
            return self.add_file(folder.of_attribute.join(path), Some(parent), true);
        }
        let beside = folder.path.join(format!("{name}.rs"));
        let within = folder.path.join(&name).join("mod.rs");
        match (beside.is_file(), within.is_file()) {
            (true, _) => self.add_file(beside, Some(parent), false),
            (_, true) => self.add_file(within, Some(parent), true),
            _ => bail!(
                "{}:{}: neither {} nor {}",
                self.files[file].path.display(),
                item.ident.span().start().line,
                beside.display(),
                within.display()
            ),
        }
    }
}

/// The path of `#[path = ".."]`.
fn path_attribute(item: &ItemMod) -> Option<String> {
    item.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// The name an item defines, and the names within it.
fn defined(item: &Item) -> Option<(String, Inner)> {
    let mut inner = Inner::Nothing;
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => {
            inner = Inner::Variants(item.variants.iter().map(|variant| variant.ident.to_string()).collect());
            &item.ident
        }
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => {
            let functions = item.items.iter().filter_map(|item| match item {
                TraitItem::Fn(item) => Some(item.sig.ident.to_string()),
                _ => None,
            });
            inner = Inner::TraitFunctions(functions.collect());
            &item.ident
        }
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some((name.to_string(), inner))
}

/// An identifier without `r#`.
fn plain(ident: &syn::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_string()
}

/// The leaves of a `use` declaration.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut path = Vec::from_iter(item.leading_colon.map(|_| String::new()));
    leaves(&item.tree, &mut path, &mut imports);
    imports
}

/// Whether a `use` declaration makes its names known outside its module and those within it.
pub(super) fn hands_on(item: &ItemUse) -> bool {
    !matches!(item.vis, Visibility::Inherited)
}

fn leaves(tree: &UseTree, path: &mut Vec<String>, imports: &mut Vec<Import>) {
    let mut leaf = |last: &syn::Ident, name: &syn::Ident| {
        // `a::{self}` is `a`, known as `a`.
        let whole = last == "self" && !path.is_empty();
        let mut path = path.clone();
        if !whole {
            path.push(last.to_string());
        }
        let name = if whole && name == "self" { path[path.len() - 1].clone() } else { name.to_string() };
        imports.push(Import { path, name: Some(name), line: last.span().start().line });
    };
    match tree {
        UseTree::Name(tree) => leaf(&tree.ident, &tree.ident),
        UseTree::Rename(tree) => leaf(&tree.ident, &tree.rename),
        UseTree::Glob(tree) => {
            imports.push(Import { path: path.clone(), name: None, line: tree.star_token.span.start().line });
        }
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            leaves(&tree.tree, path, imports);
            path.pop();
        }
        UseTree::Group(tree) => tree.items.iter().for_each(|tree| leaves(tree, path, imports)),
    }
}
