//! What an API key looks like, and what of it is kept. Knows nothing of files and headers.
//!
//! `tt_k3x9m2qf_` and 43 characters: a prefix by which scanners and people know a leaked key, the
//! key's public id, and 32 random bytes in base64url without padding (RFC 4648 section 5). All parts
//! have a fixed length, so that the `_` of base64url separates nothing by accident.
//!
//! What is kept is a plain, fast hash. A slow one (Argon2, bcrypt) makes guessing dear where secrets
//! are few; among 2^256 keys there is nothing to guess, and the price would be paid on every request.
//! A salt or a key of the hash's own would lie in the same file and protect from nothing more. What
//! remains is to keep these hashes apart from every other use of SHA-256: HMAC-SHA256 (RFC 2104)
//! under a public label, whose library also compares in constant time.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The public part of a key, by which logs, lists and task records speak of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; ID_LENGTH]);

/// 40 bits: among a thousand keys two meet with a chance of one in two million, and then
/// [`KeyFile::add`](super::KeyFile::add) takes another.
const ID_LENGTH: usize = 8;
/// Digits and lower-case letters without those that are mistaken for each other (i l o u).
const ID_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX: &str = "tt_";
const SECRET_BYTES: usize = 32;
/// Changes only together with the file's version: every kept hash depends on it.
const LABEL: &[u8] = b"tintype api key, version 1";

/// A text that is no key id.
#[derive(Debug, thiserror::Error)]
#[error("a key id is 8 lower-case letters and digits such as k3x9m2qf")]
pub struct NotAKeyId;

impl KeyId {
    /// The eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; ID_LENGTH];
        getrandom::fill(&mut bytes)?;
        // 256 is a multiple of 32: every character is as likely as the others.
        Ok(Self(bytes.map(|byte| ID_ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0'))))
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let bytes: [u8; ID_LENGTH] = text.as_bytes().try_into().map_err(|_| NotAKeyId)?;
        if bytes.iter().all(|byte| ID_ALPHABET.contains(byte)) { Ok(Self(bytes)) } else { Err(NotAKeyId) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = NotAKeyId;

    fn try_from(text: String) -> Result<Self, NotAKeyId> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key itself. Its text leaves only through [`expose`](Self::expose): there is no `Display`, and
/// `Debug` shows the public part.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: KeyId,
    secret: [u8; SECRET_BYTES],
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { id: KeyId::random()?, secret })
    }

    /// Reads the one form in which a key is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (id, secret) = rest.split_at_checked(ID_LENGTH)?;
        // The decoder refuses padding and stray last bits: no key has two texts.
        let secret = URL_SAFE_NO_PAD.decode(secret.strip_prefix('_')?).ok()?;
        Some(Self { id: id.parse().ok()?, secret: secret.try_into().ok()? })
    }

    /// The public part.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The text of the key, for the one who is to hold it and nobody else.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// What is kept of the key.
    #[must_use]
    pub(super) fn hash(&self) -> KeyHash {
        KeyHash(self.mac().finalize().into_bytes().into())
    }

    /// Whether `hash` is that of this key, in a time that doesn't tell where they differ.
    #[must_use]
    pub(super) fn matches(&self, hash: &KeyHash) -> bool {
        self.mac().verify_slice(&hash.0).is_ok()
    }

    fn mac(&self) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(LABEL).expect("HMAC takes a key of any length");
        mac.chain_update(self.id.0).chain_update(self.secret)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, …)", self.id)
    }
}

/// The hash of a key, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct KeyHash([u8; 32]);

impl TryFrom<String> for KeyHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| "a hash is 64 hexadecimal digits")?;
        Ok(Self(bytes))
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hex::encode(hash.0)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text() {
        let key = ApiKey::generate().unwrap();
        let text = key.expose();
        assert_eq!(text.len(), 3 + 8 + 1 + 43);
        assert_eq!(ApiKey::parse(&text), Some(key));
    }

    #[test]
    fn a_hash_matches_its_key_and_no_other() {
        let key = ApiKey::generate().unwrap();
        let same_secret = ApiKey { id: KeyId::random().unwrap(), secret: key.secret };
        assert!(key.matches(&key.hash()));
        assert!(!ApiKey::generate().unwrap().matches(&key.hash()));
        assert!(!same_secret.matches(&key.hash()), "the id is part of what is hashed");
    }

    #[test]
    fn the_hash_of_a_key_is_what_it_was_in_the_first_release() {
        let key = ApiKey::parse("tt_k3x9m2qf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        // Computed apart: HMAC-SHA256 under the label of "k3x9m2qf" and 32 zero bytes.
        assert_eq!(String::from(key.hash()), EXPECTED);
    }
    const EXPECTED: &str = "1a3a5b47dca312095f1e02fa5764a54ff23a54c6ee890a8e0b8f35d1d1db0ac7";

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let key = ApiKey::generate().unwrap();
        let secret = key.expose().split_off(12);
        let shown = format!("{key:?} {:?}", key.hash());
        assert!(!shown.contains(&secret) && !shown.contains(&String::from(key.hash())), "{shown}");
    }

    #[test]
    fn an_id_is_kept_as_a_string() {
        let id: KeyId = "k3x9m2qf".parse().unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"k3x9m2qf\"");
        assert_eq!(serde_json::from_str::<KeyId>("\"k3x9m2qf\"").unwrap(), id);
        for wrong in ["\"\"", "\"K3X9M2QF\"", "\"k3x9m2q\"", "\"k3x9m2qfg\"", "\"k3x9m2ql\"", "1"] {
            assert!(serde_json::from_str::<KeyId>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser_and_no_key_has_two_texts(text in "(tt_)?[0-9a-z]{0,9}_?.{0,50}") {
            if let Some(key) = ApiKey::parse(&text) {
                prop_assert_eq!(key.expose(), text);
            }
        }

        #[test]
        fn a_key_with_one_character_changed_is_another_or_none(at in 0_usize..55, to in "[ -~]") {
            let key = ApiKey::generate().unwrap();
            let mut text = key.expose();
            prop_assume!(text[at..=at] != to);
            text.replace_range(at..=at, &to);
            prop_assert!(!ApiKey::parse(&text).is_some_and(|other| other.matches(&key.hash())));
        }
    }
}
