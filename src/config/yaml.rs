//! YAML text as a tree that knows the line of every key: what a configuration may use of YAML, and nothing more.
//! serde_yaml, which tells no lines, says what the scalars mean.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_yaml::Value;

use super::{Location, Wrong};

/// Deeper nesting than any configuration has is refused.
const DEEPEST: usize = 32;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Scalar(Scalar),
    List,
    Map(Vec<Entry>),
}

/// A value that is neither a list nor a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Written without quotes, so that it may be a number, `true`, `false` or null.
    pub(super) plain: bool,
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) location: Location,
    pub(super) value: Node,
}

/// What a scalar means in YAML 1.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Null,
    Flag(bool),
    Whole(i128),
    Number(f64),
    Text,
}

impl Scalar {
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.into(), plain: true }
    }

    pub(super) fn meaning(&self) -> Meaning {
        if self.plain { meaning(&self.text) } else { Meaning::Text }
    }
}

impl Node {
    /// An empty value: `key:` or `key: null`.
    pub(super) fn null() -> Self {
        Self::Scalar(Scalar::plain("null"))
    }

    /// Where the key of this path (`section.key`) was set; `None` if it is not.
    pub(super) fn location(&self, path: &str) -> Option<&Location> {
        let (mut node, mut location) = (self, None);
        for name in path.split('.') {
            let Self::Map(entries) = node else { return None };
            let entry = entries.iter().find(|entry| entry.key == name)?;
            (node, location) = (&entry.value, Some(&entry.location));
        }
        location
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.meaning() == Meaning::Null)
    }
}

/// What text without quotes means, by YAML's core schema.
pub(super) fn meaning(text: &str) -> Meaning {
    match serde_yaml::from_str(text) {
        Ok(Value::Null) => Meaning::Null,
        Ok(Value::Bool(flag)) => Meaning::Flag(flag),
        Ok(Value::Number(number)) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            whole.map_or_else(|| Meaning::Number(number.as_f64().unwrap_or(f64::NAN)), Meaning::Whole)
        }
        _ => Meaning::Text,
    }
}

/// The single document of a text; `None` if there is nothing in it.
pub(super) fn parse(text: &str, location: impl Fn(usize) -> Location) -> Result<Option<Node>, Wrong> {
    // The parser sees the end of a text one line after its last.
    let last = last_line(text);
    let location = |line: usize| location(line.min(last));
    let mut builder = Builder { parser: Parser::new_from_str(text), text, location };
    let mut document = None;
    while let Some((event, span)) = builder.next()? {
        match event {
            Event::DocumentStart(_) if document.is_some() => {
                let problem = "a second document begins here (`---`): one file holds one configuration";
                return Err(builder.wrong(span, problem));
            }
            Event::DocumentStart(_) => {
                let Some((event, span)) = builder.next()? else { break };
                document = Some(builder.node(event, span, 0)?);
            }
            _ => {}
        }
    }
    Ok(document)
}

struct Builder<'t, P> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    location: P,
}

impl<'t, P: Fn(usize) -> Location> Builder<'t, P> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Wrong> {
        self.parser.next_event().transpose().map_err(|error| {
            let (line, problem) = explain(&error, self.text);
            Wrong::at((self.location)(line), problem)
        })
    }

    fn wrong(&self, span: Span, problem: impl Into<String>) -> Wrong {
        Wrong::at((self.location)(span.start.line()), problem)
    }

    /// The node that begins with this event.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return Err(self.wrong(span, "nested more deeply than any configuration is"));
        }
        match event {
            Event::Scalar(.., Some(tag)) | Event::SequenceStart(_, Some(tag)) | Event::MappingStart(_, Some(tag)) => {
                let handle = if tag.is_yaml_core_schema() { "!!" } else { tag.handle.as_str() };
                let problem = format!("tags such as `{handle}{}` are not understood: leave it out", tag.suffix);
                Err(self.wrong(span, problem))
            }
            Event::Scalar(text, style, ..) => {
                Ok(Node::Scalar(Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }))
            }
            Event::SequenceStart(..) => loop {
                match self.next()? {
                    None | Some((Event::SequenceEnd, _)) => return Ok(Node::List),
                    Some((event, span)) => drop(self.node(event, span, depth + 1)?),
                }
            },
            Event::MappingStart(..) => self.map(depth),
            Event::Alias(_) => {
                let problem =
                    "aliases (`*name`) are not understood: write the value out, or put it in quotes if it is one";
                Err(self.wrong(span, problem))
            }
            _ => Ok(Node::null()),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                None | Some((Event::MappingEnd, _)) => return Ok(Node::Map(entries)),
                Some(key) => key,
            };
            let key = match self.node(event, span, depth + 1)? {
                Node::Scalar(scalar) => scalar.text,
                Node::List => return Err(self.wrong(span, "a key must be a word, but is a list")),
                Node::Map(_) => return Err(self.wrong(span, "a key must be a word, but is a mapping")),
            };
            let location = (self.location)(span.start.line());
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let where_first = match &first.location {
                    Location::Line(line) => format!(" (in line {line} before)"),
                    Location::Set(_) => String::new(),
                };
                return Err(Wrong::at(location, format!("the key `{key}` stands here a second time{where_first}")));
            }
            let value = match self.next()? {
                Some((event, span)) => self.node(event, span, depth + 1)?,
                None => Node::null(),
            };
            entries.push(Entry { key, location, value });
        }
    }
}

/// The number of a text's last line, which `\n`, `\r` or both may end.
fn last_line(text: &str) -> usize {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    1 + text.matches(['\n', '\r']).count() - text.matches("\r\n").count()
}

