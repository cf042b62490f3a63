//! The identities of authorities and certificates. A UUID is typed by what it identifies, so that
//! the compiler refuses one in the place of another.

/// Defines aliases of [`newtype_uuid::TypedUuid`], each with a kind of its own.
///
/// A typed UUID is serialised and displayed as the plain UUID.
#[macro_export]
macro_rules! typed_uuids {
    ($($(#[$doc:meta])+ $alias:ident: $kind:ident = $tag:literal;)+) => {$(
        #[doc = concat!("The kind of UUID of [`", stringify!($alias), "`].")]
        #[derive(Debug)]
        pub enum $kind {}

        impl ::newtype_uuid::TypedUuidKind for $kind {
            fn tag() -> ::newtype_uuid::TypedUuidTag {
                const TAG: ::newtype_uuid::TypedUuidTag = ::newtype_uuid::TypedUuidTag::new($tag);
                TAG
            }
        }

        $(#[$doc])+
        pub type $alias = ::newtype_uuid::TypedUuid<$kind>;
    )+};
}

typed_uuids! {
    /// Identifies an authority.
    AuthorityUuid: AuthorityIdKind = "authority";
    /// Identifies a certificate of the inventory: the 128 bits of its serial number.
    CertificateUuid: CertificateIdKind = "certificate";
    /// Identifies the order of a key for an authority.
    KeyOrderUuid: KeyOrderIdKind = "key-order";
}
