//! The tokens there are, until they expire or are used up. Whoever opens a session asks here.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::StatusCode;

use crate::gemini::{auth_tokens::grant::Grant, errors::ApiError};

/// All ephemeral tokens of an emulator.
#[derive(Debug, Default)]
pub(crate) struct AuthTokens {
    tokens: Mutex<HashMap<String, Token>>,
}

/// One token.
#[derive(Debug)]
pub(crate) struct Token {
    /// When sessions end.
    pub(crate) expires: SystemTime,
    /// When no new session can be opened any more.
    pub(crate) opens_until: SystemTime,
    /// The sessions that can still be opened, if they are limited.
    pub(crate) uses: Option<u64>,
    pub(crate) grant: Grant,
}

/// A session that a token has opened.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// When the session ends.
    pub(crate) expires: SystemTime,
    pub(crate) grant: Grant,
}

impl AuthTokens {
    pub(super) fn insert(&self, name: String, token: Token, now: SystemTime) {
        let mut tokens = self.lock();
        tokens.retain(|_, token| token.expires > now);
        tokens.insert(name, token);
    }

    /// Opens a session with the token of that name, such as `auth_tokens/4f…`, which uses it once.
    ///
    /// # Errors
    ///
    /// When there is no such token, when it has expired, and when it is used up.
    pub(crate) fn open(&self, name: &str, now: SystemTime) -> Result<Opened, ApiError> {
        let mut tokens = self.lock();
        let token = find(&mut tokens, name, now)?;
        if token.opens_until <= now {
            return Err(refused("Token has expired for new sessions."));
        }
        match &mut token.uses {
            Some(0) => return Err(refused("Token has been used the maximum number of times.")),
            Some(uses) => *uses -= 1,
            None => {}
        }
        Ok(token.opened())
    }

    /// Goes on with a session the token has opened before, which does not count as a use.
    ///
    /// # Errors
    ///
    /// When there is no such token, and when it has expired.
    pub(crate) fn resume(&self, name: &str, now: SystemTime) -> Result<Opened, ApiError> {
        Ok(find(&mut self.lock(), name, now)?.opened())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn opened(&self) -> Opened {
        Opened {
            expires: self.expires,
            grant: self.grant.clone(),
        }
    }
}

fn find<'a>(
    tokens: &'a mut HashMap<String, Token>,
    name: &str,
    now: SystemTime,
) -> Result<&'a mut Token, ApiError> {
    match tokens.get_mut(name) {
        Some(token) if token.expires > now => Ok(token),
        Some(_) => Err(refused("Token has expired.")),
        None => Err(refused("Token is not valid.")),
    }
}

fn refused(problem: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    fn token(uses: Option<u64>) -> Token {
        Token {
            expires: at(100),
            opens_until: at(10),
            uses,
            grant: Grant::default(),
        }
    }

    fn message(result: Result<Opened, ApiError>) -> String {
        result.expect_err("refused").message().to_owned()
    }

    #[test]
    fn a_token_opens_so_many_sessions_for_a_while() {
        let tokens = AuthTokens::default();
        tokens.insert("auth_tokens/a".into(), token(Some(1)), START);
        tokens.insert("auth_tokens/b".into(), token(None), START);
        let opened = tokens.open("auth_tokens/a", at(9)).expect("a session");
        assert_eq!(opened.expires, at(100));
        assert_eq!(opened.grant, Grant::default());
        assert!(message(tokens.open("auth_tokens/a", at(9))).contains("maximum number"));
        assert!(tokens.resume("auth_tokens/a", at(99)).is_ok());
        assert!(message(tokens.resume("auth_tokens/a", at(100))).contains("expired"));
        for _ in 0..5 {
            assert!(tokens.open("auth_tokens/b", at(9)).is_ok());
        }
        assert!(message(tokens.open("auth_tokens/b", at(10))).contains("new sessions"));
        assert!(message(tokens.open("auth_tokens/c", at(1))).contains("not valid"));
    }

    #[test]
    fn an_expired_token_is_forgotten() {
        let tokens = AuthTokens::default();
        tokens.insert("auth_tokens/a".into(), token(None), START);
        tokens.insert("auth_tokens/b".into(), token(None), at(100));
        assert_eq!(tokens.lock().len(), 1);
    }
}
