//! Collections of the resources around interactions, and the names of what they hold.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Request};
use serde::de::DeserializeOwned;

use super::{Backend, Endpoint, Gemini, names};
use crate::Pager;

/// A collection of resources that all work alike: create, get, list, delete and sometimes update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Collection {
    /// Definitions of agents.
    Agents,
    /// Secrets that the service keeps.
    Credentials,
    /// Sandboxes.
    Environments,
    /// Turns with a model or an agent.
    Interactions,
    /// Interactions that start at set times.
    Triggers,
    /// Voices.
    Voices,
    /// Addresses that are told when work is done.
    Webhooks,
}

impl Collection {
    /// Its name in paths and in the JSON of lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Credentials => "credentials",
            Self::Environments => "environments",
            Self::Interactions => "interactions",
            Self::Triggers => "triggers",
            Self::Voices => "voices",
            Self::Webhooks => "webhooks",
        }
    }

    /// The path of one of its resources: `{id}`, `{collection}/{id}`, or on Vertex the full name.
    ///
    /// # Errors
    ///
    /// Fails when the name is empty, would change the path, or is of another collection.
    pub fn path(self, endpoint: &Endpoint, id: &str) -> Result<String, Error> {
        names::check("id", id)?;
        let collection = self.name();
        let refused = || {
            let example = match endpoint.backend() {
                Backend::GeminiApi => String::new(),
                Backend::Vertex => format!(" or `projects/p/locations/l/{collection}/abc`"),
            };
            Error::invalid(
                "id",
                format!("{id:?} is no name such as `abc` or `{collection}/abc`{example}"),
            )
        };
        // A colon would begin the name of a call.
        if id.contains(':') {
            return Err(refused());
        }
        let parts: Vec<&str> = id.split('/').collect();
        match parts.as_slice() {
            [id] => Ok(format!("{collection}/{id}")),
            [named, _] if *named == collection => Ok(id.to_owned()),
            ["projects", _, "locations", _, named, _]
                if *named == collection && endpoint.backend() == Backend::Vertex =>
            {
                Ok(id.to_owned())
            }
            _ => Err(refused()),
        }
    }
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListQuery {
    /// Most elements of a page; the service decides when absent.
    pub page_size: Option<i32>,
    /// Where to start, from an earlier page.
    pub page_token: Option<String>,
    /// Further parameters of the list by their names on the wire, such as filters.
    pub parameters: Vec<(String, String)>,
}

impl ListQuery {
    /// Sets the parameter of this name, in place of an earlier value.
    pub fn set_parameter(&mut self, name: &str, value: impl Into<String>) {
        self.parameters.retain(|(other, _)| other != name);
        self.parameters.push((name.to_owned(), value.into()));
    }
}

impl Gemini {
    /// A list whose elements stand under the first present of `keys`.
    pub(super) fn pages_of<T: DeserializeOwned + Send + 'static>(
        &self,
        keys: &'static [&'static str],
        list: ListQuery,
        options: CallOptions,
        build: impl Fn(&ListQuery) -> Result<Request, Error> + Send + Sync + 'static,
    ) -> Pager<T> {
        let first = list.page_token.clone();
        let (transport, options) = (self.transport().clone(), Arc::new(options));
        Pager::new(transport, options, keys, first, move |token| {
            let mut list = list.clone();
            list.page_token = token;
            build(&list)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_several_forms() {
        let developer = Endpoint::gemini_api().build().unwrap();
        let vertex = Endpoint::vertex().with_project("p").build().unwrap();
        let path = |endpoint: &Endpoint, id: &str| Collection::Agents.path(endpoint, id);
        assert_eq!(path(&developer, "a").unwrap(), "agents/a");
        assert_eq!(path(&developer, "agents/a").unwrap(), "agents/a");
        let full = "projects/p/locations/l/agents/a";
        assert_eq!(path(&vertex, full).unwrap(), full);
        assert_eq!(
            path(&developer, full).unwrap_err().to_string(),
            "invalid `id`: \"projects/p/locations/l/agents/a\" is no name such as `abc` or \
             `agents/abc`"
        );
        for bad in [
            "", " ", "voices/a", "a/b/c", "a:ping", "../a", "a?b", "agents/",
        ] {
            let error = path(&vertex, bad).unwrap_err();
            assert_eq!(error.field(), Some("id"), "{bad}");
        }
    }
}
