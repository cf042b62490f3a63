//! Looks up certificates and CRLs: those that GetCert and GetCRL ask for, and the certificates of
//! signers.

use ca::generation::Generation;
use scep_cms::certificate::{Certificate, IssuerAndSerialNumber};
use scep_cms::challenge::ChallengePassword;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::message_type::MessageType;
use scep_protocol::refusal::{HttpRejection, Refusal};
use scep_protocol::renewal_signer::KnownCertificate;
use scep_protocol::signed_request::SignedRequest;

use crate::enrol::Exchange;
use crate::error::{EnrolError, Failure};
use crate::inventory::CertificateRecord;

/// The length of the longest serial number in hexadecimal digits: 20 octets, RFC 5280 §4.1.2.2.
const MAX_SERIAL_NUMBER_DIGITS: usize = 40;

impl Exchange<'_> {
    /// Finds the certificate or CRL that a GetCert or GetCRL asks for, RFC 8894 §3.3.4. Only the
    /// holder of a valid certificate of this authority gets one.
    pub(crate) async fn look_up(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<DegenerateSignedData, EnrolError> {
        let message_type = request.message_type();
        let (addressed, content_key) = self.check_addressee(request, challenge).await?;
        let name = addressed.open_query(&content_key)?;
        let (certificate, generation) = self.find_certificate(&name).await?;
        if message_type == MessageType::GetCert {
            return Ok(DegenerateSignedData {
                certificates: vec![certificate.der().to_vec()],
                crls: Vec::new(),
            });
        }
        let authority = self.profile.authority().uuid;
        // `None` is a certificate that another CA issued, such as a subordinate authority's own:
        // its revocation is on that CA's CRL.
        let Some(generation) = generation else {
            return Err(Refusal::UnknownCertificate.into());
        };
        // Every generation gets its CRL together with its certificate, so a missing one is about to
        // be published by maintenance.
        let crl = self
            .enrolment
            .crls
            .crl(authority, generation)
            .await?
            .ok_or(Failure::Rejected(HttpRejection::TryLater))?;
        Ok(DegenerateSignedData {
            certificates: Vec::new(),
            crls: vec![crl.der],
        })
    }

    /// Finds a certificate by issuer and serial number, and the generation that issued it; `None`
    /// when another CA issued it.
    async fn find_certificate(
        &self,
        name: &IssuerAndSerialNumber,
    ) -> Result<(Certificate, Option<Generation>), EnrolError> {
        // The certificates of the server itself are not in the inventory.
        if let Some((own, generation)) = self.profile.own_certificate(name) {
            return Ok((own.clone(), generation));
        }
        // Serial numbers are unique per issuer only: without this check the certificate of another
        // CA could be mistaken for the record with the same number.
        if !self.profile.is_own_issuer(name.issuer()) {
            return Err(Refusal::UnknownCertificate.into());
        }
        let found = self
            .find_record(&name.serial_number_hex())
            .await?
            .ok_or(Refusal::UnknownCertificate)?;
        Ok((found.certificate, Some(found.generation)))
    }

    /// Looks up a serial number in the inventory.
    async fn find_record(&self, serial_number: &str) -> Result<Option<CertificateRecord>, Failure> {
        // Longer numbers cannot be in the inventory, and a client's text of any length must not
        // become a key of the store.
        if serial_number.len() > MAX_SERIAL_NUMBER_DIGITS {
            return Ok(None);
        }
        let authority = self.profile.authority().uuid;
        let transactions = &self.enrolment.transactions;
        Ok(transactions.certificate(authority, serial_number).await?)
    }

    /// Looks up the signer's certificate in the inventory, if it names this authority as its
    /// issuer.
    pub(crate) async fn find_signer(
        &self,
        request: &SignedRequest,
    ) -> Result<Option<KnownCertificate>, Failure> {
        let Some(serial_number) = request.signer_serial_number(self.profile) else {
            return Ok(None);
        };
        let Some(record) = self.find_record(&serial_number).await? else {
            return Ok(None);
        };
        // A key is revoked as a whole: its other certificates must not sign either.
        let is_revoked = record.summary.revocation.is_some();
        let transactions = &self.enrolment.transactions;
        Ok(Some(KnownCertificate {
            revoked: is_revoked || transactions.is_key_revoked(record.summary.key).await?,
            uuid: record.summary.uuid,
            certificate: record.certificate,
            ra_profile: record.summary.ra_profile,
            vouching: record.vouching,
        }))
    }
}
