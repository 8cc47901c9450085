//! The tokens of a model as text: what each of them stands for and which of them ends a text. Read
//! from a `tokenizer.json`, or simply the bytes. Splits no text into tokens; clients do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The text of the token that ends a text of bytes.
const END: &str = "<|end|>";
/// What ends a text in the tokenizers there are, the surest first.
const ENDS: [&str; 8] = [
    "<|im_end|>",
    "<|eot_id|>",
    END,
    "<|end_of_text|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "</s>",
    "<eos>",
];
/// Most tokens of a vocabulary, since every score of a text is kept at once.
const MOST: usize = 1 << 16;

/// What tokens stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vocabulary {
    /// The bytes of each token; none for a number that is no token.
    texts: Vec<Vec<u8>>,
    end: usize,
}

impl Vocabulary {
    /// Token 65 is the byte 65, and token 256 ends a text.
    pub(crate) fn bytes() -> Self {
        let bytes = (0..=255).map(|byte| vec![byte]);
        Self {
            texts: bytes.chain([END.as_bytes().to_vec()]).collect(),
            end: 256,
        }
    }

    /// The vocabulary of a `tokenizer.json`.
    pub(crate) fn read(tokenizer: &[u8]) -> Result<Self, String> {
        let file: Value = serde_json::from_slice(tokenizer).map_err(|error| error.to_string())?;
        let mut tokens: BTreeMap<usize, String> = BTreeMap::new();
        match &file["model"]["vocab"] {
            Value::Object(vocabulary) => {
                for (text, token) in vocabulary {
                    tokens.insert(number(token)?, text.clone());
                }
            }
            Value::Array(pieces) => {
                let text = |piece: &Value| piece[0].as_str().unwrap_or_default().to_owned();
                tokens.extend(pieces.iter().map(text).enumerate());
            }
            _ => return Err("model.vocab is neither an object nor a list".to_owned()),
        }
        let added = file["added_tokens"].as_array().map(Vec::as_slice);
        let mut special = BTreeMap::new();
        for token in added.unwrap_or_default() {
            let text = token["content"].as_str().unwrap_or_default().to_owned();
            special.insert(number(&token["id"])?, text);
        }
        let last = tokens.last_key_value().max(special.last_key_value());
        let count = last.map_or(0, |(token, _)| token + 1);
        if count == 0 || count > MOST {
            return Err(format!(
                "it has {count} tokens, but 1 to {MOST} can be served"
            ));
        }
        let named = |name: &&str| {
            let found = special.iter().chain(&tokens).find(|(_, text)| text == name);
            found.map(|(token, _)| *token)
        };
        let end = ENDS.iter().find_map(named);
        let end = end.or_else(|| special.keys().next_back().copied());
        let byte_level = file["decoder"].to_string().contains("ByteLevel")
            || file["pre_tokenizer"].to_string().contains("ByteLevel");
        let bytes = bytes_of_letters();
        let plain = |text: &String| match byte_level {
            true => text
                .chars()
                .filter_map(|c| bytes.get(&c).copied())
                .collect(),
            false => piece(text),
        };
        let text = |token: usize| match (special.get(&token), tokens.get(&token)) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(text)) => plain(text),
            (None, None) => Vec::new(),
        };
        Ok(Self {
            texts: (0..count).map(text).collect(),
            end: end.unwrap_or(count - 1),
        })
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The token that ends a text.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// The bytes of a token.
    pub(crate) fn text(&self, token: i32) -> &[u8] {
        let token = usize::try_from(token).ok();
        token
            .and_then(|token| self.texts.get(token))
            .map_or(&[], Vec::as_slice)
    }
}

/// The `tokenizer.json` of [`Vocabulary::bytes`].
pub(crate) fn tokenizer_of_bytes() -> Value {
    let letters = bytes_of_letters().into_iter();
    let letters: Map<String, Value> = letters
        .map(|(letter, byte)| (letter.to_string(), json!(byte)))
        .collect();
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false,
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [{
            "id": 256, "content": END, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        }],
        "pre_tokenizer": bytes, "post_processor": null, "decoder": bytes,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": false, "vocab": letters, "merges": [],
        },
    })
}

fn number(token: &Value) -> Result<usize, String> {
    let number = token.as_u64().and_then(|token| usize::try_from(token).ok());
    number.ok_or_else(|| format!("{token} is no number of a token"))
}

/// The bytes of a piece as SentencePiece writes it: a low line for a space, `<0x0A>` for a byte.
fn piece(text: &str) -> Vec<u8> {
    let hexadecimal = text
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'));
    match hexadecimal.and_then(|byte| u8::from_str_radix(byte, 16).ok()) {
        Some(byte) => vec![byte],
        None => text.replace('▁', " ").into_bytes(),
    }
}

/// The byte behind each letter of a byte-level vocabulary: a byte with a visible letter is written as
/// that, any other as one of those after 255, as GPT-2 began it.
fn bytes_of_letters() -> BTreeMap<char, u8> {
    let visible = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let (shown, hidden): (Vec<u8>, Vec<u8>) = (0..=255).partition(visible);
    let shown = shown.into_iter().map(|byte| (char::from(byte), byte));
    let beyond = ('\u{100}'..).zip(hidden);
    shown.chain(beyond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_bytes_is_read_as_the_bytes() {
        let file = tokenizer_of_bytes().to_string();
        assert_eq!(Vocabulary::read(file.as_bytes()), Ok(Vocabulary::bytes()));
    }

    #[test]
    fn pieces_and_added_tokens_have_their_texts() {
        let file = json!({
            "model": {"vocab": [["<unk>", 0.0], ["▁a", -1.0], ["<0x0A>", -2.0], ["</s>", 0.0]]},
            "added_tokens": [{"id": 5, "content": "<tool>"}],
        });
        let read = Vocabulary::read(file.to_string().as_bytes()).expect("a vocabulary");
        let texts: Vec<&[u8]> = (0..6).map(|token| read.text(token)).collect();
        assert_eq!(
            texts,
            [&b"<unk>"[..], b" a", b"\n", b"</s>", b"", b"<tool>"]
        );
        assert_eq!((read.len(), read.end(), read.text(-1)), (6, 3, &b""[..]));
    }

    #[test]
    fn what_is_no_vocabulary_is_refused() {
        for (file, part) in [
            ("", "EOF"),
            ("{}", "model.vocab"),
            (r#"{"model": {"vocab": {}}}"#, "0 tokens"),
            (r#"{"model": {"vocab": {"a": -1}}}"#, "-1"),
            (r#"{"model": {"vocab": {"a": 70000}}}"#, "70001"),
        ] {
            let error = Vocabulary::read(file.as_bytes()).expect_err("refused");
            assert!(error.contains(part), "{error}");
        }
    }
}
