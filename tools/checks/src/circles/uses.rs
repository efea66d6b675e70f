//! What a file uses of others.

use std::collections::{HashMap, HashSet};

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprCall, ExprLit, ExprMethodCall, ExprPath, ImplItem, ImplItemFn, Item, ItemFn, ItemMod,
    ItemUse, Lit, Local, Macro, Meta, Pat, PatIdent, Path, QSelf, Stmt, Token, TraitItemFn, TypePath,
};

use super::modules::{Import, Modules, Name, hands_on, imports};
use super::names::Meaning;
use super::tokens::{self, Found};
use crate::source::{attributes, only_for_tests};

/// A use of an item of another file.
pub(super) struct Used {
    /// The file that defines the item.
    pub(super) of: usize,
    pub(super) item: String,
    pub(super) line: usize,
}

/// Keys of serde's attributes whose strings are paths.
const PATHS_IN_STRINGS: [&str; 9] = [
    "default",
    "deserialize_with",
    "from",
    "into",
    "remote",
    "serialize_with",
    "skip_serializing_if",
    "try_from",
    "with",
];

/// All uses of other files' items in a file.
pub(super) fn of_file(modules: &Modules, file: usize) -> Vec<Used> {
    let mut visitor = Uses {
        modules,
        file,
        module: modules.files[file].module,
        scopes: Vec::new(),
        variables: Vec::new(),
        imported: Vec::new(),
        methods: HashMap::new(),
        used: Vec::new(),
    };
    for item in &modules.files[file].items {
        visitor.visit_item(item);
    }
    visitor.add_methods();
    visitor.used
}

struct Uses<'a> {
    modules: &'a Modules,
    file: usize,
    module: usize,
    /// Names that the blocks around bring in, `None` for items defined there.
    scopes: Vec<HashMap<String, Option<Vec<String>>>>,
    /// Variables of the functions around.
    variables: Vec<HashSet<String>>,
    /// What globs bring in and, in a file with files below it, all module-level `use` declarations.
    imported: Vec<Meaning>,
    /// Methods called, with a line each.
    methods: HashMap<String, usize>,
    used: Vec<Used>,
}

