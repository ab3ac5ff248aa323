//! Tokens: 256 random bits that are shown once. What is stored opens nothing.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::ring;

use super::role::Role;

/// The beginning of each token, by which programs that look for secrets find them.
const PREFIX: &str = "ty_";
/// Bytes of a token.
const SECRET_BYTES: usize = 32;
/// Bytes of an identifier.
const ID_BYTES: usize = 4;

/// A token as its holder knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

impl Secret {
    /// A new one. `None` where the system has no random numbers.
    pub fn random() -> Option<Self> {
        Some(Self(format!("{PREFIX}{}", hex(&random::<SECRET_BYTES>()?))))
    }

    /// One that somebody shows.
    pub fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, for its holder.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is stored of it. Random bits need no slow hash.
    pub fn digest(&self) -> Digest {
        Digest(hex(&Sha256::digest(self.0.as_bytes())))
    }
}

/// SHA-256 of a token, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Whether it has the form of one.
    pub fn is_sound(&self) -> bool {
        self.0.len() == 64 && self.0.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }
}

/// A token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// By which it is listed and revoked.
    pub id: String,
    /// Who holds it.
    pub name: String,
    /// The tenant that it is for, with those below it.
    pub tenant: String,
    /// What its holder may do.
    pub role: Role,
    /// SHA-256 of the token.
    pub digest: Digest,
    /// When it was made, in seconds since 1970.
    pub created_s: u64,
    /// From when on it is not valid any more, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// When it was revoked, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_s: Option<u64>,
}

impl Token {
    /// `valid`, `expired` or `revoked`.
    pub fn state(&self, now_s: u64) -> &'static str {
        match (self.revoked_s, self.expires_s) {
            (Some(_), _) => "revoked",
            (None, Some(expires_s)) if expires_s <= now_s => "expired",
            _ => "valid",
        }
    }
}

/// All tokens of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Version of the file.
    pub schema: u32,
    /// The tokens, in the order in which they were made.
    pub tokens: Vec<Token>,
}

/// Why a token opens nothing. It names the token where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no such token.
    Unknown,
    /// It is not valid any more.
    Expired(Box<Token>),
    /// It was taken back.
    Revoked(Box<Token>),
}

impl Tokens {
    /// The token that somebody shows. Digests are compared, so the time that it takes says nothing of a token.
    pub fn find(&self, secret: &Secret, now_s: u64) -> Result<&Token, Denied> {
        let digest = secret.digest();
        let token = self.tokens.iter().find(|token| token.digest == digest).ok_or(Denied::Unknown)?;
        match token.state(now_s) {
            "revoked" => Err(Denied::Revoked(Box::new(token.clone()))),
            "expired" => Err(Denied::Expired(Box::new(token.clone()))),
            _ => Ok(token),
        }
    }

    /// An identifier that no token has.
    pub fn free_id(&self) -> Option<String> {
        loop {
            let id = hex(&random::<ID_BYTES>()?);
            if self.tokens.iter().all(|token| token.id != id) {
                return Some(id);
            }
        }
    }
}

/// Bits from the generator of the system.
fn random<const BYTES: usize>() -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A text takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: &str, secret: &Secret) -> Token {
        let (name, tenant) = ("ada".to_owned(), "a".to_owned());
        let (digest, role) = (secret.digest(), Role::Viewer);
        Token { id: id.to_owned(), name, tenant, role, digest, created_s: 5, expires_s: None, revoked_s: None }
    }

    #[test]
    fn a_token_is_known_by_its_digest_until_it_is_revoked_or_expires() {
        let secrets = [Secret::random().unwrap(), Secret::random().unwrap(), Secret::random().unwrap()];
        assert_eq!(secrets[0].text().len(), 3 + 64);
        assert_ne!(secrets[0], secrets[1]);
        let mut tokens = Tokens { schema: 1, tokens: vec![token("x", &secrets[0]), token("y", &secrets[1])] };
        assert!(tokens.tokens[0].digest.is_sound() && !serde_json::to_string(&tokens).unwrap().contains("ty_"));
        assert_eq!(tokens.find(&secrets[1], 9).unwrap().id, "y");
        assert_eq!(tokens.find(&secrets[2], 9), Err(Denied::Unknown));
        // The stored digest opens nothing.
        assert_eq!(tokens.find(&Secret::shown(&tokens.tokens[0].digest.0), 9), Err(Denied::Unknown));
        tokens.tokens[0].expires_s = Some(10);
        assert!(tokens.find(&secrets[0], 9).is_ok());
        assert!(matches!(tokens.find(&secrets[0], 10), Err(Denied::Expired(token)) if token.id == "x"));
        tokens.tokens[0].revoked_s = Some(7);
        assert!(matches!(tokens.find(&secrets[0], 9), Err(Denied::Revoked(_))));
    }

    #[test]
    fn digests_are_those_of_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Secret::shown("abc").digest().0, expected);
    }
}
