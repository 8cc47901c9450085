//! Finds functions in the tokens of a file, in macros as well, and the words they use.
//!
//! Tokens and not syntax trees are read, because tests also stand in macros such as `proptest!`.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A function or constant of a file.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Modules inside of the file it lies in.
    pub(super) modules: Vec<String>,
    /// Its name.
    pub(super) name: String,
    /// Attributes without blanks, such as `tokio::test(start_paused=true)`.
    pub(super) attributes: Vec<String>,
    /// Whether it or a module around it is compiled for tests only.
    pub(super) is_test_only: bool,
    /// Line of its name, counted from 1.
    pub(super) line: usize,
    /// Its tokens as text.
    pub(super) text: String,
    /// What it mentions.
    pub(super) words: Words,
}

/// What some code mentions.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// Identifiers, and identifiers inside of string literals.
    pub(super) all: BTreeSet<String>,
    /// Names that are called.
    pub(super) calls: BTreeSet<String>,
    /// `a.b(`, `a().b(` and `a::b(` as pairs.
    pub(super) pairs: BTreeSet<(String, String)>,
    /// String literals that look like paths of files.
    pub(super) files: BTreeSet<String>,
}

impl Words {
    /// Adds everything of another set.
    pub(super) fn extend(&mut self, other: &Self) {
        self.all.extend(other.all.iter().cloned());
        self.calls.extend(other.calls.iter().cloned());
        self.pairs.extend(other.pairs.iter().cloned());
        self.files.extend(other.files.iter().cloned());
    }
}

/// Every function and constant of the text, in order.
pub(super) fn functions(text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    if let Ok(stream) = text.parse::<TokenStream>() {
        scan(stream, &mut Vec::new(), false, &mut found);
    }
    found
}

fn scan(
    stream: TokenStream,
    modules: &mut Vec<String>,
    is_test_only: bool,
    found: &mut Vec<Function>,
) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut attributes: Vec<String> = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let token = &tokens[index];
        if is_punct(token, '#')
            && let Some(inside) = tokens
                .get(index + 1)
                .and_then(|token| group(token, Delimiter::Bracket))
        {
            attributes.push(without_blanks(&inside.to_string()));
            index += 2;
            continue;
        }
        let word = ident(token);
        match word.as_deref() {
            Some("mod") => {
                if let (Some(name), Some(body)) = (
                    tokens.get(index + 1).and_then(ident),
                    tokens
                        .get(index + 2)
                        .and_then(|t| group(t, Delimiter::Brace)),
                ) {
                    let only = is_test_only || attributes.iter().any(|a| a == "cfg(test)");
                    modules.push(name);
                    scan(body, modules, only, found);
                    modules.pop();
                    index += 2;
                }
                attributes.clear();
            }
            Some("fn") => {
                if let Some(name) = tokens.get(index + 1).and_then(ident) {
                    let end = end_of_function(&tokens, index);
                    let only = is_test_only || attributes.iter().any(|a| a == "cfg(test)");
                    let line = tokens[index + 1].span().start().line;
                    let tokens = tokens[index..=end].iter().cloned().collect();
                    let attributes = std::mem::take(&mut attributes);
                    found.push(function(name, modules, attributes, only, line, tokens));
                    index = end;
                }
            }
            Some("const" | "static") => {
                // `const fn` goes on with the function.
                if let Some(name) = tokens.get(index + 1).and_then(ident).filter(|n| n != "fn") {
                    let end = (index..tokens.len())
                        .find(|&i| is_punct(&tokens[i], ';'))
                        .unwrap_or(tokens.len() - 1);
                    let line = token.span().start().line;
                    let tokens = tokens[index..=end].iter().cloned().collect();
                    found.push(function(
                        name,
                        modules,
                        Vec::new(),
                        is_test_only,
                        line,
                        tokens,
                    ));
                    attributes.clear();
                    index = end;
                }
            }
            Some("struct" | "enum" | "use" | "type") => attributes.clear(),
            _ => {
                // Bodies of impl blocks, traits and macros.
                if let Some(body) = group(token, Delimiter::Brace) {
                    scan(body, modules, is_test_only, found);
                    attributes.clear();
                }
            }
        }
        index += 1;
    }
}

