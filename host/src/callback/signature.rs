//! The signature on a callback, after Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA256 over
//! `{id}.{timestamp}.{body}`, so that neither can be exchanged for another's. Knows no network.
//!
//! While a secret is being changed for another, everything is signed with both (the specification's
//! zero downtime rotation): the receiver takes the one that it knows.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// A secret that will not do. Says nothing of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a callback secret is whsec_ and the base64 of 24 to 64 random bytes, such as the output of: echo whsec_$(openssl rand -base64 32)"
)]
pub struct SecretError;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// None of the signatures is by one of our secrets.
    #[error("no signature matches")]
    NoMatch,
    /// Signed too long ago, or in the future: somebody may be repeating what they overheard.
    #[error("the timestamp is too far from now")]
    Stale,
}

/// The specification's 24 bytes at least, 512 bits at most.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const PREFIX: &str = "whsec_";
/// Secrets go through mail and consoles, where the padding is lost.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signs with one secret or several.
#[derive(Clone)]
pub struct Signer {
    secrets: Vec<Vec<u8>>,
}

impl Signer {
    /// A signer with these secrets, each `whsec_…`, the newest first.
    ///
    /// # Errors
    /// One of them will not do, or there is none.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, SecretError> {
        let secrets = secrets.into_iter().map(secret).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(SecretError) } else { Ok(Self { secrets }) }
    }

    /// The value of `webhook-signature` for a callback that is sent at `timestamp`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: Timestamp, body: &[u8]) -> String {
        let signatures = self.secrets.iter().map(|secret| {
            let signature = mac(secret, id, timestamp, body).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(signature))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of `signatures`, the value of `webhook-signature`, is ours and not older or newer
    /// than `tolerance`. What a receiver does; here for tests and tools.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(
        &self,
        id: &str,
        timestamp: Timestamp,
        body: &[u8],
        signatures: &str,
        now: Timestamp,
        tolerance: Duration,
    ) -> Result<(), VerifyError> {
        if now.duration_since(timestamp).unsigned_abs() > tolerance {
            return Err(VerifyError::Stale);
        }
        let offered = signatures.split(' ').filter_map(|signature| {
            let (version, signature) = signature.split_once(',')?;
            (version == "v1").then(|| STANDARD.decode(signature).ok()).flatten()
        });
        for signature in offered {
            let matches = |secret| mac(secret, id, timestamp, body).verify_slice(&signature).is_ok();
            if self.secrets.iter().any(|secret| matches(secret)) {
                return Ok(());
            }
        }
        Err(VerifyError::NoMatch)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.secrets.len())
    }
}

fn secret(text: &str) -> Result<Vec<u8>, SecretError> {
    let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
    let bytes = FORGIVING.decode(encoded).map_err(|_| SecretError)?;
    if SECRET_BYTES.contains(&bytes.len()) { Ok(bytes) } else { Err(SecretError) }
}

fn mac(secret: &[u8], id: &str, timestamp: Timestamp, body: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.chain_update(format!("{id}.{}.", timestamp.as_second())).chain_update(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // The vector in the test suites of the published Standard Webhooks libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECOND: i64 = 1_614_265_330;
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    /// 32 bytes of value 1.
    const OTHER: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    fn sent() -> Timestamp {
        Timestamp::from_second(SECOND).unwrap()
    }

    fn verify(signer: &Signer, signatures: &str, late: i64) -> Result<(), VerifyError> {
        let now = Timestamp::from_second(SECOND + late).unwrap();
        signer.verify(ID, sent(), BODY, signatures, now, FIVE_MINUTES)
    }

    #[test]
    fn the_signature_is_the_published_one() {
        let signer = Signer::new([SECRET]).unwrap();
        assert_eq!(signer.sign(ID, sent(), BODY), SIGNATURE);
        assert_eq!(verify(&signer, SIGNATURE, 0), Ok(()));
    }

    #[test]
    fn a_changed_id_time_or_body_has_another_signature() {
        let signer = Signer::new([SECRET]).unwrap();
        let later = Timestamp::from_second(SECOND + 1).unwrap();
        for other in [
            signer.sign("msg_other", sent(), BODY),
            signer.sign(ID, later, BODY),
            signer.sign(ID, sent(), b"{\"test\": 2432232315}"),
            Signer::new([OTHER]).unwrap().sign(ID, sent(), BODY),
        ] {
            assert_eq!(verify(&signer, &other, 0), Err(VerifyError::NoMatch));
        }
        for broken in ["", "v1", "v1,", "v1,?", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert_eq!(verify(&signer, broken, 0), Err(VerifyError::NoMatch), "{broken}");
        }
    }

    #[test]
    fn while_secrets_change_either_is_enough() {
        let both = Signer::new([OTHER, SECRET]).unwrap();
        let signatures = both.sign(ID, sent(), BODY);
        assert!(signatures.ends_with(&format!(" {SIGNATURE}")));
        for one in [OTHER, SECRET] {
            assert_eq!(verify(&Signer::new([one]).unwrap(), &signatures, 0), Ok(()));
        }
    }

    #[test]
    fn an_old_signature_and_one_from_the_future_are_not_believed() {
        let signer = Signer::new([SECRET]).unwrap();
        for (late, believed) in [(300, true), (-300, true), (301, false), (-301, false)] {
            assert_eq!(verify(&signer, SIGNATURE, late).is_ok(), believed, "{late}");
        }
    }

    #[test]
    fn a_secret_has_its_prefix_and_its_length() {
        assert!(Signer::new([OTHER.trim_end_matches('=')]).is_ok(), "padding may be lost");
        let long = format!("{PREFIX}{}", STANDARD.encode([7; 65]));
        for wrong in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!", &long] {
            assert_eq!(Signer::new([wrong]).err(), Some(SecretError), "{wrong}");
        }
        assert!(Signer::new([]).is_err());
        assert_eq!(format!("{:?}", Signer::new([SECRET]).unwrap()), "Signer(1 secrets)");
    }
}
