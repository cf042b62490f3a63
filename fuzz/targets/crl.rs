//! Degenerate SignedData and CRLs: any octets, and any revocations, encoded as a CRL and decoded
//! again.

#![no_main]

use std::sync::LazyLock;

use ca::authority::IssuingAuthority;
use ca::crl::{CrlContents, assemble_crl, build_crl_tbs, read_crl_entries};
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevocationReason, RevokedCertificate};
use der::Decode;
use libfuzzer_sys::fuzz_target;
use scep_cms::ber::to_der;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_fuzz::check_allocations;
use scepter_fuzz::device::EC;
use scepter_fuzz::input::Input;
use strum::VariantArray;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

static AUTHORITY: LazyLock<IssuingAuthority> = LazyLock::new(|| IssuingAuthority {
    uuid: AuthorityUuid::nil(),
    name: ProfileName::new("fuzz").unwrap(),
    generation: Generation::FIRST,
    key_algorithm: KeyAlgorithm::EcP256,
    key: KeyLocation::File(Uuid::nil()),
    certificate: EC.certificate.clone(),
    chain: Vec::new(),
});

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.octet() % 4 {
        0 => check_degenerate(input.rest()),
        1 => {
            let _ = check_allocations(input.rest(), 256, read_crl_entries);
        }
        2 => round_trip_degenerate(input),
        _ => round_trip_crl(input),
    }
});

/// Decodes a degenerate SignedData and encodes it again.
fn check_degenerate(ber: &[u8]) {
    let Ok(read) = check_allocations(ber, 128, DegenerateSignedData::from_ber) else {
        return;
    };
    let der = to_der(ber).unwrap();
    assert_eq!(DegenerateSignedData::from_ber(&der).unwrap(), read);
    let written = read.to_der().unwrap();
    assert!(written.len() <= der.len() + 64);
    assert_eq!(DegenerateSignedData::from_ber(&written).unwrap(), read);
    for crl in &read.crls {
        let _ = read_crl_entries(crl);
    }
}

/// Encodes a degenerate SignedData with any two elements and decodes it.
fn round_trip_degenerate(mut input: Input<'_>) {
    let one = |octets: &[u8]| scepter_fuzz::asn1::encode_element(0x30, &[octets]);
    let contents = DegenerateSignedData {
        certificates: vec![one(input.chunk())],
        crls: vec![one(input.rest())],
    };
    let written = contents.to_der().unwrap();
    // The contents of the elements may be BER, or malformed.
    if to_der(&written).as_deref() == Ok(&written) {
        assert_eq!(DegenerateSignedData::from_ber(&written).unwrap(), contents);
    }
}

/// Encodes a CRL with any revocations and decodes it.
fn round_trip_crl(mut input: Input<'_>) {
    let number = u64::from(input.octet()) << 56 | u64::from(input.octet());
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let mut revoked = Vec::new();
    for entry in input.rest().chunks_exact(22) {
        let mut entry = Input::new(entry);
        let reason = entry.pick(RevocationReason::VARIANTS);
        let seconds = (0..4).fold(0, |number, _| number << 8 | i64::from(entry.octet()));
        let serial = (0..16).fold(0, |number, _| number << 8 | u128::from(entry.octet()));
        revoked.push(RevokedCertificate {
            uuid: CertificateUuid::from_u128(serial),
            revocation: Revocation {
                at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds),
                reason,
            },
        });
    }
    let contents = CrlContents {
        number,
        this_update: now,
        next_update: now + Duration::WEEK,
        revoked: &revoked,
    };
    let to_be_signed = build_crl_tbs(&AUTHORITY, &contents).unwrap();
    let crl = assemble_crl(&to_be_signed, &AUTHORITY, &[1; 64]).unwrap();
    assert_eq!(read_crl_entries(&crl).unwrap(), revoked);
    x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(&crl).unwrap();
}
