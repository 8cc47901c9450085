//! How an item is worked on: the one trait that a run needs.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use super::{Failure, Usage};

/// What a strategy made of an item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome<O> {
    /// The output.
    pub output: O,
    /// Tokens it took.
    pub usage: Usage,
    /// Tokens that it would have taken, when the output was kept from an earlier call and nothing
    /// was sent: then it took none.
    pub saved: Option<Usage>,
    /// Requests on the wire.
    pub attempts: u32,
}

impl<O> Outcome<O> {
    /// An output with what it cost.
    pub fn new(output: O, usage: Usage, attempts: u32) -> Self {
        Self {
            output,
            usage,
            saved: None,
            attempts,
        }
    }

    /// An output that cost nothing, since it was kept from a call that took `saved`.
    pub fn kept(output: O, saved: Usage) -> Self {
        Self {
            saved: Some(saved),
            ..Self::new(output, Usage::default(), 0)
        }
    }
}

/// Works on items. One strategy serves a whole run and is shared by all its workers.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use gimmal_batch::{CallStrategy, Failure, Outcome, Usage};
///
/// #[derive(Debug)]
/// struct Shout;
///
/// impl CallStrategy for Shout {
///     type Input = String;
///     type Output = String;
///
///     fn execute<'a>(
///         &'a self,
///         input: &'a String,
///     ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
///         Box::pin(async move { Ok(Outcome::new(input.to_uppercase(), Usage::default(), 0)) })
///     }
/// }
/// ```
pub trait CallStrategy: Debug + Send + Sync + 'static {
    /// What it works on.
    type Input: Send + Sync + 'static;
    /// What it makes.
    type Output: Send + 'static;

    /// Called once before the first item, whatever the number of workers.
    ///
    /// An error ends the run before anything is spent on items.
    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    /// Works on one item. Errors are the item's own unless they are fatal.
    ///
    /// A panic fails the item and nothing else.
    fn execute<'a>(
        &'a self,
        input: &'a Self::Input,
    ) -> BoxFuture<'a, Result<Outcome<Self::Output>, Failure>>;

    /// Called once after the last item, also when the run was stopped.
    fn cleanup(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
