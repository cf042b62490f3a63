//! RSA keys that anyone can factor, created as an attacker would, who wants a certificate for one.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::{FailInfo, PkiStatus, SenderNonce};
use scep_cms::builder::{Attributes, PkiMessageBuilder};
use scep_cms::certificate::Certificate;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::message_type::MessageType;
use scep_cms::transaction_id::TransactionId;
use scepter_tests::admin::Admin;
use scepter_tests::asn1::{
    NULL, SHA256_WITH_RSA, common_name, element, integer, oid, request_info, rsa_spki, signed,
};
use scepter_tests::assert::{assert_refusal, assert_status};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::World;
use sha2::{Digest, Sha256};

/// An RSA key with an arbitrary modulus whose group order is known.
pub(crate) struct OddKey {
    modulus: BoxedUint,
    exponent: u128,
    private_exponent: BoxedUint,
}

impl OddKey {
    /// Creates a key from a modulus and the order of its multiplicative group.
    fn new(modulus: BoxedUint, order: &BoxedUint) -> Self {
        Self::with_exponent(modulus, order, 65_537).unwrap()
    }

    /// Creates a key with this public exponent; `None` if the exponent shares a factor with the
    /// order.
    fn with_exponent(modulus: BoxedUint, order: &BoxedUint, exponent: u128) -> Option<Self> {
        let inverted = BoxedUint::from(exponent).resize(order.bits_precision());
        let order = NonZero::new(order.clone()).unwrap();
        let private_exponent = inverted.invert_mod(&order).into_option()?;
        Some(Self {
            modulus,
            exponent,
            private_exponent,
        })
    }

    /// Creates a sound key whose modulus has this many bits.
    pub(crate) fn of_bits(bits: u32, exponent: u128) -> Self {
        let minus_one = |number: &BoxedUint| number.wrapping_sub(BoxedUint::one());
        loop {
            let (p, q) = (generate_prime(bits / 2), generate_prime(bits - bits / 2));
            let order = minus_one(&p).concatenating_mul(&minus_one(&q));
            let modulus = p.concatenating_mul(&q);
            if let Some(key) = Self::with_exponent(modulus, &order, exponent) {
                assert_eq!(key.modulus.bits_vartime(), bits);
                return key;
            }
        }
    }

    fn spki(&self) -> Vec<u8> {
        let exponent = self.exponent.to_be_bytes();
        let exponent: Vec<_> = exponent
            .into_iter()
            .skip_while(|octet| *octet == 0)
            .collect();
        rsa_spki(&self.modulus(), &exponent, NULL)
    }

    fn modulus(&self) -> Vec<u8> {
        self.modulus.to_be_bytes_trimmed_vartime().to_vec()
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let algorithm = element(0x30, &[&oid("2.16.840.1.101.3.4.2.1"), NULL]);
        let digest = element(0x04, &[&Sha256::digest(message)]);
        let digest = element(0x30, &[&algorithm, &digest]);
        let length = self.modulus().len();
        let padding = vec![0xff; length - 3 - digest.len()];
        let encoded = [&[0, 1], &padding[..], &[0], &digest].concat();
        let encoded = BoxedUint::from_be_slice(&encoded, self.modulus.bits_precision()).unwrap();
        let modulus = Odd::new(self.modulus.clone()).unwrap();
        let params = BoxedMontyParams::new_vartime(modulus);
        let signature = BoxedMontyForm::new(encoded, &params).pow(&self.private_exponent);
        let signature = signature.retrieve().to_be_bytes();
        signature[signature.len() - length..].to_vec()
    }

    /// Builds a PKCSReq for `CN=x`, signed by this key and for this key.
    pub(crate) fn enrolment(&self, world: &World) -> Vec<u8> {
        let info = request_info(&common_name("x"), &self.spki(), &[]);
        let csr = signed(&info, &self.sign(&info));
        let cipher = ContentEncryption::Aes128Cbc;
        let digest = Sha256::digest(self.spki());
        let transaction_id: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        let key = ContentKey::new(cipher, &[5; 16]).unwrap();
        let to = SealTo::Certificate(&world.ra_certificate);
        let envelope = PkcsPkiEnvelope::seal(&csr, cipher, &key, &[6; 16], to).unwrap();
        let algorithm = element(0x30, &[&oid(SHA256_WITH_RSA), NULL]);
        let subject = common_name("self-signed");
        let dates = [&b"250101000000Z"[..], b"491231235959Z"].map(|date| element(0x17, &[date]));
        let contents = element(
            0x30,
            &[
                &element(0xa0, &[&integer(&[2])]),
                &integer(&[7]),
                &algorithm,
                &subject,
                &element(0x30, &[&dates.concat()]),
                &subject,
                &self.spki(),
            ],
        );
        let certificate = signed(&contents, &self.sign(&contents));
        let signer = Certificate::from_der(&certificate).unwrap();
        let to_be_signed = PkiMessageBuilder {
            attributes: Attributes::Request {
                message_type: MessageType::PkcsReq,
                transaction_id: TransactionId::new(&transaction_id).unwrap(),
                sender_nonce: SenderNonce::new(&[7; 16]).unwrap(),
            },
            envelope: Some(envelope),
            digest: DigestAlgorithm::Sha256,
            signer,
        }
        .to_be_signed()
        .unwrap();
        let signature = self.sign(to_be_signed.bytes());
        to_be_signed.assemble(&signature).unwrap()
    }
}

