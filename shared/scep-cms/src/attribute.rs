//! SCEP's signed attributes, RFC 8894 §3.2.1: decoding and encoding.

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc8894};
use der::asn1::{AnyRef, OctetStringRef, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode, Tag, Tagged};
use strum::{IntoStaticStr, VariantArray};

use crate::asn1::{Attribute, SetOf};
use crate::error::AttributeError;
use crate::message_type::MessageType;
use crate::transaction_id::{StringType, TransactionId};

/// The accepted lengths of a nonce, in octets.
// RFC 8894 §3.2.1.5 demands 16; old devices send 8.
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// senderNonce, RFC 8894 §3.2.1.5: 8 to 64 octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderNonce(Vec<u8>);

impl SenderNonce {
    /// A nonce with these octets.
    ///
    /// # Errors
    /// When there are fewer than 8 or more than 64.
    pub fn new(octets: &[u8]) -> Result<Self, AttributeError> {
        if NONCE_BYTES.contains(&octets.len()) {
            return Ok(Self(octets.to_vec()));
        }
        Err(AttributeError("senderNonce"))
    }

    /// A nonce of random octets, RFC 8894 §3.2.1.5.
    #[must_use]
    pub fn from_random(octets: [u8; 16]) -> Self {
        Self(octets.to_vec())
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// pkiStatus, RFC 8894 §3.2.1.3. Sent as its decimal digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum PkiStatus {
    /// The request is granted.
    Success,
    /// The request is rejected.
    Failure,
    /// The request is pending for manual approval.
    Pending,
}

impl PkiStatus {
    const fn digit(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::Failure => "2",
            Self::Pending => "3",
        }
    }
}

/// The reason in a FAILURE CertRep: failInfo, RFC 8894 §3.2.1.4. Sent as its decimal digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "camelCase")]
pub enum FailInfo {
    /// Unrecognised or unsupported algorithm.
    BadAlg,
    /// Integrity check failed.
    BadMessageCheck,
    /// Transaction not permitted or supported.
    BadRequest,
    /// signingTime too far from the server's time.
    BadTime,
    /// No certificate matches the criteria.
    BadCertId,
}

impl FailInfo {
    const fn digit(self) -> &'static str {
        match self {
            Self::BadAlg => "0",
            Self::BadMessageCheck => "1",
            Self::BadRequest => "2",
            Self::BadTime => "3",
            Self::BadCertId => "4",
        }
    }

    /// The name in RFC 8894.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The signed attributes of a message whose signature need not be verified yet.
pub(crate) struct SignedAttributes<'a>(pub(crate) SetOf<'a>);

impl<'a> SignedAttributes<'a> {
    pub(crate) fn transaction_id(&self) -> Result<TransactionId, AttributeError> {
        self.value(rfc8894::ID_TRANSACTION_ID)
            .ok_or(AttributeError("transactionID"))
            .and_then(TransactionId::from_any)
    }

    /// The digits of messageType, of any value.
    pub(crate) fn message_type(&self) -> Result<&'a str, AttributeError> {
        // Clients that write the transactionID in another string type do so here too.
        self.value(rfc8894::ID_MESSAGE_TYPE)
            .filter(|value| StringType::of(value.tag()).is_some())
            .and_then(|value| str::from_utf8(value.value()).ok())
            .ok_or(AttributeError("messageType"))
    }

    pub(crate) fn sender_nonce(&self) -> Result<SenderNonce, AttributeError> {
        let error = AttributeError("senderNonce");
        SenderNonce::new(self.octets(rfc8894::ID_SENDER_NONCE).ok_or(error)?)
    }

    pub(crate) fn message_digest(&self) -> Option<&'a [u8]> {
        self.octets(rfc5911::ID_MESSAGE_DIGEST)
    }

    pub(crate) fn content_type(&self) -> Option<ObjectIdentifier> {
        self.value(rfc5911::ID_CONTENT_TYPE)?.decode_as().ok()
    }

    pub(crate) fn cert_rep(&self) -> Result<CertRepAttributes, AttributeError> {
        let status = self.printable(rfc8894::ID_PKI_STATUS);
        let fail_info = self.printable(rfc8894::ID_FAIL_INFO);
        Ok(CertRepAttributes {
            pki_status: PkiStatus::VARIANTS
                .iter()
                .copied()
                .find(|known| Some(known.digit()) == status)
                .ok_or(AttributeError("pkiStatus"))?,
            fail_info: FailInfo::VARIANTS
                .iter()
                .copied()
                .find(|known| Some(known.digit()) == fail_info),
            fail_info_text: self
                .value(rfc8894::ID_SCEP_FAIL_INFO_TEXT)
                .filter(|value| value.tag() == Tag::Utf8String)
                .and_then(|value| String::from_utf8(value.value().to_vec()).ok()),
            recipient_nonce: self.octets(rfc8894::ID_RECIPIENT_NONCE).map(<[u8]>::to_vec),
        })
    }

    fn printable(&self, kind: ObjectIdentifier) -> Option<&'a str> {
        let text: PrintableStringRef<'a> = self.value(kind)?.decode_as().ok()?;
        Some(text.as_str())
    }

    fn octets(&self, kind: ObjectIdentifier) -> Option<&'a [u8]> {
        let string: &'a OctetStringRef = self.value(kind)?.decode_as().ok()?;
        Some(string.as_bytes())
    }

    /// The value of the attribute of this type, if it occurs once, with one value.
    fn value(&self, kind: ObjectIdentifier) -> Option<AnyRef<'a>> {
        // The search goes on after a hit: if an attribute occurs twice, other software may read the
        // other one.
        let mut found = None;
        for element in self.0.elements() {
            let attribute = Attribute::from_der(element.ok()?).ok()?;
            if attribute.kind == kind && found.replace(attribute.values).is_some() {
                return None;
            }
        }
        AnyRef::from_der(found?.single()?).ok()
    }
}

