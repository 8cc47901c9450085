//! A tokenizer that is ready to use, of either kind. Long texts are worked on away from the threads
//! that other tasks run on.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::Error;

use super::KimiTokenizer;

/// Texts up to this many bytes are encoded on the spot: that takes less than a millisecond.
const SHORT_TEXT: usize = 4 * 1024;
/// The same for tokens.
const FEW_TOKENS: usize = 1024;

/// Turns text into tokens and back. Clones are the same one.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::tokenizer::Tokenizer;
///
/// let tokenizer = Tokenizer::from_file("tokenizer.json")?;
/// let tokens = tokenizer.encode("What is a gimmal?").await?;
/// assert_eq!(tokenizer.decode(tokens).await?, "What is a gimmal?");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tokenizer(Arc<Kind>);

enum Kind {
    Library(Box<tokenizers::Tokenizer>),
    Kimi(KimiTokenizer),
}

impl Tokenizer {
    /// A tokenizer of a `tokenizer.json`. This blocks while the file is read.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or is none.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|error| Error::file("read", path, error))?;
        Self::from_json(&text)
    }

    /// A tokenizer of the text of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// Fails when it is none.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let read = tokenizers::Tokenizer::from_bytes(text);
        let read = read.map_err(|error| Error::decode(error, Bytes::new()));
        Ok(Self(Arc::new(Kind::Library(Box::new(read?)))))
    }

    /// The tokens of a text, special ones added as the tokenizer wants them.
    ///
    /// # Errors
    ///
    /// Fails when the text cannot be encoded.
    pub async fn encode(&self, text: impl Into<String>) -> Result<Vec<u32>, Error> {
        self.encode_with(text, true).await
    }

    /// The same without special tokens around the text. Their names within the text count even so.
    ///
    /// # Errors
    ///
    /// Fails when the text cannot be encoded.
    pub async fn encode_bare(&self, text: impl Into<String>) -> Result<Vec<u32>, Error> {
        self.encode_with(text, false).await
    }

    /// The text of tokens, special ones included.
    ///
    /// # Errors
    ///
    /// Fails when the tokens are none of this tokenizer.
    pub async fn decode(&self, tokens: impl Into<Vec<u32>>) -> Result<String, Error> {
        let tokens = tokens.into();
        let is_short = tokens.len() <= FEW_TOKENS;
        let kind = Arc::clone(&self.0);
        elsewhere_unless(is_short, move || kind.decode(&tokens)).await
    }

    async fn encode_with(&self, text: impl Into<String>, around: bool) -> Result<Vec<u32>, Error> {
        let text = text.into();
        let is_short = text.len() <= SHORT_TEXT;
        let kind = Arc::clone(&self.0);
        elsewhere_unless(is_short, move || kind.encode(&text, around)).await
    }
}

impl From<KimiTokenizer> for Tokenizer {
    fn from(tokenizer: KimiTokenizer) -> Self {
        Self(Arc::new(Kind::Kimi(tokenizer)))
    }
}

impl Kind {
    fn encode(&self, text: &str, around: bool) -> Result<Vec<u32>, Error> {
        match self {
            Self::Library(library) => {
                let encoded = library.encode_fast(text, around);
                let encoded = encoded.map_err(|error| {
                    Error::invalid("text", format!("cannot be encoded: {error}"))
                })?;
                Ok(encoded.get_ids().to_vec())
            }
            Self::Kimi(kimi) => kimi.encode(text, true),
        }
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        match self {
            Self::Library(library) => library
                .decode(tokens, false)
                .map_err(|error| Error::invalid("tokens", format!("cannot be decoded: {error}"))),
            Self::Kimi(kimi) => kimi.decode(tokens),
        }
    }
}

async fn elsewhere_unless<T: Send + 'static>(
    is_short: bool,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if is_short {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::cancelled("the tokenizer ended early")))
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.0 {
            Kind::Library(_) => "tokenizer.json",
            Kind::Kimi(_) => "Kimi",
        };
        f.debug_tuple("Tokenizer").field(&kind).finish()
    }
}
