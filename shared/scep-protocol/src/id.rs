//! The identities of profiles, RA certificates and transactions.

ca::typed_uuids! {
    /// Identifies a one-time challenge.
    ChallengeUuid: ChallengeIdKind = "challenge";
    /// Identifies the lock-out of an address or a key.
    LockoutUuid: LockoutIdKind = "lockout";
    /// Identifies a notice.
    NoticeUuid: NoticeIdKind = "notice";
    /// Identifies an RA certificate.
    RaCertificateUuid: RaCertificateIdKind = "ra-certificate";
    /// Identifies one key of an RA certificate.
    RaKeyUuid: RaKeyIdKind = "ra-key";
    /// Identifies an RA Profile.
    RaProfileUuid: RaProfileIdKind = "ra-profile";
    /// Identifies the record of a refused request.
    RefusalUuid: RefusalIdKind = "refusal";
    /// Identifies a SCEP Profile.
    ScepProfileUuid: ScepProfileIdKind = "scep-profile";
    /// Identifies a transaction.
    TransactionUuid: TransactionIdKind = "transaction";
    /// Identifies the claim of one process on a transaction.
    ClaimUuid: ClaimIdKind = "claim";
}
