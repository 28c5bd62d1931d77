//! GitHub Apps: what one signs is checked, and gets it tokens of its installations.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http_body_util::Full;
use hyper::{HeaderMap, Method, Response, body::Bytes};
use ring::{
    rsa::{KeyPair, PublicKeyComponents},
    signature::RSA_PKCS1_2048_8192_SHA256,
};
use rustls_pki_types::{PrivatePkcs1KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use shared::random;

use super::{State, shapes};

/// The number of the app that it knows.
pub const APP: u32 = 1_234_567;

/// The app's key, made for tests alone, as GitHub gives it.
pub const APP_KEY: &str = include_str!("app.pkcs1.pem");
/// The same as others write it: PKCS #8.
pub const APP_KEY_PKCS8: &str = include_str!("app.pkcs8.pem");

impl State {
    /// What is asked by the app itself, and signed by its key.
    pub(super) fn of_app(&mut self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let signed = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Err(wrong) = claims(signed.strip_prefix("Bearer ").unwrap_or_default()) {
            self.faults.push(wrong);
            return shapes::error(401, "A JSON web token could not be decoded");
        }
        let installation = |number: usize| json!({"id": number, "app_id": APP, "repository_selection": "all"});
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method, &*parts) {
            (&Method::GET, ["repos", owner, _, "installation"]) => {
                match self.installed.iter().position(|installed| installed == owner) {
                    Some(number) => shapes::answer(200, &installation(number)),
                    None => shapes::error(404, "Not Found"),
                }
            }
            (&Method::GET, ["app", "installations"]) => {
                let all: Vec<Value> = (0..self.installed.len()).map(installation).take(1).collect();
                shapes::answer(200, &Value::from(all))
            }
            (&Method::POST, ["app", "installations", number, "access_tokens"]) => {
                let token = format!("ghs_{}", HEXLOWER.encode(&random::bytes::<18>()));
                self.given.insert(number.parse().unwrap_or_default(), token.clone());
                let until = self.given_until.map(|until| until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
                let permissions = json!({"contents": "read", "metadata": "read"});
                let given = json!({"token": token, "expires_at": until, "permissions": permissions,
                                   "repository_selection": "all"});
                shapes::answer(201, &given)
            }
            _ => shapes::error(404, "Not Found"),
        }
    }
}

/// Whether a token is the app's: its signature, its issuer, and ten minutes at most.
fn claims(token: &str) -> Result<(), String> {
    let (signed, signature) = token.rsplit_once('.').ok_or("no JSON Web Token")?;
    let der = PrivatePkcs1KeyDer::from_pem_slice(APP_KEY.as_bytes()).expect("a key");
    let key = KeyPair::from_der(der.secret_pkcs1_der()).expect("a key");
    let public: PublicKeyComponents<Vec<u8>> = PublicKeyComponents::from(key.public());
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| "the signature is not encoded")?;
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
        .map_err(|_| "the signature is not the app's")?;
    let decoded: Vec<Value> = signed
        .split('.')
        .filter_map(|part| serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok())
        .collect();
    let [head, claims] = &*decoded else { return Err("no head and claims".to_owned()) };
    let lasts = claims["exp"].as_i64().unwrap_or(i64::MAX) - claims["iat"].as_i64().unwrap_or_default();
    let right = *head == json!({"alg": "RS256", "typ": "JWT"}) && claims["iss"].as_str() == Some(&*APP.to_string());
    if right && (1..=600).contains(&lasts) { Ok(()) } else { Err(format!("{head} {claims}")) }
}
