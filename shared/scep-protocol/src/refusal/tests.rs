use scep_cms::envelope::EnvelopeError;
use scep_cms::error::DecodeError;
use strum::VariantArray as _;

use super::*;

/// An example of each kind of refusal, with its failInfo.
fn example_of(kind: RefusalKind) -> (Refusal, FailInfo) {
    use FailInfo::{BadAlg, BadCertId, BadMessageCheck, BadRequest};
    match kind {
        RefusalKind::Attribute => (
            Refusal::Attribute(AttributeError("senderNonce")),
            BadRequest,
        ),
        RefusalKind::Challenge => (Refusal::Challenge, BadRequest),
        RefusalKind::ChallengeExpired => (Refusal::ChallengeExpired, BadRequest),
        RefusalKind::ChallengeMisbound => (Refusal::ChallengeMisbound("RA Profile"), BadRequest),
        RefusalKind::ChallengeMissing => (Refusal::ChallengeMissing, BadRequest),
        RefusalKind::ChallengeUsed => (Refusal::ChallengeUsed, BadRequest),
        RefusalKind::ContentEncryption => (
            Refusal::ContentEncryption(unsupported_algorithm("1.3.14.3.2.7")),
            BadAlg,
        ),
        RefusalKind::Csr => {
            let fault = scep_cms::csr_fault::AttributeFault::NotInASet;
            let fault = CsrFault::Attribute { index: 2, fault };
            (Refusal::Csr(fault), BadRequest)
        }
        RefusalKind::Denied => (Refusal::Denied("unknown device".to_owned()), BadRequest),
        RefusalKind::Digest => (
            Refusal::Digest(unsupported_algorithm("1.2.840.113549.2.5")),
            BadAlg,
        ),
        RefusalKind::Envelope => (Refusal::Envelope(EnvelopeFault::Padding), BadMessageCheck),
        RefusalKind::EnrolmentNotAuthorised => (Refusal::EnrolmentNotAuthorised, BadRequest),
        RefusalKind::KeyRevoked => (Refusal::KeyRevoked, BadRequest),
        RefusalKind::KeyTransport => (
            Refusal::KeyTransport(unsupported_algorithm("1.2.3")),
            BadAlg,
        ),
        RefusalKind::LockedOut => (Refusal::LockedOut, BadRequest),
        RefusalKind::MessageType => (Refusal::MessageType, BadRequest),
        RefusalKind::NoEnvelope => (Refusal::NoEnvelope, BadRequest),
        RefusalKind::NoPassword => (Refusal::NoPassword, BadAlg),
        RefusalKind::NothingPending => (Refusal::NothingPending, BadCertId),
        RefusalKind::PasswordRecipient => (
            Refusal::PasswordRecipient(DecodeError::Unexpected("a key wrap without an IV")),
            BadAlg,
        ),
        RefusalKind::PollOfAnother => (Refusal::PollOfAnother, BadRequest),
        RefusalKind::QueryEnvelope => (Refusal::QueryEnvelope(EnvelopeFault::Padding), BadCertId),
        RefusalKind::Recipient => (Refusal::Recipient, BadMessageCheck),
        RefusalKind::RecipientAuthority => (Refusal::RecipientAuthority, BadMessageCheck),
        RefusalKind::Rejected => (Refusal::Rejected("unknown device".to_owned()), BadRequest),
        RefusalKind::RenewalNames => (Refusal::RenewalNames, BadRequest),
        RefusalKind::RenewalSubject => (Refusal::RenewalSubject, BadRequest),
        RefusalKind::RenewalTooEarly => (
            Refusal::RenewalTooEarly(time::OffsetDateTime::UNIX_EPOCH.date()),
            BadRequest,
        ),
        RefusalKind::RequestTooLarge => (Refusal::RequestTooLarge, BadRequest),
        RefusalKind::Revoked => (Refusal::Revoked, BadRequest),
        RefusalKind::Rule => (
            Refusal::Rule(RuleViolation::RsaTooShort {
                bits: 1024,
                min_bits: 2048,
            }),
            BadAlg,
        ),
        RefusalKind::Signature => (Refusal::Signature, BadMessageCheck),
        RefusalKind::SignerAlgorithm => (
            Refusal::SignerAlgorithm(unsupported_algorithm("1.2.840.113549.1.1.4")),
            BadAlg,
        ),
        RefusalKind::SignerCannotDecrypt => (Refusal::SignerCannotDecrypt, BadAlg),
        RefusalKind::SignerExpired => (Refusal::SignerExpired, BadRequest),
        RefusalKind::SignerKey => (Refusal::SignerKey, BadAlg),
        RefusalKind::SignerUnknown => (Refusal::SignerUnknown, BadRequest),
        RefusalKind::SignerRevoked => (Refusal::SignerRevoked, BadRequest),
        RefusalKind::TooManyPending => (Refusal::TooManyPending, BadRequest),
        RefusalKind::TooManySuccessors => (Refusal::TooManySuccessors, BadRequest),
        RefusalKind::TransactionTaken => (Refusal::TransactionTaken, BadRequest),
        RefusalKind::UnknownCertificate => (Refusal::UnknownCertificate, BadCertId),
    }
}

