use ca::id::CertificateUuid;
use ca::template::{CertificateTemplate, RuleViolation, TemplateSpec};
use scep_cms::algorithm::ContentEncryption;
use scep_cms::algorithm::KeyTransport;
use scep_cms::certificate::Validity;
use scep_cms::content_key::ContentKey;
use scep_cms::csr_fault::CsrFault;
use scep_cms::pki_message::PkiMessage;
use time::Duration;

use super::*;
use crate::addressed_request::AddressedRequest;
use crate::algorithms::AlgorithmPolicy;
use crate::availability::tests::{
    NOW, RA_PROFILE, load_certificate, read_vector, seal_envelope, serving_profile,
};
use crate::envelope_fault::EnvelopeFault;
use crate::id::RaProfileUuid;
use crate::profile::ScepProfile;
use crate::vouched::Vouched;
use crate::vouching::ChallengeSourceKind;
use crate::wrapped_key::WrappedKey;

/// A captured message, with the content key of its envelope: what
/// `openssl pkeyutl -decrypt -keyform DER -inkey ra-key.der` makes of the encryptedKey.
#[derive(Clone, Copy)]
struct Captured {
    file: &'static str,
    content_key: [u8; 16],
}

/// A PKCSReq with the challengePassword `s3cret`, self-signed.
const ENROLMENT: Captured = Captured {
    file: "pki-aes-sha256.der",
    content_key: 0xc8ae_c753_f1af_b3e7_8d17_73cd_b017_808c_u128.to_be_bytes(),
};
/// A RenewalReq without a challengePassword, for a new key.
const RENEWAL: Captured = Captured {
    file: "pki-renew.der",
    content_key: 0x0854_122f_cd6d_c65e_3739_73e5_ebda_a6e5_u128.to_be_bytes(),
};
/// A PKCSReq without a challengePassword, signed with the certificate that it renews.
const RENEWAL_BY_PKCS_REQ: Captured = Captured {
    file: "jscep-renew.der",
    content_key: 0x320b_437d_2e7c_bc7d_dd39_66a6_8343_6339_u128.to_be_bytes(),
};

const CHALLENGE: &str = "s3cret";

impl Captured {
    fn key(self) -> ContentKey {
        ContentKey::new(ContentEncryption::Aes128Cbc, &self.content_key).unwrap()
    }

    fn message(self) -> SignedRequest {
        let message = PkiMessage::from_ber(&read_vector(self.file)).unwrap();
        let policy = AlgorithmPolicy::of(serving_profile(|_| {}).scep_profile());
        SignedRequest::verify(message, policy).unwrap()
    }

    fn by(self, signer: Signer) -> AddressedRequest {
        let request = self.message();
        AddressedRequest {
            envelope: request.verified().envelope().unwrap().clone(),
            request,
            signer,
            wrapped: wrap_key(&[1]),
        }
    }

    fn opened(self, signer: Signer) -> EnrolmentRequest {
        let opened = self.by(signer).open(&self.key(), &serving_profile(|_| {}));
        opened.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", self.file))
    }

    /// Its PKCS #10 request.
    fn csr(self) -> Vec<u8> {
        let message = self.message();
        let envelope = message.verified().envelope().unwrap();
        envelope.open(&self.key()).unwrap().to_vec()
    }

    /// The signer, as the holder of a certificate that was issued under this RA Profile.
    fn holder(self, ra_profile: RaProfileUuid) -> Signer {
        Signer::Holder(Box::new(KnownCertificate {
            uuid: SIGNERS,
            certificate: load_certificate(self.file),
            ra_profile,
            vouching: None,
            revoked: false,
        }))
    }

    /// The time halfway through the validity of the signer's certificate.
    fn renewable(self) -> OffsetDateTime {
        let Validity {
            not_before,
            not_after,
        } = load_certificate(self.file).validity().unwrap();
        not_before + (not_after - not_before) / 2
    }
}

/// The identity of a holder's certificate.
const SIGNERS: CertificateUuid = CertificateUuid::from_u128(6);

fn wrap_key(encrypted_key: &[u8]) -> WrappedKey {
    WrappedKey::KeyTransport {
        transport: KeyTransport::RsaPkcs1,
        encrypted_key: encrypted_key.to_vec(),
    }
}

#[test]
fn leading_zeros_do_not_change_an_encrypted_key() {
    let encrypted_key = |octets: &[u8]| {
        let request = AddressedRequest {
            wrapped: wrap_key(octets),
            ..ENROLMENT.by(Signer::Unknown)
        };
        request.encrypted_key()
    };
    assert_eq!(encrypted_key(&[1, 0, 2]), Fingerprint::of(&[1, 0, 2]));
    assert_eq!(encrypted_key(&[0, 0, 1, 0, 2]), Fingerprint::of(&[1, 0, 2]));
    assert_eq!(encrypted_key(&[0, 0]), Fingerprint::of(&[]));
}