/// The attributes that only a CertRep has, RFC 8894 §3.2.1, as a client reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertRepAttributes {
    /// Whether the request is granted, rejected or pending.
    pub pki_status: PkiStatus,
    /// The reason for a rejection.
    pub fail_info: Option<FailInfo>,
    /// The reason for a rejection, in human-readable form.
    pub fail_info_text: Option<String>,
    /// The senderNonce of the request.
    pub recipient_nonce: Option<Vec<u8>>,
}

/// Encodes a SET OF signed attributes.
pub(crate) struct AttributeWriter(Vec<Vec<u8>>);

impl AttributeWriter {
    /// Begins with the two attributes that every SignedData with attributes has, RFC 5652 §5.3.
    pub(crate) fn new(digest: &[u8]) -> der::Result<Self> {
        let mut writer = Self(Vec::new());
        writer.push(rfc5911::ID_CONTENT_TYPE, &rfc5911::ID_DATA)?;
        writer.octets(rfc5911::ID_MESSAGE_DIGEST, digest)?;
        Ok(writer)
    }

    pub(crate) fn message_type(&mut self, kind: MessageType) -> der::Result<()> {
        self.printable(rfc8894::ID_MESSAGE_TYPE, kind.digits())
    }

    pub(crate) fn pki_status(&mut self, status: PkiStatus) -> der::Result<()> {
        self.printable(rfc8894::ID_PKI_STATUS, status.digit())
    }

    pub(crate) fn fail_info(&mut self, reason: FailInfo, text: &str) -> der::Result<()> {
        self.printable(rfc8894::ID_FAIL_INFO, reason.digit())?;
        self.push(rfc8894::ID_SCEP_FAIL_INFO_TEXT, &Utf8StringRef::new(text)?)
    }

    pub(crate) fn printable(&mut self, kind: ObjectIdentifier, text: &str) -> der::Result<()> {
        self.push(kind, &PrintableStringRef::new(text)?)
    }

    /// Adds the transactionID with its string type.
    pub(crate) fn transaction_id(&mut self, id: &TransactionId) -> der::Result<()> {
        // Encoded as ANY: PrintableStringRef would reject the octets of some clients.
        self.push(
            rfc8894::ID_TRANSACTION_ID,
            &AnyRef::new(id.string_type().tag(), id.as_bytes())?,
        )
    }

    pub(crate) fn octets(&mut self, kind: ObjectIdentifier, octets: &[u8]) -> der::Result<()> {
        self.push(kind, &AnyRef::new(Tag::OctetString, octets)?)
    }

    fn push(&mut self, kind: ObjectIdentifier, value: &impl Encode) -> der::Result<()> {
        let attribute = Attribute {
            kind,
            values: SetOf(&value.to_der()?),
        };
        self.0.push(attribute.to_der()?);
        Ok(())
    }

    /// The contents of the SET OF, in DER's order.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // RFC 5652 §5.4: the signature covers the DER encoding, X.690 §11.6.
        self.0.sort();
        self.0.concat()
    }
}
