//! The key of a GitHub App, and what is signed by it.

use std::fmt;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use ring::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde_json::json;

/// An RSA key. `Debug` does not show it.
pub struct AppKey(KeyPair);

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey(****)")
    }
}

impl AppKey {
    /// Reads a key as GitHub gives it: PEM, of PKCS #1 or PKCS #8.
    ///
    /// # Errors
    /// When it is none; the error does not repeat it.
    pub fn parse(pem: &str) -> anyhow::Result<Self> {
        let wrong = || anyhow!("expected the RSA private key of a GitHub App, as PEM");
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())? {
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(wrong()),
        };
        key.map(Self).map_err(|_| wrong())
    }

    /// A JSON Web Token (RFC 7519, RS256) by which the app shows itself, good for ten minutes from that moment. It
    /// begins a minute earlier, as GitHub advises, for clocks that go differently.
    ///
    /// # Errors
    /// When nothing can be signed.
    pub(super) fn token(&self, app: u32, now: DateTime<Utc>) -> anyhow::Result<String> {
        let (from, until) = (now - TimeDelta::minutes(1), now + TimeDelta::minutes(9));
        let head = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({"iat": from.timestamp(), "exp": until.timestamp(), "iss": app.to_string()});
        let encoded = [head, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes())).join(".");
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), encoded.as_bytes(), &mut signature)
            .map_err(|_| anyhow!("nothing can be signed by the app's key"))?;
        Ok(format!("{encoded}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}
