//! The algorithms of CA and RA keys.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Kinds of CA and RA keys.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    strum::VariantNames,
)]
#[serde(into = "&'static str")]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits.
    #[strum(serialize = "RSA_2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[strum(serialize = "RSA_3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[strum(serialize = "RSA_4096")]
    Rsa4096,
    /// secp256r1.
    #[strum(serialize = "EC_P256")]
    EcP256,
    /// secp384r1.
    #[strum(serialize = "EC_P384")]
    EcP384,
    /// secp521r1.
    #[strum(serialize = "EC_P521")]
    EcP521,
}

impl KeyAlgorithm {
    /// The algorithm's name in the API, in settings and in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether this is an elliptic-curve algorithm.
    #[must_use]
    pub const fn is_ec(self) -> bool {
        match self {
            Self::EcP256 | Self::EcP384 | Self::EcP521 => true,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => false,
        }
    }
}

impl<'de> Deserialize<'de> for KeyAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let names = <Self as strum::VariantNames>::VARIANTS;
        name.parse()
            .map_err(|_| D::Error::unknown_variant(&name, names))
    }
}
