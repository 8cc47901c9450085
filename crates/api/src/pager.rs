//! Lists that come in pages.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use gimmal_transport::{CallOptions, Error, Request, Response, ResponseParts, Transport, json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A stream of the items of a list, fetched page by page as it is read.
///
/// An element that cannot be decoded is an `Err` item and costs neither its page nor the rest of
/// the list. A request that fails is an `Err` item after which the stream ends;
/// [`Pager::continuation`] then still names the page to ask for again. A server that hands out a
/// page token a second time ends the list with an error, after the items that came with it,
/// instead of repeating it for ever.
///
/// ```
/// # async fn run(gemini: gimmal_api::gemini::Gemini) -> Result<(), gimmal_transport::Error> {
/// use futures_util::TryStreamExt as _;
///
/// let mut caches = gemini.list_caches(Default::default(), Default::default());
/// while let Some(cache) = caches.try_next().await? {
///     println!("{}", cache.name.unwrap_or_default());
/// }
/// # Ok(()) }
/// ```
#[must_use = "a pager sends nothing until it is read"]
pub struct Pager<T> {
    source: Source<T>,
    page_token: Option<String>,
    items: std::vec::IntoIter<Result<T, Error>>,
    yielded: usize,
    skip: usize,
    /// Of the page that is being read.
    head: Option<ResponseParts>,
    fetching: Option<BoxFuture<'static, Result<Page<T>, Error>>>,
    next: Next,
    /// Tokens asked for so far, to notice a server that goes in circles.
    asked: HashSet<String>,
}

/// Where a list was left: save it, and go on from there in another process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    /// Token of the page that is being read; `None` for the first.
    page_token: Option<String>,
    /// Items of that page that were already taken.
    taken: usize,
}

/// One page of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The elements, each decoded or not on its own.
    pub items: Vec<Result<T, Error>>,
    /// Asks for the page after this one; `None` on the last.
    pub next_page_token: Option<String>,
    /// Everything of the reply but its body: status, headers, attempts.
    pub parts: ResponseParts,
}

enum Next {
    /// Ask for the page of this token; the first page has none.
    Token(Option<String>),
    /// Asking for the page of this token failed.
    Failed(Option<String>),
    /// The server named a page that was already asked for.
    Repeated,
    End,
}

type BuildRequest = dyn Fn(Option<String>) -> Result<Request, Error> + Send + Sync;

struct Source<T> {
    transport: Transport,
    options: Arc<CallOptions>,
    keys: &'static [&'static str],
    build: Arc<BuildRequest>,
    decode: fn(Value) -> Result<T, Error>,
}

impl<T: DeserializeOwned + Send + 'static> Pager<T> {
    /// A list whose elements stand under the first present of `keys`.
    pub(crate) fn new(
        transport: Transport,
        options: Arc<CallOptions>,
        keys: &'static [&'static str],
        first: Option<String>,
        build: impl Fn(Option<String>) -> Result<Request, Error> + Send + Sync + 'static,
    ) -> Self {
        let source = Source {
            transport,
            options,
            keys,
            build: Arc::new(build),
            decode: decode_item::<T>,
        };
        Self {
            source,
            page_token: first.clone(),
            items: Vec::new().into_iter(),
            yielded: 0,
            skip: 0,
            head: None,
            fetching: None,
            next: Next::Token(first),
            asked: HashSet::new(),
        }
    }

    /// The same for elements that the service writes in another form, `W`.
    pub(crate) fn converting<W: DeserializeOwned + Into<T>>(mut self) -> Self {
        self.source.decode = |element| decode_item::<W>(element).map(Into::into);
        self
    }

    /// Starts where another pager of the same list was left.
    pub fn resume(mut self, continuation: Continuation) -> Self {
        self.page_token.clone_from(&continuation.page_token);
        self.next = Next::Token(continuation.page_token);
        self.skip = continuation.taken;
        self.items = Vec::new().into_iter();
        self.yielded = 0;
        self.fetching = None;
        self.asked.clear();
        self
    }

    /// Status, headers and attempts of the page that the last item came from.
    pub fn head(&self) -> Option<&ResponseParts> {
        self.head.as_ref()
    }

    /// Where the list stands now; `None` when there is nothing more to ask for.
    pub fn continuation(&self) -> Option<Continuation> {
        if self.items.len() > 0 {
            return Some(Continuation {
                page_token: self.page_token.clone(),
                taken: self.yielded,
            });
        }
        match &self.next {
            Next::Token(token) | Next::Failed(token) => Some(Continuation {
                page_token: token.clone(),
                taken: self.skip,
            }),
            Next::Repeated | Next::End => None,
        }
    }

    /// The pages instead of the items, with their headers.
    ///
    /// A page of which items were already taken, here or before a [`Continuation`], is asked for
    /// again and holds only the rest.
    pub fn pages(mut self) -> impl Stream<Item = Result<Page<T>, Error>> + Send {
        if let Some(place) = self.continuation().filter(|_| self.items.len() > 0) {
            self = self.resume(place);
        }
        futures_util::stream::unfold(self, |mut pager| async move {
            let fetch = pager.begin_fetch()?;
            let page = fetch.await;
            Some((pager.accept(page), pager))
        })
    }

    /// The request for the next page, unless the list is at its end.
    fn begin_fetch(&mut self) -> Option<BoxFuture<'static, Result<Page<T>, Error>>> {
        match &self.next {
            Next::Token(token) => {
                self.asked.extend(token.clone());
                Some(self.source.fetch(token.clone()))
            }
            Next::Repeated => {
                self.next = Next::End;
                Some(ready(Err(repeated())).boxed())
            }
            Next::Failed(_) | Next::End => None,
        }
    }

    /// Notes where the list goes on after a page, and takes out what was read of it before.
    fn accept(&mut self, page: Result<Page<T>, Error>) -> Result<Page<T>, Error> {
        let asked = match &mut self.next {
            Next::Token(token) => token.take(),
            Next::Failed(_) | Next::Repeated | Next::End => return page,
        };
        let mut page = match page {
            Ok(page) => page,
            Err(error) => {
                self.next = Next::Failed(asked);
                return Err(error);
            }
        };
        self.next = match &page.next_page_token {
            None => Next::End,
            Some(token) if self.asked.contains(token) => Next::Repeated,
            Some(token) => Next::Token(Some(token.clone())),
        };
        self.page_token = asked;
        self.yielded = self.skip.min(page.items.len());
        self.skip = 0;
        page.items.drain(..self.yielded);
        Ok(page)
    }
}

