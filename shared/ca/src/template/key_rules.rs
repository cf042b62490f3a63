//! The template's rules for the key of a certificate.

use scep_cms::public_key::PublicKey;

use crate::template::CertificateTemplate;
use crate::template::rule_violation::RuleViolation;

/// Checks that an RA Profile's template accepts this key.
///
/// # Errors
/// The first rule that the key violates.
pub fn check_key(key: &PublicKey, template: &CertificateTemplate) -> Result<(), RuleViolation> {
    check_key_size(key, template)?;
    // The weakness check takes far longer than the others, so it comes last.
    match key.weakness() {
        Some(weakness) => Err(RuleViolation::WeakKey(weakness)),
        None => Ok(()),
    }
}

/// Checks the length or curve of a key, which costs nothing. [`check_key`] does so, too.
///
/// # Errors
/// The rule that the key violates.
pub fn check_key_size(
    key: &PublicKey,
    template: &CertificateTemplate,
) -> Result<(), RuleViolation> {
    match key {
        PublicKey::Rsa { modulus_bits, .. } if *modulus_bits < template.rsa_min_bits => {
            Err(RuleViolation::RsaTooShort {
                bits: *modulus_bits,
                min_bits: template.rsa_min_bits,
            })
        }
        PublicKey::Ec { curve, .. } if !template.ec_curves.contains(curve) => {
            Err(RuleViolation::Curve(*curve))
        }
        PublicKey::Rsa { .. } | PublicKey::Ec { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use scep_cms::algorithm::EcCurve;
    use scep_cms::certificate::Certificate;

    use super::*;
    use crate::template::TemplateSpec;

    /// The SubjectPublicKeyInfo of the base point of P-256.
    const P256: &[u8] = b"\
        \x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\
        \x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
        \x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

    fn rules(rsa_min_bits: usize, ec_curves: &[EcCurve]) -> CertificateTemplate {
        let spec = TemplateSpec {
            rsa_min_bits,
            ec_curves: ec_curves.to_vec(),
            ..TemplateSpec::default()
        };
        spec.try_into().unwrap()
    }

    #[test]
    fn rules_limit_the_length_of_rsa_keys_and_the_curves_of_ec_keys() {
        let ra = Certificate::from_pem(include_str!("../../../../tests/vectors/ra.pem")).unwrap();
        let rsa = ra.public_key().unwrap();
        let ec = PublicKey::from_der(P256).unwrap();
        for min_bits in [1024, 2048] {
            assert_eq!(check_key(rsa, &rules(min_bits, &[])), Ok(()));
        }
        let too_short = RuleViolation::RsaTooShort {
            bits: 2048,
            min_bits: 2049,
        };
        assert_eq!(check_key(rsa, &rules(2049, &[])), Err(too_short));
        let either = [EcCurve::P384, EcCurve::P256];
        assert_eq!(check_key(&ec, &rules(4096, &either)), Ok(()));
        let refused = check_key(&ec, &rules(4096, &[EcCurve::P384]));
        assert_eq!(refused, Err(RuleViolation::Curve(EcCurve::P256)));
    }
}
