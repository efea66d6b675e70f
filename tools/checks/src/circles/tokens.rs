//! Paths in the tokens of a macro that are no list of expressions.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// A path found among tokens.
pub(super) struct Found {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// Whether it is called: a function, or the fields of a tuple.
    pub(super) called: bool,
    /// Whether it is a method's name after a dot.
    pub(super) method: bool,
}

/// All that may be a path. Names of fields and variables are among them if they look like one.
pub(super) fn paths(tokens: TokenStream) -> Vec<Found> {
    let mut found = Vec::new();
    scan(&tokens.into_iter().collect::<Vec<_>>(), &mut found);
    found
}

fn scan(tokens: &[TokenTree], found: &mut Vec<Found>) {
    let mut at = 0;
    while at < tokens.len() {
        let begin = at;
        at += 1;
        match &tokens[begin] {
            TokenTree::Group(group) => scan(&group.stream().into_iter().collect::<Vec<_>>(), found),
            TokenTree::Literal(literal) => found.extend(captured(literal)),
            TokenTree::Ident(first) => {
                let mut path = vec![first.to_string()];
                while is(tokens.get(at), ':') && is(tokens.get(at + 1), ':') {
                    let Some(TokenTree::Ident(word)) = tokens.get(at + 2) else { break };
                    path.push(word.to_string());
                    at += 3;
                }
                let before = |distance: usize| begin.checked_sub(distance).and_then(|index| tokens.get(index));
                let method = is(before(1), '.') && !is(before(2), '.');
                let within_path = is(before(1), ':') && is(before(2), ':');
                // A fragment of a macro, a lifetime, or the name of a field before its value.
                let other = is(before(1), '$') && path[0] != "crate"
                    || is(before(1), '\'')
                    || path.len() == 1 && is(tokens.get(at), ':') && !is(tokens.get(at + 1), ':');
                let called = matches!(tokens.get(at),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                if !within_path && !other {
                    found.push(Found { path, line: first.span().start().line, called, method });
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

fn is(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Constants that a format string takes by their names: `{NAME}` or `{NAME:>3}`.
pub(super) fn captured(literal: &Literal) -> Vec<Found> {
    let text = literal.to_string();
    let line = literal.span().start().line;
    let names = text.split('{').skip(1).filter_map(|piece| piece.split(['}', ':']).next());
    names
        .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
        .filter(|name| name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_'))
        .map(|name| Found { path: vec![name.to_string()], line, called: false, method: false })
        .collect()
}