fn function(
    name: String,
    modules: &[String],
    attributes: Vec<String>,
    is_test_only: bool,
    line: usize,
    tokens: TokenStream,
) -> Function {
    let mut words = Words::default();
    let text = tokens.to_string();
    collect(tokens, &mut words);
    for attribute in &attributes {
        if let Ok(stream) = attribute.parse() {
            collect(stream, &mut words);
        }
    }
    Function {
        modules: modules.to_vec(),
        name,
        attributes: attributes
            .into_iter()
            .filter(|a| !a.starts_with("doc="))
            .collect(),
        is_test_only,
        line,
        text,
        words,
    }
}

fn end_of_function(tokens: &[TokenTree], start: usize) -> usize {
    (start..tokens.len())
        .find(|&i| group(&tokens[i], Delimiter::Brace).is_some() || is_punct(&tokens[i], ';'))
        .unwrap_or(tokens.len() - 1)
}

fn collect(stream: TokenStream, words: &mut Words) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(name) => {
                let name = name.to_string().trim_start_matches("r#").to_owned();
                let called = matches!(tokens.get(index + 1), Some(TokenTree::Group(group))
                    if group.delimiter() == Delimiter::Parenthesis)
                    || tokens.get(index + 1).is_some_and(|t| is_punct(t, ':'));
                if called {
                    words.calls.insert(name.clone());
                    if let Some(before) = before(&tokens, index) {
                        words.pairs.insert((before, name.clone()));
                    }
                }
                words.all.insert(name);
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('"') {
                    let inner = text.trim_matches(|c| matches!(c, 'r' | 'b' | '#' | '"'));
                    if inner.len() < 200 && inner.contains('.') && !inner.contains(' ') {
                        words.files.insert(inner.to_owned());
                    }
                    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                    words
                        .all
                        .extend(parts.filter(|part| part.len() > 1).map(str::to_owned));
                }
            }
            TokenTree::Group(group) => collect(group.stream(), words),
            TokenTree::Punct(_) => {}
        }
    }
}

/// What stands before `.name` or `::name`: a name, or the name of a call.
fn before(tokens: &[TokenTree], index: usize) -> Option<String> {
    let dot = index.checked_sub(1)?;
    let mut at = if is_punct(&tokens[dot], '.') {
        dot.checked_sub(1)?
    } else if is_punct(&tokens[dot], ':') {
        dot.checked_sub(2)?
    } else {
        return None;
    };
    // Passes over `?`, `.await` and the parentheses of a call.
    loop {
        match &tokens[at] {
            TokenTree::Punct(_) => at = at.checked_sub(1)?,
            TokenTree::Group(_) => at = at.checked_sub(1)?,
            TokenTree::Ident(name) if *name == "await" => at = at.checked_sub(1)?,
            TokenTree::Ident(name) => return Some(name.to_string()),
            TokenTree::Literal(_) => return None,
        }
    }
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    }
}

fn group(token: &TokenTree, delimiter: Delimiter) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_modules_and_macros() {
        let found = functions(
            "const GOLDEN: &str = include_str!(\"fixtures/a.json\");\n\
             impl X { fn helper(&self) -> u8 { 1 } }\n\
             #[cfg(test)] mod tests {\n\
             #[test]\n fn one() { client.caches().create(\"m\"); }\n\
             proptest! { #[test] fn two(x in 0..6) { assert!(x < 6); } }\n}",
        );
        let short: Vec<_> = found
            .iter()
            .map(|f| {
                (
                    f.modules.join("::"),
                    f.name.as_str(),
                    f.attributes.join(" "),
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                (String::new(), "GOLDEN", String::new()),
                (String::new(), "helper", String::new()),
                ("tests".to_owned(), "one", "test".to_owned()),
                ("tests".to_owned(), "two", "test".to_owned()),
            ]
        );
        assert!(found[0].words.files.contains("fixtures/a.json"));
        assert!(found[3].is_test_only);
        let pair = ("caches".to_owned(), "create".to_owned());
        assert!(found[2].words.pairs.contains(&pair));
        assert_eq!(found[2].line, 5);
    }
}
