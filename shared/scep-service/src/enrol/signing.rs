//! Signs a claimed certificate and records it: the last two steps of issuing.

use std::time::Duration;

use ca::generation::Generation;
use ca::revocation::{Revocation, RevocationReason};
use ca::tbs_certificate::{IssuedCertificate, assemble_certificate};
use scep_cms::certificate::{Certificate, Validity};
use scep_protocol::availability::AvailableProfile;
use scep_protocol::id::ClaimUuid;
use scep_protocol::notice;
use scep_protocol::notice::{Notice, NoticeEvent};
use scep_protocol::profile::ScepProfile;
use scep_protocol::renewal_signer::{RESEND_WINDOW, resend_until};
use scep_protocol::transaction::{Issuance, TransactionKey};
use scep_protocol::vouching::Vouching;
use time::OffsetDateTime;

use crate::enrol::Enrolment;
use crate::error::Failure;
use crate::fault_point::fault_point;
use crate::inventory::{CertificateRecord, CertificateSummary};
use crate::notices::notices_of;
use crate::ports::{
    Bar, CaKeys, Clock, EntropyError, GuardedOutcome, Random, Transactions, WriteOutcome,
};

/// How long a claim reserves a transaction before another process may take it over.
// It is far longer than a signature takes, which is milliseconds in memory and tens of milliseconds
// in KMS, and short enough that a client's first retry after a crash succeeds.
pub const LEASE: Duration = Duration::from_secs(5);

/// The certificate that answers a request.
#[derive(Debug)]
pub struct GrantedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The generation of the authority that issued the certificate.
    pub generation: Generation,
    /// Whether the same request received this certificate before.
    pub resent: bool,
}

/// Whether an interrupted issuance is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The certificate is recorded and sent to the client.
    Issue,
    /// The certificate is recorded as revoked, because its profile is no longer enabled.
    Withdraw,
}

impl Verdict {
    /// Decides by whether the profiles of the certificate are still enabled.
    pub(crate) const fn of(serving: bool) -> Self {
        match serving {
            true => Self::Issue,
            false => Self::Withdraw,
        }
    }
}

/// The outcome of signing a claimed certificate.
#[derive(Debug)]
pub(crate) enum SigningOutcome {
    /// The certificate is recorded.
    Issued {
        /// The answer.
        granted: GrantedCertificate,
        /// What is to be delivered.
        notices: Vec<Notice>,
    },
    /// Another claimant was faster.
    Lost,
    /// The certificate is recorded as revoked for this reason.
    Withdrawn(Bar),
}

/// The ports and settings that signing needs.
pub(crate) struct CertificateSigner<'a> {
    pub(crate) transactions: &'a dyn Transactions,
    pub(crate) ca_keys: &'a dyn CaKeys,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) random: &'a dyn Random,
    /// The minimum time for which the same request gets the same certificate, if that is valid for
    /// so long.
    pub(crate) resend_window: Duration,
    /// The SCEP Profile; `None` if it does not serve, so that nothing is issued.
    pub(crate) scep_profile: Option<&'a ScepProfile>,
}

impl<'a> CertificateSigner<'a> {
    pub(crate) fn of(enrolment: &'a Enrolment, profile: &'a AvailableProfile) -> Self {
        Self {
            transactions: &*enrolment.transactions,
            ca_keys: &*enrolment.ca_keys,
            clock: &*enrolment.profile_service.clock,
            random: &*enrolment.random,
            resend_window: RESEND_WINDOW,
            scep_profile: Some(profile.scep_profile()),
        }
    }

    /// Completes an issuance that a crash interrupted. The caller reads the transaction again to
    /// see the result, which another process may have produced.
    pub(crate) async fn resume(
        &self,
        key: &TransactionKey,
        expired: ClaimUuid,
        issuance: &Issuance,
        verdict: Verdict,
    ) -> Result<(), Failure> {
        let claim = self.random.uuid()?;
        let lease_until = self.clock.now() + LEASE;
        let taken = self
            .transactions
            .take_over(key, expired, claim, lease_until)
            .await?;
        if taken == WriteOutcome::Lost {
            return Ok(());
        }
        match verdict {
            Verdict::Issue => {
                self.finish(key, claim, issuance).await?;
            }
            // The crash may have happened after signing. Such a certificate exists, so it is signed
            // again, recorded and revoked rather than forgotten.
            Verdict::Withdraw => {
                let record = self.sign(key, claim, issuance).await?;
                self.withdraw(claim, record, "its profile is disabled")
                    .await?;
            }
        }
        Ok(())
    }