fn repeated() -> Error {
    Error::decode(
        "the server named a page that was already read, so the list would never end",
        Bytes::new(),
    )
    .with_field("nextPageToken")
}

impl<T: Send + 'static> Source<T> {
    fn fetch(&self, token: Option<String>) -> BoxFuture<'static, Result<Page<T>, Error>> {
        let request = (self.build)(token);
        let (transport, options) = (self.transport.clone(), Arc::clone(&self.options));
        let (keys, decode) = (self.keys, self.decode);
        async move {
            let response = transport.send(request?, &options).await?;
            read_page(response, keys, decode)
        }
        .boxed()
    }
}

fn read_page<T>(
    response: Response<Bytes>,
    keys: &[&str],
    decode: fn(Value) -> Result<T, Error>,
) -> Result<Page<T>, Error> {
    let (parts, body) = response.into_parts();
    let mut page: Map<String, Value> = json::from_slice(&body)?;
    let elements = keys.iter().find_map(|key| match page.remove(*key) {
        Some(Value::Array(elements)) => Some(elements),
        _ => None,
    });
    let token = ["nextPageToken", "next_page_token"]
        .iter()
        .find_map(|key| page.get(*key)?.as_str())
        .filter(|token| !token.is_empty());
    Ok(Page {
        items: elements
            .unwrap_or_default()
            .into_iter()
            .map(decode)
            .collect(),
        next_page_token: token.map(str::to_owned),
        parts,
    })
}

fn decode_item<T: DeserializeOwned>(element: Value) -> Result<T, Error> {
    let raw = element.to_string();
    serde_json::from_value(element).map_err(|error| Error::decode(error, Bytes::from(raw)))
}

impl<T: DeserializeOwned + Send + Unpin + 'static> Stream for Pager<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.next() {
                self.yielded += 1;
                return Poll::Ready(Some(item));
            }
            if self.fetching.is_none() {
                match self.begin_fetch() {
                    Some(fetch) => self.fetching = Some(fetch),
                    None => return Poll::Ready(None),
                }
            }
            let Some(fetch) = self.fetching.as_mut() else {
                continue;
            };
            let Poll::Ready(page) = fetch.poll_unpin(context) else {
                return Poll::Pending;
            };
            self.fetching = None;
            match self.accept(page) {
                Ok(page) => {
                    self.items = page.items.into_iter();
                    self.head = Some(page.parts);
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pager")
            .field("page_token", &self.page_token)
            .field("items_left_in_page", &self.items.len())
            .finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send + Unpin + 'static> Pager<T> {
    /// Reads the whole list into memory, stopping at the first error.
    ///
    /// # Errors
    ///
    /// Fails with the first error met, be it of a request or of an element.
    pub async fn collect_all(mut self) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}