/// Generates a prime whose two most significant bits are set.
fn generate_prime(bits: u32) -> BoxedUint {
    let bits = bits.to_string();
    let hex = openssl::run(&["prime", "-generate", "-hex", "-bits", &bits], &[]);
    let hex = String::from_utf8(hex).unwrap();
    BoxedUint::from_str_radix_vartime(hex.trim(), 16).unwrap()
}

/// An attacker who alters the modulus of a recorded request looks for one that can be factored, so
/// the server rejects such moduli.
#[tokio::test]
async fn a_key_that_anybody_can_factor_is_bad_alg() {
    let world = World::new().await;
    let one = BoxedUint::one();
    let minus_one = |number: &BoxedUint| number.wrapping_sub(&one);
    let (p, q) = (generate_prime(1024), generate_prime(1024));
    let large = generate_prime(2048);
    let three = BoxedUint::from(3_u32);
    let cofactor = generate_prime(2046);
    let is_prime = "rule key: the RSA modulus is a prime number or a power of one";
    let has_factor = "rule key: the RSA modulus has a small factor";
    for (modulus, order, text) in [
        (large.clone(), minus_one(&large), is_prime),
        (
            p.concatenating_mul(&p),
            p.concatenating_mul(&minus_one(&p)),
            is_prime,
        ),
        (
            cofactor.concatenating_mul(&three),
            minus_one(&cofactor).concatenating_mul(&BoxedUint::from(2_u32)),
            has_factor,
        ),
    ] {
        let key = OddKey::new(modulus, &order);
        assert_eq!(key.modulus().len(), 256);
        let reply = world.exchange(&Device::ec(), key.enrolment(&world)).await;
        assert_refusal(&reply, FailInfo::BadAlg, text);
    }
    // A product of two primes of the same size is accepted.
    let order = minus_one(&p).concatenating_mul(&minus_one(&q));
    let key = OddKey::new(p.concatenating_mul(&q), &order);
    let before = Admin::of(&world).count_certificates().await;
    let response = world.post(key.enrolment(&world)).await;
    assert_status(&response, 200);
    assert_eq!(Admin::of(&world).count_certificates().await, before + 1);
}

/// Anybody can send a request to such a profile, so no costly check is made for it.
#[tokio::test]
async fn a_key_that_approval_alone_lets_in_is_judged_when_it_is_approved() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| {
            profile.challenge = None;
            profile.settings.require_manual_approval = true;
        })
        .await;
    let large = generate_prime(2048);
    let order = large.wrapping_sub(BoxedUint::one());
    let key = OddKey::new(large, &order);
    let reply = world.exchange(&Device::ec(), key.enrolment(&world)).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    let admin = Admin::of(&world);
    let waiting = admin.find_transaction("PENDING").await;
    let reasons = admin
        .approve(waiting["uuid"].as_str().unwrap())
        .await
        .reasons();
    let text = "rule key: the RSA modulus is a prime number or a power of one";
    assert_eq!(
        reasons,
        [format!("the RA Profile does not allow the request: {text}")]
    );
}

/// The challenge is checked before the key, because checking a key is the most expensive check of a
/// request.
#[tokio::test]
async fn a_key_is_judged_after_the_challenge() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.challenge = None)
        .await;
    let large = generate_prime(2048);
    let order = large.wrapping_sub(BoxedUint::one());
    let key = OddKey::new(large, &order);
    let reply = world.exchange(&Device::ec(), key.enrolment(&world)).await;
    let text = "the profile has no challengePassword to authorise enrolments".to_owned();
    assert_refusal(&reply, FailInfo::BadRequest, &text);
}