/// Checks the result of opening an envelope with this content.
#[track_caller]
fn check_open(content: &[u8], signer: Signer, expected: Option<EnvelopeFault>) {
    let request = AddressedRequest {
        envelope: seal_envelope(content, &ENROLMENT.content_key, "ra.pem"),
        ..ENROLMENT.by(signer)
    };
    let opened = request.open(&ENROLMENT.key(), &serving_profile(|_| {}));
    assert_eq!(opened.err(), expected.map(Refusal::Envelope));
}

#[test]
fn an_envelope_opens_to_an_intact_request_of_a_key_that_its_signer_may_have_certified() {
    let csr = ENROLMENT.csr();
    check_open(&csr, Signer::Unknown, None);
    check_open(
        b"",
        Signer::Unknown,
        Some(EnvelopeFault::Structure(CsrFault::Empty)),
    );
    let mut changed = csr;
    *changed.last_mut().unwrap() ^= 1;
    let signature = Some(EnvelopeFault::CsrSignature);
    check_open(&changed, Signer::Unknown, signature);
    let foreign = RENEWAL.csr();
    check_open(&foreign, Signer::Unknown, Some(EnvelopeFault::ForeignKey));
    check_open(&foreign, ENROLMENT.holder(RA_PROFILE), None);
    let proxies = serving_profile(|of| {
        of.scep_profile
            .as_mut()
            .unwrap()
            .settings
            .allow_proxy_signer = true
    });
    let by_proxy = AddressedRequest {
        envelope: seal_envelope(&foreign, &ENROLMENT.content_key, "ra.pem"),
        ..ENROLMENT.by(Signer::Unknown)
    };
    assert_eq!(by_proxy.open(&ENROLMENT.key(), &proxies).err(), None);
    let profile = serving_profile(|_| {});
    let by_another_key = ENROLMENT.by(Signer::Unknown).open(&RENEWAL.key(), &profile);
    let padding = Refusal::Envelope(EnvelopeFault::Padding);
    assert_eq!(by_another_key.err(), Some(padding));
}

/// Checks what authorises a request, and whether an administrator has to approve it.
#[track_caller]
fn check(
    request: EnrolmentRequest,
    challenge: Option<&str>,
    edit: impl FnOnce(&mut ScepProfile),
    now: OffsetDateTime,
    expected: Result<(SignerClass, bool), Refusal>,
) {
    let profile = serving_profile(|of| {
        let scep_profile = of.scep_profile.as_mut().unwrap();
        let source = challenge.map(|_| ChallengeSourceKind::Static);
        scep_profile.chosen_sources = Some(source.into_iter().collect());
        edit(scep_profile);
    });
    let granted = authorise_by(request, challenge, &profile, now).map(|authorised| {
        let class = authorised.fingerprint(&profile).signer_class;
        let renewed = authorised.predecessor().map(|known| known.uuid);
        let expected = (class == SignerClass::Certificate).then_some(SIGNERS);
        assert_eq!(renewed, expected);
        (class, authorised.needs_approval(&profile))
    });
    assert_eq!(granted, expected);
}

/// Authorises a request by a source that knows this challenge.
fn authorise_by(
    request: EnrolmentRequest,
    challenge: Option<&str>,
    profile: &AvailableProfile,
    now: OffsetDateTime,
) -> Result<AuthorisedRequest, Refusal> {
    let unvouched = match request.classify(profile, now)? {
        ClassifiedRequest::Renewal(renewal) => return Ok(renewal),
        ClassifiedRequest::Enrolment(unvouched) => unvouched,
    };
    let vouched = match unvouched.to_be_vouched(profile)? {
        Some(asked) if knows_challenge(asked, challenge) => {
            Some(Vouched::by(ChallengeSourceKind::Static))
        }
        Some(_) => return Err(unvouched.refuse(Refusal::Challenge)),
        None => None,
    };
    unvouched.authorise(vouched, profile)
}

fn knows_challenge(asked: &EnrolmentRequest, challenge: Option<&str>) -> bool {
    let given = asked.csr().challenge_password();
    given.is_some_and(|given| Some(given.reveal()) == challenge)
}

const BY_CHALLENGE: Result<(SignerClass, bool), Refusal> = Ok((SignerClass::Challenge, false));
const BY_CERTIFICATE: Result<(SignerClass, bool), Refusal> = Ok((SignerClass::Certificate, false));

fn with_approval(profile: &mut ScepProfile) {
    profile.settings.require_manual_approval = true;
}

#[test]
fn an_enrolment_is_authorised_by_the_challenge_or_waits_for_an_administrator() {
    let request = || ENROLMENT.opened(Signer::Unknown);
    let none = |_: &mut ScepProfile| {};
    check(request(), Some(CHALLENGE), none, NOW, BY_CHALLENGE);
    let held = Ok((SignerClass::Challenge, true));
    check(request(), Some(CHALLENGE), with_approval, NOW, held);
    let refused = || Err(Refusal::Challenge);
    check(request(), Some("other"), none, NOW, refused());
    check(request(), Some("other"), with_approval, NOW, refused());
    let unvouched = Ok((SignerClass::Nobody, true));
    check(request(), None, with_approval, NOW, unvouched);
    let refused = Err(Refusal::EnrolmentNotAuthorised);
    check(request(), None, none, NOW, refused);
}