/// In which line the text is no YAML and why, with what to do where the cause is a common one.
fn explain(error: &ScanError, text: &str) -> (usize, String) {
    let number = error.marker().line();
    let indented_by_tab = |&number: &usize| {
        let line = number.checked_sub(1).and_then(|index| text.lines().nth(index)).unwrap_or_default();
        line[..line.len() - line.trim_start().len()].contains('\t')
    };
    // A scanner may fail at the line before, whose value could have gone on, or at the line after.
    if let Some(line) = [number, number + 1, number.saturating_sub(1)].into_iter().find(indented_by_tab) {
        return (line, "the line is indented with a tab: YAML wants spaces".into());
    }
    let advice = match error.info() {
        info if info.contains("anchor") => "; a value that begins with `*` or `&` must stand in quotes",
        info if info.contains("mapping values") => "; a value that contains `: ` must stand in quotes",
        info if info.contains("escape") => "; write \\\\ for a backslash between double quotes, or use single quotes",
        _ => "",
    };
    (number, format!("not valid YAML: {}{advice}", error.info()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_yaml_says() {
        use Meaning::{Flag, Null, Number, Text, Whole};
        let cases = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("True", Flag(true)),
            ("FALSE", Flag(false)),
            ("yes", Text),
            ("0", Whole(0)),
            ("-12", Whole(-12)),
            ("+7", Whole(7)),
            ("0x1F", Whole(31)),
            ("0o17", Whole(15)),
            ("1.5", Number(1.5)),
            ("1e3", Number(1000.0)),
            (".5", Number(0.5)),
            ("5.", Number(5.0)),
            ("-.inf", Number(f64::NEG_INFINITY)),
            ("inf", Text),
            ("nan", Text),
            ("1_000", Text),
            ("0x", Text),
            ("0x-1", Text),
            ("1.2.3", Text),
            ("-", Text),
            (".", Text),
            ("e5", Text),
            ("2021-02-04", Text),
            ("512MiB", Text),
        ];
        for (text, expected) in cases {
            assert_eq!(meaning(text), expected, "{text:?}");
        }
        assert!(matches!(meaning(".nan"), Number(number) if number.is_nan()));
        let beyond = "9".repeat(60);
        assert!(
            matches!(meaning(&beyond), Number(number) if number > 1e59),
            "too large for an integer, still a number"
        );
    }

    #[test]
    fn keys_know_their_lines_in_any_style() {
        let text = "# a comment\n---\n'one': 1 # seed: 2\n\"two\": {three: 3,\n  four: [1, {five: 5}]}\nsix:\n    \
                    seven: |\n      seed: 5\n    eight: x\n";
        let Some(Node::Map(entries)) = parse(text, Location::Line).unwrap() else { panic!("no mapping") };
        let line = |entry: &Entry| match entry.location {
            Location::Line(line) => line,
            Location::Set(_) => 0,
        };
        let mut lines = Vec::new();
        for entry in &entries {
            lines.push((entry.key.as_str(), line(entry)));
            if let Node::Map(inner) = &entry.value {
                lines.extend(inner.iter().map(|entry| (entry.key.as_str(), line(entry))));
            }
        }
        let expected = [("one", 3), ("two", 4), ("three", 4), ("four", 5), ("six", 6), ("seven", 7), ("eight", 9)];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_not_understood_is_a_sentence_with_its_line() {
        let cases = [
            ("a: &x 1\nb: *x\n", 2, "aliases"),
            ("a: 1\nb: *.skim\n", 2, "in quotes"),
            ("a: 1\nb: !!str 5\n", 2, "`!!str`"),
            ("a: !mine\n  b: 1\n", 1, "`!mine`"),
            ("a: 1\n---\nb: 2\n", 2, "second document"),
            ("a: 1\n\tb: 2\n", 2, "tab"),
            ("a:\n\tb: 2\n", 2, "tab"),
            ("a: 1\nb: 2\na: 3\n", 3, "(in line 1 before)"),
            ("a: {b: 1, b: 2}\n", 1, "second time"),
            ("a: 1\n[x, y]: 2\n", 2, "is a list"),
            ("a: 1\n? {x: 1}\n: 2\n", 2, "is a mapping"),
            ("a: b: c\n", 1, "in quotes"),
            ("a: 1\nb: {c: ", 2, "not valid YAML"),
            ("a: 1\nb: {c: \n", 2, "not valid YAML"),
            ("a: 1\r\nb: {c: \r\n", 2, "not valid YAML"),
            ("a: 1\r\rb: [\r", 3, "not valid YAML"),
            ("a:\n\tb: 2", 2, "tab"),
        ];
        for (text, expected, words) in cases {
            let Wrong { location, problem } = parse(text, Location::Line).unwrap_err();
            assert!(problem.contains(words), "{text:?}: {problem}");
            assert_eq!(location, Location::Line(expected), "{text:?}: {problem}");
        }
        let deep = format!("a: {}{}\n", "[".repeat(100), "]".repeat(100));
        assert!(parse(&deep, Location::Line).unwrap_err().problem.contains("deeply"));
        let deeper = "[".repeat(100_000);
        assert!(parse(&deeper, Location::Line).is_err());
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "# only a comment\n", "\n\n"] {
            assert_eq!(parse(text, Location::Line).unwrap(), None, "{text:?}");
        }
        assert!(parse("---\n", Location::Line).unwrap().is_some_and(|node| node.is_null()));
    }
}
