//! The identities of profiles, RA certificates and transactions.

ca::typed_uuids! {
    /// Identifies an RA certificate.
    RaCertificateUuid: RaCertificateIdKind = "ra-certificate";
    /// Identifies one key of an RA certificate.
    RaKeyUuid: RaKeyIdKind = "ra-key";
    /// Identifies an RA Profile.
    RaProfileUuid: RaProfileIdKind = "ra-profile";
    /// Identifies a SCEP Profile.
    ScepProfileUuid: ScepProfileIdKind = "scep-profile";
    /// Identifies a transaction.
    TransactionUuid: TransactionIdKind = "transaction";
    /// Identifies the claim of one process on a transaction.
    ClaimUuid: ClaimIdKind = "claim";
}
