//! Calls and setters that many resources have: calls of one name, lists, uploads. Declared here
//! once, in one shape.

/// Declares a call that takes one name: `GetAgent(get_agent) -> Agent`.
macro_rules! named_calls {
    ($( $(#[$meta:meta])* pub struct $call:ident($method:ident) -> $reply:ty; )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before `send`"]
        pub struct $call {
            api: ::gimmal_api::gemini::Gemini,
            id: String,
            options: ::gimmal_transport::CallOptions,
        }

        impl $call {
            fn new(api: &::gimmal_api::gemini::Gemini, id: impl Into<String>) -> Self {
                Self {
                    api: api.clone(),
                    id: id.into(),
                    options: ::gimmal_transport::CallOptions::default(),
                }
            }

            /// Options of this call.
            pub fn with_options(mut self, options: ::gimmal_transport::CallOptions) -> Self {
                self.options = options;
                self
            }

            /// Sends.
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`Gemini::", stringify!($method), "`](gimmal_api::gemini::Gemini::", stringify!($method), ").")]
            pub async fn send(
                self,
            ) -> Result<::gimmal_transport::Response<$reply>, ::gimmal_transport::Error> {
                self.api.$method(&self.id, &self.options).await
            }
        }
    )* };
}

/// Declares a call that lists a collection: `ListAgentsCall(list_agents) -> Agent`.
macro_rules! list_calls {
    ($( $(#[$meta:meta])* pub struct $call:ident($method:ident) -> $item:ty; )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before the items are read"]
        pub struct $call {
            api: ::gimmal_api::gemini::Gemini,
            list: ::gimmal_api::gemini::ListQuery,
            options: ::gimmal_transport::CallOptions,
        }

        impl $call {
            fn new(api: &::gimmal_api::gemini::Gemini) -> Self {
                Self {
                    api: api.clone(),
                    list: ::gimmal_api::gemini::ListQuery::default(),
                    options: ::gimmal_transport::CallOptions::default(),
                }
            }

            /// The items, one by one; [`Pager::pages`](gimmal_api::Pager::pages) gives them by
            /// page.
            pub fn items(self) -> ::gimmal_api::Pager<$item> {
                self.api.$method(self.list, self.options)
            }
        }

        paged!($call);
    )* };
}

/// The setters that every list has; what they set is in `list`, or in the field that is named.
macro_rules! paged {
    ($call:ident) => {
        paged!($call, list);
    };
    ($call:ident, $list:ident) => {
        impl $call {
            /// Most elements of a page.
            pub fn set_page_size(mut self, size: i32) -> Self {
                self.$list.page_size = Some(size);
                self
            }

            /// Where to start, from an earlier page.
            pub fn set_page_token(mut self, token: impl Into<String>) -> Self {
                self.$list.page_token = Some(token.into());
                self
            }

            /// Options of each request.
            pub fn with_options(mut self, options: ::gimmal_transport::CallOptions) -> Self {
                self.options = options;
                self
            }
        }
    };
}

/// The setters that every upload has.
macro_rules! uploads {
    ($call:ident) => {
        impl $call {
            /// Calls `tell` whenever the server has taken more, and when it turns out to have less.
            pub fn with_progress(
                mut self,
                tell: impl Fn(::gimmal_transport::Progress) + Send + Sync + 'static,
            ) -> Self {
                self.upload = self.upload.with_progress(tell);
                self
            }

            /// The size of chunks in bytes; 8 MiB otherwise.
            pub fn with_chunk_bytes(mut self, chunk_bytes: ::std::num::NonZeroU64) -> Self {
                self.upload = self.upload.with_chunk_bytes(chunk_bytes);
                self
            }

            /// Sends the content to this origin, for servers that name another one than they are
            /// seen at.
            pub fn with_origin(mut self, origin: ::gimmal_transport::Origin) -> Self {
                self.upload = self.upload.with_origin(origin);
                self
            }

            /// Options of the upload. Headers among them are sent when it is opened; a deadline
            /// covers all of it.
            pub fn with_options(mut self, options: ::gimmal_transport::CallOptions) -> Self {
                self.upload = self.upload.with_options(options);
                self
            }
        }
    };
}