impl Uses<'_> {
    /// Notes the items of other files that a path leads to.
    fn add(&mut self, path: &[String], line: usize) {
        for meaning in self.meanings(path) {
            if let Meaning::Item { file, name } = meaning
                && file != self.file
            {
                self.used.push(Used { of: file, item: name, line });
            }
        }
    }

    fn meanings(&self, path: &[String]) -> Vec<Meaning> {
        self.meanings_within(path, self.scopes.len())
    }

    /// What a path leads to from the outermost `depth` scopes.
    fn meanings_within(&self, path: &[String], depth: usize) -> Vec<Meaning> {
        let Some(first) = path.first() else { return Vec::new() };
        let scopes = self.scopes[..depth].iter().enumerate().rev();
        match scopes.filter_map(|(outer, scope)| Some((outer, scope.get(first)?))).next() {
            Some((outer, Some(import))) => {
                let whole: Vec<_> = import.iter().chain(&path[1..]).cloned().collect();
                self.meanings_within(&whole, outer)
            }
            Some((_, None)) => Vec::new(),
            None => self.modules.resolve(self.module, path),
        }
    }

    /// The names a `use` declaration within a function brings in, and the paths they stand for.
    fn scope_of(&self, item: &ItemUse) -> Vec<(String, Option<Vec<String>>)> {
        let mut names = Vec::new();
        for Import { path, name, .. } in imports(item) {
            match name {
                Some(name) => names.push((name, Some(path))),
                None => {
                    for meaning in self.meanings(&path) {
                        let Meaning::Module(module) = meaning else { continue };
                        for name in self.modules.modules[module].names.keys() {
                            let whole = path.iter().chain([name]).cloned().collect();
                            names.push((name.clone(), Some(whole)));
                        }
                    }
                }
            }
        }
        names
    }

    fn is_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|names| names.contains(name))
    }

    fn add_found(&mut self, found: Found) {
        let Found { path, line, called, method } = found;
        if method {
            self.methods.entry(path[0].clone()).or_insert(line);
        } else if path.len() > 1 {
            self.add_methods_of(&path, line);
            self.add(&path, line);
        } else if called || !self.is_variable(&path[0]) && path[0].starts_with(|first: char| first.is_uppercase()) {
            self.add(&path, line);
        }
    }

    /// A path may name a trait's function by a type or a type parameter.
    fn add_methods_of(&mut self, path: &[String], line: usize) {
        if let [_, .., last] = path {
            self.methods.entry(last.clone()).or_insert(line);
        }
    }

    /// A trait is used, too, where only its functions are named.
    fn add_methods(&mut self) {
        for item in &self.imported {
            let Meaning::Item { file, name } = item else { continue };
            if *file != self.file
                && let Some(line) = self.modules.trait_function(item, &self.methods)
            {
                self.used.push(Used { of: *file, item: name.clone(), line });
            }
        }
    }

    fn add_tokens(&mut self, tokens: &TokenStream) {
        for found in tokens::paths(tokens.clone()) {
            self.add_found(found);
        }
    }

    /// What a list of an attribute names: `value_parser = parse`, `default = "path::to::function"`, and paths in any
    /// other form.
    fn add_settings(&mut self, tokens: &TokenStream) {
        let Ok(settings) = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens.clone()) else {
            return self.add_tokens(tokens);
        };
        for setting in settings {
            match setting {
                Meta::Path(_) => {}
                Meta::List(list) => self.add_settings(&list.tokens),
                Meta::NameValue(pair) => {
                    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
                        && PATHS_IN_STRINGS.iter().any(|key| pair.path.is_ident(key))
                        && let Ok(path) = text.parse::<Path>()
                    {
                        self.add_path(None, &path);
                    }
                    self.visit_expr(&pair.value);
                }
            }
        }
    }

    fn add_import(&mut self, item: &ItemUse, import: &Import) {
        let in_function = !self.scopes.is_empty();
        let hands_on_below = !in_function && self.modules.files[self.file].has_files;
        // Nothing can be done with a nameless trait but to call its functions here.
        let nameless = import.name.as_deref() == Some("_") && !hands_on(item);
        if import.name.is_some() && (!hands_on_below || nameless) {
            self.add(&import.path, import.line);
            return;
        }
        for meaning in self.meanings(&import.path) {
            match meaning {
                Meaning::Item { .. } if !hands_on_below => self.add(&import.path, import.line),
                Meaning::Module(module) if import.name.is_none() => self.imported.extend(self.modules.items_of(module)),
                meaning => self.imported.push(meaning),
            }
        }
    }

    /// A path in code; its first word alone is no name if it belongs to what `<..>` says.
    fn add_path(&mut self, qualified: Option<&QSelf>, path: &Path) {
        if qualified.is_some_and(|qualified| qualified.position == 0) {
            if let Some(last) = path.segments.last() {
                self.methods.entry(last.ident.to_string()).or_insert(last.ident.span().start().line);
            }
            return;
        }
        if let Some(first) = path.segments.first() {
            let line = first.ident.span().start().line;
            let words = words(path);
            self.add_methods_of(&words, line);
            self.add(&words, line);
        }
    }

    fn in_function(&mut self, variables: HashSet<String>, visit: impl FnOnce(&mut Self)) {
        self.variables.push(variables);
        visit(self);
        self.variables.pop();
    }
}

/// The types within a path.
fn visit_arguments(uses: &mut Uses<'_>, qualified: Option<&QSelf>, path: &Path) {
    if let Some(qualified) = qualified {
        uses.visit_type(&qualified.ty);
    }
    path.segments.iter().for_each(|segment| uses.visit_path_arguments(&segment.arguments));
}

/// The words of a path; one that begins with `::` is of another crate and begins with an empty word.
fn words(path: &Path) -> Vec<String> {
    let foreign = path.leading_colon.map(|_| String::new());
    foreign.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect()
}

/// A path of one word.
fn single(expression: &ExprPath) -> Option<String> {
    expression.path.get_ident().filter(|_| expression.qself.is_none()).map(ToString::to_string)
}

/// The names that patterns bind.
#[derive(Default)]
struct Bound(HashSet<String>);

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.0.insert(pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }
}