fn all_refusals() -> impl Iterator<Item = Refusal> {
    RefusalKind::VARIANTS.iter().map(|kind| example_of(*kind).0)
}

#[test]
fn every_refusal_has_its_reason() {
    for kind in RefusalKind::VARIANTS {
        let (refusal, fail_info) = example_of(*kind);
        assert_eq!(refusal.fail_info(), fail_info, "{kind:?}");
        let text = refusal.text();
        // A sentence in one line, and no message of a program.
        assert!((20..160).contains(&text.len()), "{text}");
        assert!(
            text.starts_with(|first: char| first.is_ascii_lowercase()),
            "{text}"
        );
        assert!(!text.ends_with('.'), "{text}");
        assert!(
            !text.contains(|c: char| c.is_control() || "{}\"\\".contains(c)),
            "{text}"
        );
    }
}

/// The exceptions are a query that does not open, which is answered like an unknown certificate,
/// and the three answers that look like a wrong challenge.
#[test]
fn no_two_refusals_have_the_same_text() {
    let mut texts: Vec<_> = all_refusals().map(|refusal| refusal.text()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), RefusalKind::VARIANTS.len() - 3);
    let query = Refusal::QueryEnvelope(EnvelopeFault::Padding);
    assert_eq!(query.text(), Refusal::UnknownCertificate.text());
    for like_wrong in [Refusal::ChallengeMissing, Refusal::LockedOut] {
        assert_eq!(like_wrong.text(), Refusal::Challenge.text());
    }
}

#[test]
fn only_answers_that_could_reveal_a_plaintext_are_timed() {
    let timed = all_refusals()
        .filter(Refusal::is_timed)
        .map(|refusal| refusal.into());
    let expected = [
        RefusalKind::Envelope,
        RefusalKind::QueryEnvelope,
        RefusalKind::UnknownCertificate,
    ];
    assert_eq!(timed.collect::<Vec<RefusalKind>>(), expected);
}

/// The kinds of refusal that services hear of.
fn announced_kinds(is_vouched: bool) -> Vec<RefusalKind> {
    let announced = all_refusals().filter(|refusal| refusal.is_announced(is_vouched));
    announced.map(RefusalKind::from).collect()
}

#[test]
fn only_refusals_whose_number_is_bounded_are_announced() {
    let wrong_challenges = [
        RefusalKind::Challenge,
        RefusalKind::ChallengeExpired,
        RefusalKind::ChallengeMisbound,
        RefusalKind::ChallengeUsed,
        RefusalKind::Denied,
    ];
    assert_eq!(announced_kinds(false), wrong_challenges);
    let silent: Vec<_> = RefusalKind::VARIANTS
        .iter()
        .filter(|kind| !announced_kinds(true).contains(kind))
        .collect();
    let endless = [
        &RefusalKind::ChallengeMissing,
        &RefusalKind::EnrolmentNotAuthorised,
        &RefusalKind::LockedOut,
        &RefusalKind::MessageType,
        &RefusalKind::RenewalNames,
        &RefusalKind::RenewalSubject,
        &RefusalKind::RenewalTooEarly,
        &RefusalKind::Revoked,
        &RefusalKind::SignerExpired,
        &RefusalKind::SignerUnknown,
        &RefusalKind::SignerRevoked,
        &RefusalKind::TooManyPending,
        &RefusalKind::TransactionTaken,
    ];
    assert_eq!(silent, endless);
}

#[track_caller]
fn check_text(refusal: Refusal, text: &str) {
    assert_eq!(refusal.text(), text);
}

