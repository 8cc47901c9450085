//! The headers of a call, from all who may set some. They are put together when a request goes out
//! and not before, because a copy of a map of headers is among the dearest things a call does.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Room for the headers that are added on the way, as growing costs more.
const MORE_HEADERS: usize = 4;

/// Headers in layers; a stronger layer wins over a weaker one, name by name.
#[derive(Clone, Copy)]
pub(crate) struct LayeredHeaders<'a>([&'a HeaderMap; 4]);

impl<'a> LayeredHeaders<'a> {
    /// From the weakest to the strongest.
    pub(crate) fn new(layers: [&'a HeaderMap; 4]) -> Self {
        Self(layers)
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = &'a HeaderMap> {
        self.0.into_iter()
    }

    /// The header of this name that wins.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&'a HeaderValue> {
        self.layers()
            .filter_map(|layer| layer.get_all(name).iter().next_back())
            .last()
    }

    pub(crate) fn contains(&self, name: &HeaderName) -> bool {
        self.layers().any(|layer| layer.contains_key(name))
    }

    /// All of them together, and on top of `weakest`, of which a name may have several values.
    pub(crate) fn over(&self, weakest: &HeaderMap) -> HeaderMap {
        let known: usize = self.layers().map(HeaderMap::len).sum();
        let mut merged = HeaderMap::with_capacity(weakest.len() + known + MORE_HEADERS);
        for (name, value) in weakest {
            merged.append(name.clone(), value.clone());
        }
        for (name, value) in self.layers().flatten() {
            merged.insert(name.clone(), value.clone());
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, COOKIE, HOST, VARY};

    use super::*;

    fn map<const N: usize>(headers: [(HeaderName, &'static str); N]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_strongest_wins_name_by_name() {
        let none = HeaderMap::new();
        let weak = map([(ACCEPT, "weak"), (HOST, "weak")]);
        let strong = map([(ACCEPT, "first"), (ACCEPT, "last")]);
        let layered = LayeredHeaders::new([&none, &weak, &strong, &none]);
        assert_eq!(layered.get(&ACCEPT).unwrap(), "last");
        assert_eq!(layered.get(&HOST).unwrap(), "weak");
        assert_eq!(layered.get(&VARY), None);
        assert!(layered.contains(&HOST) && !layered.contains(&VARY));

        let weakest = map([(HOST, "weakest"), (COOKIE, "a"), (COOKIE, "b")]);
        let expected = map([
            (HOST, "weak"),
            (COOKIE, "a"),
            (COOKIE, "b"),
            (ACCEPT, "last"),
        ]);
        assert_eq!(layered.over(&weakest), expected);
    }
}
