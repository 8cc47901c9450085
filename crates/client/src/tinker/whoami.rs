//! Who the credentials belong to, as their token says. Nothing is asked of the server for it except
//! the token.

use gimmal_api::tinker::API_KEY;
use gimmal_transport::auth::JwtClaims;
use gimmal_transport::{Credentials as _, Error};
use gimmal_types::tinker::WhoamiResponse;

use super::RestClient;
use super::settings::Switched;

/// Issuers of tokens that speak for a person start with this.
const ISSUER: &str = "passport-";

impl RestClient {
    /// Who the credentials belong to.
    ///
    /// # Errors
    ///
    /// Fails when they are a key that the server does not exchange for a token, or a token of
    /// another issuer.
    pub async fn whoami(&self) -> Result<WhoamiResponse, Error> {
        let holder = self.holder().await?;
        let credentials = Switched(self.switch()).headers().await?;
        let unknown = || Error::authentication("nobody is known by these credentials");
        let token = credentials.as_map().get(API_KEY);
        let token = token
            .and_then(|token| token.to_str().ok())
            .ok_or_else(unknown)?;
        let claims = JwtClaims::decode(&token.into()).map_err(|_| unknown())?;
        let is_exchanged = holder.config.pjwt_auth_enabled;
        if !is_exchanged
            && !claims
                .text("iss")
                .is_some_and(|iss| iss.starts_with(ISSUER))
        {
            return Err(unknown());
        }
        let claim = |name| claims.text(name).filter(|text| !text.is_empty());
        let user = claim("sub").ok_or_else(unknown)?;
        let org = claim("org_id").ok_or_else(unknown)?;
        let mut who = WhoamiResponse::new()
            .set_user_urn(user)
            .set_org_urn(format!("tml:organization:{org}"));
        who.email = claim("email").map(str::to_owned);
        Ok(who)
    }
}

#[cfg(test)]
mod tests {
    use crate::tinker::testing::Server;

    /// {"alg":"none"} . claims . no signature
    fn token(issuer: &str) -> String {
        use base64::Engine as _;
        let claims = serde_json::json!({
            "iss": issuer, "sub": "tml:user:u", "org_id": "o", "email": "", "exp": 4_000_000_000_u64,
        });
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("eyJhbGciOiJub25lIn0.{claims}.")
    }

    /// Covers: RestClient.whoami
    #[tokio::test(start_paused = true)]
    async fn a_token_says_whose_it_is() {
        let server = Server::default();
        let known = |key: &str| server.builder().with_api_key(key).build().unwrap();
        let service = known(&token("passport-x"));
        let who = service.create_rest_client().whoami().await.unwrap();
        assert_eq!(who.user_urn, "tml:user:u");
        assert_eq!(who.org_urn, "tml:organization:o");
        assert_eq!(who.email, None);
        for stranger in [token("somebody"), "tml-key".to_owned()] {
            let rest = known(&stranger).create_rest_client();
            assert!(rest.whoami().await.is_err());
        }
    }
}