#[test]
fn a_text_says_what_was_wrong_in_the_request() {
    check_text(
        Refusal::Attribute(AttributeError("senderNonce")),
        "the attribute senderNonce is missing, repeated or malformed",
    );
    check_text(
        Refusal::ContentEncryption(unsupported_algorithm("1.3.14.3.2.7")),
        "the content encryption algorithm DES-CBC (1.3.14.3.2.7) is not supported",
    );
    check_text(
        Refusal::Csr(CsrFault::Attribute {
            index: 2,
            fault: scep_cms::csr_fault::AttributeFault::NotInASet,
        }),
        "certificationRequestInfo.attributes[2]: the value is not in a SET",
    );
    check_text(
        Refusal::Digest(unsupported_algorithm("1.2.840.113549.2.5")),
        "the message digest algorithm MD5 (1.2.840.113549.2.5) is not supported",
    );
    check_text(
        Refusal::KeyTransport(unsupported_algorithm("1.2.3")),
        "the key encryption algorithm 1.2.3 is not supported",
    );
    check_text(
        Refusal::SignerAlgorithm(unsupported_algorithm("1.2.840.113549.1.1.4")),
        "the signature algorithm md5WithRSAEncryption (1.2.840.113549.1.1.4) is not supported",
    );
    check_text(
        Refusal::Rejected(String::new()),
        "an administrator rejected the request",
    );
    check_text(
        Refusal::Rejected("unknown device".to_owned()),
        "an administrator rejected the request: unknown device",
    );
    check_text(
        Refusal::RenewalTooEarly(time::OffsetDateTime::UNIX_EPOCH.date()),
        "the certificate cannot be renewed before 1970-01-01",
    );
    for fault in envelope_faults() {
        check_text(
            Refusal::Envelope(fault.clone()),
            "the content cannot be decrypted",
        );
        check_text(
            Refusal::QueryEnvelope(fault),
            "no certificate has this issuer and serial number",
        );
    }
}

fn unsupported_algorithm(oid: &str) -> UnsupportedAlgorithm {
    UnsupportedAlgorithm::new(oid.parse().unwrap())
}

fn envelope_faults() -> [EnvelopeFault; 13] {
    [
        EnvelopeFault::CsrAlgorithm(unsupported_algorithm("1.2.840.113549.1.1.4")),
        EnvelopeFault::CsrKey,
        EnvelopeFault::CsrSignature,
        EnvelopeFault::ForeignKey,
        EnvelopeFault::Key,
        EnvelopeFault::KeyLength {
            found: 8,
            wanted: 16,
        },
        EnvelopeFault::Outline(EnvelopeError::Malformed),
        EnvelopeFault::Padding,
        EnvelopeFault::Query(DecodeError::Unexpected("a text")),
        EnvelopeFault::LockedOut,
        EnvelopeFault::Reused,
        EnvelopeFault::Structure(CsrFault::Empty),
        EnvelopeFault::WrappedKeyLength {
            bytes: 257,
            modulus_bytes: 256,
        },
    ]
}

/// The log names each fault of an envelope, and its answer is timed; other refusals log the
/// text that the client gets.
#[test]
fn faults_that_an_attacker_must_not_learn_are_only_logged() {
    for fault in envelope_faults() {
        let refusal = Refusal::Envelope(fault.clone());
        assert!(refusal.log_reason().starts_with(&fault.to_string()));
        assert_ne!(refusal.log_reason(), refusal.text());
        assert!(refusal.is_timed() && Refusal::QueryEnvelope(fault).is_timed());
    }
    let structure = Refusal::Envelope(EnvelopeFault::Structure(CsrFault::Empty));
    assert_eq!(
        structure.log_reason(),
        "the envelope holds no readable request: the content is not a PKCS #10 request: it is empty"
    );
    for refusal in all_refusals() {
        let kind = RefusalKind::from(&refusal);
        let hidden = [
            RefusalKind::Envelope,
            RefusalKind::LockedOut,
            RefusalKind::QueryEnvelope,
        ];
        let is_hidden = hidden.contains(&kind);
        assert_eq!(
            refusal.log_reason() != refusal.text(),
            is_hidden,
            "{kind:?}"
        );
    }
}

#[test]
fn every_rejection_has_its_status() {
    #[track_caller]
    fn check_text(rejection: HttpRejection, status: u16) {
        assert_eq!(rejection.status(), status);
        assert!((10..80).contains(&rejection.text().len()));
    }
    check_text(HttpRejection::BodyTooLarge, 413);
    check_text(HttpRejection::MethodNotAllowed, 405);
    check_text(HttpRejection::ReadOnly, 405);
    check_text(HttpRejection::DamagedMessage, 400);
    check_text(HttpRejection::NoNextCaCertificate, 400);
    check_text(HttpRejection::NoCrl, 404);
    check_text(HttpRejection::NotFound, 404);
    check_text(HttpRejection::InternalFailure, 500);
    check_text(HttpRejection::TryLater, 503);
    check_text(HttpRejection::UnknownOperation, 400);
    check_text(HttpRejection::UnreadableMessage, 400);
    check_text(
        HttpRejection::Unavailable(Unavailable::AuthorityExpired),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::AuthorityMissing),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::AuthorityNotActive),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::RaCertificateExpired),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::RaCertificateMissing),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::RaCertificateUnfit),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::RaProfileDisabled),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::RaProfileUnknown),
        404,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::ScepProfileDisabled),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::ScepProfileUnknown),
        404,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::ScepNotActivated),
        403,
    );
    check_text(
        HttpRejection::Unavailable(Unavailable::WithoutDefaultRaProfile),
        403,
    );
}
