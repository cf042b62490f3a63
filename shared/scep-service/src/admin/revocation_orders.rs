//! Revocations that Microsoft Intune orders, for devices that were retired or wiped.

use std::collections::BTreeSet;

use ca::authority::Authority;
use ca::id::AuthorityUuid;
use ca::revocation::RevocationReason;
use ca::subject::name_text;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::vouching::ChallengeSourceKind;

use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::{Administration, Reach};
use crate::error::Failure;
use crate::error_chain::ErrorChain;
use crate::inventory::CertificateRecord;
use crate::object::list;
use crate::ports::{OrderOutcome, RevocationOrder, RevocationOrders};

/// The number of orders for an issuer that one run of maintenance follows.
// Intune hands out no more for an hour after each download, and recommends a hundred at most.
const MOST: u16 = 100;

/// The maximum length of an order's name in the log, in characters.
const MAX_LOGGED_CHARACTERS: usize = 100;

/// The maximum number of hexadecimal digits of a serial number: 20 octets, RFC 5280 §4.1.2.2.
const MAX_SERIAL_NUMBER_DIGITS: usize = 40;

impl Administration {
    /// Revokes the certificates that Intune orders to revoke, for each enabled SCEP Profile that
    /// asks it, and reports what became of the orders. Safe to repeat: Intune repeats its orders
    /// until it has a report.
    ///
    /// # Errors
    /// Returns the store's error when profiles cannot be read, and [`Failure::Maintenance`] when
    /// the orders of a profile could not be followed. Each cause is logged, and stops no other
    /// profile's orders.
    pub async fn follow_revocation_orders(
        &self,
        orders: &dyn RevocationOrders,
    ) -> Result<(), AdminError> {
        let ra_profiles = list::<RaProfile>(&*self.store).await?;
        let mut is_complete = true;
        for scep_profile in list::<ScepProfile>(&*self.store).await? {
            let scep_profile = scep_profile.object;
            let sources = scep_profile.challenge_sources();
            if !scep_profile.enabled || !sources.contains(&ChallengeSourceKind::Intune) {
                continue;
            }
            let authorities: BTreeSet<_> = ra_profiles
                .iter()
                .filter(|ra_profile| serves(&ra_profile.object, &scep_profile))
                .map(|ra_profile| ra_profile.object.authority)
                .collect();
            for authority in authorities {
                if let Err(error) = self.follow_orders(orders, &scep_profile, authority).await {
                    let (profile, error) = (&scep_profile.name, ErrorChain(&error));
                    tracing::error!(%profile, %error, "could not follow revocation orders");
                    is_complete = false;
                }
            }
        }
        match is_complete {
            true => Ok(()),
            false => Err(Failure::Maintenance.into()),
        }
    }

    async fn follow_orders(
        &self,
        orders: &dyn RevocationOrders,
        scep_profile: &ScepProfile,
        authority: AuthorityUuid,
    ) -> Result<(), AdminError> {
        let found = self.get::<Authority>(authority).await?;
        let issuers = found
            .object
            .generations()
            .filter_map(|generation| generation.path())
            .map(|path| name_text(path.certificate.subject()))
            .collect::<Result<BTreeSet<_>, _>>()
            .map_err(Failure::corrupt("the subject of an authority"))?;
        for issuer in issuers {
            let read = orders.read_orders(scep_profile, &issuer, MOST).await?;
            let mut outcomes = Vec::new();
            for order in read {
                let outcome = self.follow_order(&order, scep_profile, authority).await;
                let profile = &scep_profile.name;
                let context: String = order.context.chars().take(MAX_LOGGED_CHARACTERS).collect();
                tracing::info!(%profile, context, ?outcome, "followed a revocation order");
                outcomes.push((order, outcome));
            }
            if !outcomes.is_empty() {
                orders.report(scep_profile, &outcomes).await?;
            }
        }
        Ok(())
    }

    async fn follow_order(
        &self,
        order: &RevocationOrder,
        scep_profile: &ScepProfile,
        authority: AuthorityUuid,
    ) -> OrderOutcome {
        match self.revoke_ordered(order, scep_profile, authority).await {
            Ok(outcome) => outcome,
            // It was revoked for another reason in this moment.
            Err(AdminError::Invalid(reasons)) if reasons == [Invalid::CertificateRevoked] => {
                OrderOutcome::Revoked
            }
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "could not revoke as ordered");
                OrderOutcome::Failed
            }
        }
    }

    async fn revoke_ordered(
        &self,
        order: &RevocationOrder,
        scep_profile: &ScepProfile,
        authority: AuthorityUuid,
    ) -> Result<OrderOutcome, AdminError> {
        let serial_number = order.serial_number.trim().to_ascii_uppercase();
        let is_number = (1..=MAX_SERIAL_NUMBER_DIGITS).contains(&serial_number.len())
            && serial_number.chars().all(|c| c.is_ascii_hexdigit());
        if !is_number {
            return Ok(OrderOutcome::Unknown);
        }
        let found = self
            .transactions
            .certificate(authority, &serial_number)
            .await?;
        // Intune has no say about certificates that others vouched for.
        let Some(record) = found.filter(|record| is_intunes(record, scep_profile)) else {
            return Ok(OrderOutcome::Unknown);
        };
        let uuid = record.summary.uuid;
        // Intune knows only the certificate that was first issued, not those that renewed it.
        let reason = match record.summary.revocation {
            Some(revocation) => revocation.reason,
            None => RevocationReason::CessationOfOperation,
        };
        self.revoke_certificate(uuid, reason, Reach::WithSuccessors)
            .await?;
        Ok(OrderOutcome::Revoked)
    }
}

/// Whether requests at this RA Profile are answered as the SCEP Profile says.
fn serves(ra_profile: &RaProfile, scep_profile: &ScepProfile) -> bool {
    let is_activated = ra_profile
        .scep
        .as_ref()
        .is_some_and(|scep| scep.scep_profile == scep_profile.uuid);
    is_activated || scep_profile.ra_profile == Some(ra_profile.uuid)
}

fn is_intunes(record: &CertificateRecord, scep_profile: &ScepProfile) -> bool {
    let source = record
        .vouching
        .as_ref()
        .and_then(|vouching| vouching.source);
    record.summary.scep_profile == scep_profile.uuid && source == Some(ChallengeSourceKind::Intune)
}
