//! The port to a service that orders revocations: Microsoft Intune.

use async_trait::async_trait;
use scep_protocol::profile::ScepProfile;

use crate::error::Failure;

/// An order to revoke a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationOrder {
    /// The service's name of the order, which the report repeats.
    pub context: String,
    /// The serial number, in the hexadecimal digits that the service was told.
    pub serial_number: String,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The server failed. The service is to repeat its order.
    Failed,
    /// The certificate is revoked, now or since an earlier time.
    Revoked,
    /// The profile has not issued such a certificate for the service.
    Unknown,
}

/// A service that orders revocations, and repeats an order until it gets a report about it.
///
/// # Errors
/// Each operation fails with [`Failure::Source`] when the service does not take part.
#[async_trait]
pub trait RevocationOrders: Send + Sync {
    /// Reads up to `most` orders for certificates of this issuer, in the text form of RFC 4514.
    async fn read_orders(
        &self,
        scep_profile: &ScepProfile,
        issuer: &str,
        most: u16,
    ) -> Result<Vec<RevocationOrder>, Failure>;

    /// Reports what became of orders, of one at least.
    async fn report(
        &self,
        scep_profile: &ScepProfile,
        outcomes: &[(RevocationOrder, OrderOutcome)],
    ) -> Result<(), Failure>;
}
