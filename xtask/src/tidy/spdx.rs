//! Decides whether an SPDX licence expression can be satisfied with a set of licences.
//!
//! It knows `AND`, `OR`, `WITH`, parentheses and the old `/` of early manifests. Which licences
//! are acceptable is the caller's business.

/// Whether `expression` can be satisfied when `allowed` says which licences are acceptable.
///
/// A licence with an exception is asked for as `Licence WITH exception`. An error names what
/// could not be read.
pub(crate) fn satisfiable(
    expression: &str,
    allowed: &dyn Fn(&str) -> bool,
) -> Result<bool, String> {
    let tokens = tokens(expression);
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        allowed,
    };
    let verdict = parser.any_of()?;
    match parser.peek() {
        None => Ok(verdict),
        Some(token) => Err(format!("unexpected `{token}` in licence `{expression}`")),
    }
}

fn tokens(expression: &str) -> Vec<String> {
    expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ")
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

struct Parser<'a> {
    tokens: &'a [String],
    next: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(String::as_str)
    }

    fn take_if(&mut self, word: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn any_of(&mut self) -> Result<bool, String> {
        let mut verdict = self.all_of()?;
        while self.take_if("OR") {
            verdict |= self.all_of()?;
        }
        Ok(verdict)
    }

    fn all_of(&mut self) -> Result<bool, String> {
        let mut verdict = self.single()?;
        while self.take_if("AND") {
            verdict &= self.single()?;
        }
        Ok(verdict)
    }

    fn single(&mut self) -> Result<bool, String> {
        if self.take_if("(") {
            let verdict = self.any_of()?;
            return if self.take_if(")") {
                Ok(verdict)
            } else {
                Err("missing `)`".to_owned())
            };
        }
        let licence = self.identifier()?;
        if self.take_if("WITH") {
            let exception = self.identifier()?;
            return Ok((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Ok((self.allowed)(&licence))
    }

    fn identifier(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(token) if !is_operator(token) => {
                let token = token.to_owned();
                self.next += 1;
                Ok(token)
            }
            Some(token) => Err(format!("expected a licence, found `{token}`")),
            None => Err("expected a licence, found the end".to_owned()),
        }
    }
}

fn is_operator(token: &str) -> bool {
    matches!(token, "(" | ")")
        || ["AND", "OR", "WITH"]
            .iter()
            .any(|word| token.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(expression: &str) -> Result<bool, String> {
        let allowed = ["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        satisfiable(expression, &|licence| allowed.contains(&licence))
    }

    #[test]
    fn expressions_are_evaluated() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only AND MIT", false),
            ("MIT/Apache-2.0", true),
            ("GPL-2.0 / ISC", true),
            ("MIT OR GPL-3.0-only AND BSL-1.0", true),
            ("(MIT OR GPL-3.0-only) AND BSL-1.0", false),
            ("ISC AND (Apache-2.0 OR BSL-1.0)", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("((MIT))", true),
            ("mit or gpl", false),
        ] {
            assert_eq!(verdict(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn broken_expressions_are_errors() {
        for expression in [
            "", "MIT OR", "(MIT", "MIT MIT", "AND MIT", "MIT)", "MIT WITH",
        ] {
            assert!(verdict(expression).is_err(), "{expression}");
        }
    }
}