#[test]
fn the_holder_of_an_expired_certificate_enrols_only_by_the_challenge() {
    let request = || ENROLMENT.opened(Signer::Former);
    check(request(), Some(CHALLENGE), |_| {}, NOW, BY_CHALLENGE);
    let refused = || Err(Refusal::SignerExpired);
    check(request(), Some("other"), |_| {}, NOW, refused());
    check(request(), None, |_| {}, NOW, refused());
    check(request(), None, with_approval, NOW, refused());
}

#[test]
fn a_holder_renews_by_either_kind_of_message_from_half_of_its_life_on() {
    for message in [RENEWAL, RENEWAL_BY_PKCS_REQ] {
        let request = || message.opened(message.holder(RA_PROFILE));
        let from = message.renewable();
        check(request(), None, |_| {}, from, BY_CERTIFICATE);
        // Renewals were approved once, so they need no approval.
        check(request(), None, with_approval, from, BY_CERTIFICATE);
        let later = from + Duration::SECOND;
        check(request(), None, |_| {}, later, BY_CERTIFICATE);
        let early = from - Duration::SECOND;
        let refused = Err(Refusal::RenewalTooEarly(from.date()));
        check(request(), None, |_| {}, early, refused);
        let elsewhere = message.opened(message.holder(RaProfileUuid::nil()));
        let refused = Err(Refusal::SignerUnknown);
        check(elsewhere, None, |_| {}, from, refused);
    }
}

#[test]
fn a_holder_who_may_not_renew_yet_enrols_by_the_challenge() {
    let request = || ENROLMENT.opened(ENROLMENT.holder(RA_PROFILE));
    let from = ENROLMENT.renewable();
    let early = from - Duration::DAY;
    check(request(), Some(CHALLENGE), |_| {}, early, BY_CHALLENGE);
    let refused = Err(Refusal::RenewalTooEarly(from.date()));
    check(request(), Some("other"), |_| {}, early, refused);
    check(request(), Some(CHALLENGE), |_| {}, from, BY_CERTIFICATE);
}

/// The signer class and the requester's key after a renewal for other names was turned into an
/// enrolment, if it can be.
fn convert_renewal(
    request: EnrolmentRequest,
    challenge: Option<&str>,
) -> (SignerClass, Fingerprint) {
    let profile = serving_profile(|_| {});
    let renewable = RENEWAL_BY_PKCS_REQ.renewable();
    let renewal = authorise_by(request, None, &profile, renewable)
        .ok()
        .unwrap();
    let is_enrolment = renewal
        .as_enrolment()
        .is_some_and(|asked| knows_challenge(asked, challenge));
    let request = match is_enrolment {
        true => renewal.into_enrolment(Vouched::by(ChallengeSourceKind::Static)),
        false => renewal,
    };
    let class = request.fingerprint(&profile).signer_class;
    (class, request.requester_key())
}

#[test]
fn a_pkcs_req_for_other_names_is_an_enrolment_if_its_challenge_is_right() {
    // A request for the key of the enrolment, signed with the certificate of another key.
    let signed_by = |message: Captured| {
        let request = AddressedRequest {
            envelope: seal_envelope(&ENROLMENT.csr(), &ENROLMENT.content_key, "ra.pem"),
            ..message.by(message.holder(RA_PROFILE))
        };
        let opened = request.open(&ENROLMENT.key(), &serving_profile(|_| {}));
        opened.ok().unwrap()
    };
    let key = |message: Captured| message.message().signer_key();
    for message in [RENEWAL, RENEWAL_BY_PKCS_REQ] {
        let unchanged = (SignerClass::Certificate, key(message));
        for challenge in [None, Some("other")] {
            assert_eq!(convert_renewal(signed_by(message), challenge), unchanged);
        }
    }
    let enrolment = (SignerClass::Challenge, key(ENROLMENT));
    let by_pkcs_req = signed_by(RENEWAL_BY_PKCS_REQ);
    assert_eq!(convert_renewal(by_pkcs_req, Some(CHALLENGE)), enrolment);
    let renewal = (SignerClass::Certificate, key(RENEWAL));
    assert_eq!(
        convert_renewal(signed_by(RENEWAL), Some(CHALLENGE)),
        renewal
    );
}

#[test]
fn a_key_that_the_rules_do_not_allow_is_refused_even_if_authorised() {
    let rules = TemplateSpec {
        rsa_min_bits: 4096,
        ..TemplateSpec::default()
    };
    let template = CertificateTemplate::try_from(rules).unwrap();
    let profile = serving_profile(|of| {
        of.ra_profile.as_mut().unwrap().template = template;
        let sources = [ChallengeSourceKind::Static].into();
        of.scep_profile.as_mut().unwrap().chosen_sources = Some(sources);
    });
    let request = ENROLMENT.opened(Signer::Unknown);
    let refused = authorise_by(request, Some(CHALLENGE), &profile, NOW).err();
    let too_short = RuleViolation::RsaTooShort {
        bits: 2048,
        min_bits: 4096,
    };
    assert_eq!(refused, Some(Refusal::Rule(too_short)));
}
