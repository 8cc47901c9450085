//! Keys of the response cache: two requests have one key exactly if they are equal, and a key says
//! its names and reads back.

use arbitrary::{Arbitrary, Unstructured};
use gimmal_cache::{CacheKey, KeyRequest};

#[derive(Arbitrary, Debug, PartialEq)]
struct Request<'a> {
    namespace: &'a str,
    operation: &'a str,
    model: &'a str,
    version: &'a str,
    text: &'a str,
    option: Option<(&'a str, Choice<'a>)>,
    question: Option<&'a str>,
}

#[derive(Arbitrary, Debug, PartialEq)]
enum Choice<'a> {
    Text(&'a str),
    Number(i64),
    Switch(bool),
}

impl Request<'_> {
    fn key(&self) -> CacheKey {
        let mut request = KeyRequest::new(self.operation)
            .with_namespace(self.namespace)
            .with_model(self.model)
            .with_version(self.version)
            .with_text(self.text);
        if let Some((name, choice)) = &self.option {
            request = match choice {
                Choice::Text(text) => request.with_option(*name, *text),
                Choice::Number(number) => request.with_option(*name, *number),
                Choice::Switch(switch) => request.with_option(*name, *switch),
            };
        }
        if let Some(question) = self.question {
            request = request.with_question(question);
        }
        request.key()
    }
}

/// Runs the target: two requests.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((first, second)) = <(Request<'_>, Request<'_>)>::arbitrary(&mut input) else {
        return;
    };
    let (key, other) = (first.key(), second.key());
    assert_eq!(key == other, first == second, "{first:?} {second:?}");
    assert_eq!(key.digest() == other.digest(), first == second);

    assert_eq!(key.namespace(), first.namespace);
    assert_eq!(key.operation(), first.operation);
    assert_eq!(CacheKey::parse(key.as_str()), Some(key));
}
