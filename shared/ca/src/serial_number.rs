//! Serial numbers of certificates, RFC 5280 §4.1.2.2.

use crate::id::CertificateUuid;

/// A certificate's serial number: 128 random bits as a positive integer, RFC 5280 §4.1.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber(pub(crate) [u8; 16]);

impl SerialNumber {
    /// Makes a serial number of random octets.
    #[must_use]
    pub const fn from_random(octets: [u8; 16]) -> Self {
        match u128::from_be_bytes(octets) {
            // RFC 5280 §4.1.2.2 requires a positive number.
            0 => Self(1_u128.to_be_bytes()),
            _ => Self(octets),
        }
    }

    /// The UUID that identifies the certificate: the same 128 bits.
    #[must_use]
    pub const fn as_uuid(self) -> CertificateUuid {
        CertificateUuid::from_bytes(self.0)
    }

    /// The serial number of the certificate that this UUID identifies.
    #[must_use]
    pub const fn from_uuid(uuid: CertificateUuid) -> Self {
        Self(uuid.into_bytes())
    }

    /// Parses hexadecimal digits of either case; `None` for any other text and for numbers of more
    /// than 128 bits, which no certificate of this server has.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        // `from_str_radix` would also accept a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let number = u128::from_str_radix(digits, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }

    /// Reads a serial number from a big-endian integer; only the last 16 octets count.
    pub(crate) fn of_integer(octets: &[u8]) -> Self {
        let mut number = [0; 16];
        // The octets are copied from the end: DER drops leading zeros, so there may be fewer than
        // 16.
        for (place, octet) in number.iter_mut().rev().zip(octets.iter().rev()) {
            *place = *octet;
        }
        Self(number)
    }

    /// Upper-case hexadecimal, two digits per octet, as the inventory stores it.
    #[must_use]
    pub fn to_hex(self) -> String {
        // Leading zero octets are left out, as in `IssuerAndSerialNumber::serial_number_hex`.
        self.0
            .iter()
            .skip_while(|octet| **octet == 0)
            .map(|octet| format!("{octet:02X}"))
            .collect()
    }
}