fn bound(visit: impl FnOnce(&mut Bound)) -> HashSet<String> {
    let mut bound = Bound::default();
    visit(&mut bound);
    bound.0.retain(|name| !name.starts_with(|first: char| first.is_uppercase()));
    bound.0
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !only_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let Some((_, items)) = &item.content else { return };
        let names = self.modules.modules[self.module].names.get(&item.ident.to_string());
        let inner = names.into_iter().flatten().find_map(|name| match name {
            Name::Module(inner) => Some(*inner),
            _ => None,
        });
        if let Some(inner) = inner {
            let outer = std::mem::replace(&mut self.module, inner);
            items.iter().for_each(|item| self.visit_item(item));
            self.module = outer;
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for import in imports(item) {
            self.add_import(item, &import);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !only_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let variables = bound(|bound| bound.visit_item_fn(function));
        self.in_function(variables, |uses| visit::visit_item_fn(uses, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        let variables = bound(|bound| bound.visit_impl_item_fn(function));
        self.in_function(variables, |uses| visit::visit_impl_item_fn(uses, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        let variables = bound(|bound| bound.visit_trait_item_fn(function));
        self.in_function(variables, |uses| visit::visit_trait_item_fn(uses, function));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let mut scope = HashMap::new();
        for statement in &block.stmts {
            match statement {
                Stmt::Item(Item::Use(item)) => scope.extend(self.scope_of(item)),
                Stmt::Item(Item::Fn(item)) => drop(scope.insert(item.sig.ident.to_string(), None)),
                Stmt::Item(Item::Struct(item)) => drop(scope.insert(item.ident.to_string(), None)),
                Stmt::Item(Item::Enum(item)) => drop(scope.insert(item.ident.to_string(), None)),
                Stmt::Item(Item::Const(item)) => drop(scope.insert(item.ident.to_string(), None)),
                _ => {}
            }
        }
        self.scopes.push(scope);
        visit::visit_block(self, block);
        self.scopes.pop();
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if !only_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && single(function).is_some()
        {
            // Called, it is a function, though a variable may have its name: `let parts = parts(..)`.
            self.add_path(None, &function.path);
        } else {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.methods.entry(call.method.to_string()).or_insert(call.method.span().start().line);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_path(&mut self, expression: &'ast ExprPath) {
        if single(expression).is_none_or(|name| !self.is_variable(&name)) {
            self.add_path(expression.qself.as_ref(), &expression.path);
        }
        visit_arguments(self, expression.qself.as_ref(), &expression.path);
    }

    fn visit_type_path(&mut self, path: &'ast TypePath) {
        self.add_path(path.qself.as_ref(), &path.path);
        visit_arguments(self, path.qself.as_ref(), &path.path);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.add_path(None, path);
        visit_arguments(self, None, path);
    }

    fn visit_pat(&mut self, pattern: &'ast Pat) {
        if let Pat::Ident(pattern) = pattern
            && pattern.subpat.is_none()
        {
            // A constant, if not a variable.
            let name = pattern.ident.to_string();
            if name.starts_with(|first: char| first.is_uppercase()) {
                self.add(&[name], pattern.ident.span().start().line);
            }
        }
        visit::visit_pat(self, pattern);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        let line = invocation.path.segments.first().map_or(1, |first| first.ident.span().start().line);
        if let Some(name) = invocation.path.get_ident().map(ToString::to_string)
            && let Some(files) = self.modules.macros.get(&name)
        {
            if !files.contains(&self.file) {
                self.used.push(Used { of: files[0], item: format!("{name}!"), line });
            }
        } else {
            self.add_path(None, &invocation.path);
        }
        match invocation.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            Ok(expressions) => {
                for expression in &expressions {
                    self.visit_expr(expression);
                    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = expression {
                        tokens::captured(&text.token()).into_iter().for_each(|found| self.add_found(found));
                    }
                }
            }
            Err(_) => self.add_tokens(&invocation.tokens),
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && !list.path.is_ident("derive")
            && !list.path.is_ident("cfg")
        {
            self.add_settings(&list.tokens);
        }
    }
}
