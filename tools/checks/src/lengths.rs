//! Lengths of functions, files and lines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ImplItemFn, ItemFn, Macro, TraitItemFn};

use crate::finding::Finding;
use crate::source::Source;

/// Lines of a function, from `fn` to the closing brace.
pub const LONGEST_FUNCTION: usize = 80;
/// Lines of a file.
pub const LONGEST_FILE: usize = 450;
/// Columns of a line.
pub const LONGEST_LINE: usize = 120;

/// What the lengths of all Rust sources below a folder are.
pub struct Lengths {
    /// Number of files.
    pub files: usize,
    /// Number of functions.
    pub functions: usize,
    /// What is too long.
    pub findings: Vec<Finding>,
}

impl Lengths {
    /// Measures all Rust sources below a folder, but for hidden folders and those of build results.
    ///
    /// # Errors
    /// If a file cannot be read or is no Rust.
    pub fn of(root: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        sources(root, &mut paths)?;
        paths.sort();
        let mut lengths = Self { files: paths.len(), functions: 0, findings: Vec::new() };
        for path in paths {
            let file = path.strip_prefix(root).unwrap_or(&path);
            lengths.measure(file, &Source::read(&path)?);
        }
        lengths.findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Ok(lengths)
    }

    fn measure(&mut self, file: &Path, source: &Source) {
        let mut found = |line, what| self.findings.push(Finding::new(file, line, what));
        for (index, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LONGEST_LINE {
                found(index + 1, format!("line of {columns} columns, more than {LONGEST_LINE}"));
            }
        }
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            found(LONGEST_FILE + 1, format!("file of {lines} lines, more than {LONGEST_FILE}"));
        }
        let mut functions = Functions::default();
        functions.visit_file(&source.syntax);
        self.functions += functions.0.len();
        for function in functions.0 {
            let lines = function.last + 1 - function.first;
            if lines > LONGEST_FUNCTION {
                let what = format!("function `{}` of {lines} lines, more than {LONGEST_FUNCTION}", function.name);
                found(function.first, what);
            }
        }
    }
}

/// All Rust files below a folder.
fn sources(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry.with_context(|| folder.display().to_string())?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type().with_context(|| path.display().to_string())?;
        if kind.is_dir() && !hidden && entry.file_name() != "target" && !path.join("CACHEDIR.TAG").exists() {
            sources(&path, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

struct Function {
    name: String,
    first: usize,
    last: usize,
}

/// All functions with a body, those within macros' tokens included.
#[derive(Default)]
struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, name: &proc_macro2::Ident, first: Span, last: Span) {
        self.0.push(Function { name: name.to_string(), first: first.start().line, last: last.end().line });
    }

    fn within(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match (token, tokens.get(index + 1)) {
                (TokenTree::Group(group), _) => self.within(group.stream()),
                (TokenTree::Ident(word), Some(TokenTree::Ident(name))) if word == "fn" => {
                    // A signature ends in its body or, in a trait, in a semicolon.
                    let end = tokens[index..].iter().find(|token| match token {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(sign) => sign.as_char() == ';',
                        _ => false,
                    });
                    if let Some(TokenTree::Group(body)) = end {
                        self.add(name, word.span(), body.span_close());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig.ident, function.sig.fn_token.span, function.block.brace_token.span.close());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig.ident, function.sig.fn_token.span, function.block.brace_token.span.close());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig.ident, function.sig.fn_token.span, body.brace_token.span.close());
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.within(invocation.tokens.clone());
    }
}