    /// Signs the claimed certificate and records it.
    pub(crate) async fn finish(
        &self,
        key: &TransactionKey,
        claim: ClaimUuid,
        issuance: &Issuance,
    ) -> Result<SigningOutcome, Failure> {
        let record = self.sign(key, claim, issuance).await?;
        let summary = &record.summary;
        let validity = Validity {
            not_before: summary.not_before,
            not_after: summary.not_after,
        };
        let earliest = summary.issued_at + self.resend_window;
        // The same request usually gets the same certificate until that may be renewed.
        let threshold = self
            .scep_profile
            .and_then(|profile| profile.settings.renewal_threshold_days);
        let until = resend_until(validity, threshold, earliest);
        let notices = self.notices_of(&record, issuance)?;
        let outcome = self
            .transactions
            .complete(claim, &record, until, &notices)
            .await?;
        fault_point("recorded");
        let serial_number = &summary.serial_number;
        let transaction_id = key.transaction_id.excerpt();
        tracing::info!(%claim, transaction_id, serial_number, ?outcome, "signed");
        match outcome {
            GuardedOutcome::Won => Ok(SigningOutcome::Issued {
                granted: GrantedCertificate {
                    certificate: record.certificate,
                    generation: issuance.generation,
                    resent: false,
                },
                notices,
            }),
            GuardedOutcome::Lost => Ok(SigningOutcome::Lost),
            GuardedOutcome::Barred(bar) => {
                let reason = match bar {
                    Bar::KeyRevoked => "its key is revoked",
                    Bar::PredecessorRevoked => "the certificate that it renews is revoked",
                    Bar::TooManySuccessors => {
                        "the certificate that it renews has too many successors"
                    }
                };
                self.withdraw(claim, record, reason).await?;
                Ok(SigningOutcome::Withdrawn(bar))
            }
        }
    }

    /// The notices of an issued certificate.
    fn notices_of(
        &self,
        record: &CertificateRecord,
        issuance: &Issuance,
    ) -> Result<Vec<Notice>, EntropyError> {
        let Some(scep_profile) = self.scep_profile else {
            return Ok(Vec::new());
        };
        let event = NoticeEvent::Issued(notice::IssuedCertificate {
            authority: record.summary.authority,
            certificate: record.summary.uuid,
            csr: issuance.reported_csr(),
        });
        notices_of(event, scep_profile, self.random, self.clock.now())
    }

    /// Signs the claimed certificate and builds its record.
    // There is one log line before and one after the signature, so that every use of the CA key
    // leaves a trace even if the process crashes in between.
    async fn sign(
        &self,
        key: &TransactionKey,
        claim: ClaimUuid,
        issuance: &Issuance,
    ) -> Result<CertificateRecord, Failure> {
        let transaction_id = key.transaction_id.excerpt();
        tracing::info!(%claim, transaction_id, authority = %issuance.authority, "signing");
        let signature = self
            .ca_keys
            .sign(
                &issuance.key,
                issuance.key_algorithm,
                &issuance.to_be_signed,
            )
            .await?;
        fault_point("signed");
        let issued =
            assemble_certificate(&issuance.to_be_signed, issuance.key_algorithm, &signature)
                .map_err(Failure::encode)?;
        Ok(build_record(issued, key, issuance, self.clock.now()))
    }

    /// Records a certificate as revoked that is signed but must not be issued.
    // A signed certificate is never dropped without a record: the inventory has to list whatever
    // the authority signed, and revocation takes effect before anyone holds the certificate.
    async fn withdraw(
        &self,
        claim: ClaimUuid,
        record: CertificateRecord,
        reason: &str,
    ) -> Result<(), Failure> {
        let mut withdrawn = record;
        let now = self.clock.now();
        withdrawn.summary.revocation = Some(Revocation {
            at: now,
            reason: RevocationReason::PrivilegeWithdrawn,
        });
        let until = now + self.resend_window;
        let outcome = self
            .transactions
            .withdraw(claim, &withdrawn, reason, until)
            .await?;
        let serial_number = &withdrawn.summary.serial_number;
        tracing::warn!(%claim, serial_number, reason, ?outcome, "withdrawn");
        Ok(())
    }
}

/// Builds the inventory record of a signed certificate.
fn build_record(
    issued: IssuedCertificate,
    key: &TransactionKey,
    issuance: &Issuance,
    now: OffsetDateTime,
) -> CertificateRecord {
    CertificateRecord {
        summary: CertificateSummary {
            uuid: issued.serial_number.as_uuid(),
            authority: issuance.authority,
            ra_profile: issuance.ra_profile,
            scep_profile: key.scep_profile,
            serial_number: issued.serial_number.to_hex(),
            subject: issued.subject,
            common_name: issued.common_name,
            key: issuance.subject_key,
            predecessor: issuance.predecessor,
            not_before: issued.validity.not_before,
            not_after: issued.validity.not_after,
            issued_at: now,
            revocation: None,
        },
        transaction: key.clone(),
        certificate: issued.certificate,
        generation: issuance.generation,
        annotations: issuance.annotations.clone(),
        vouching: issuance.vouching.as_ref().map(Vouching::without_csr),
    }
}
