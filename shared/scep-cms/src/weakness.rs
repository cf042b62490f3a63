//! Detection of RSA keys that anyone can break: their private key is easy to compute or not needed.

use std::num::NonZeroU64;
use std::sync::LazyLock;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Gcd, Limb, NonZero, Odd};

/// Every prime below this number is tried as a factor of the modulus.
// NIST SP 800-89 §5.3.3 demands only 752.
const SMALL_FACTORS_BELOW: u32 = 1 << 17;

/// Why a public key is too weak to certify, NIST SP 800-89 §5.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// The public exponent is even, so that decryption is impossible, or 1, so that encryption has
    /// no effect.
    #[error("the RSA exponent is even or 1")]
    Exponent,
    /// The modulus is a prime number or a power of one, so that anyone can compute the private key.
    #[error("the RSA modulus is a prime number or a power of one")]
    Prime,
    /// The modulus has a small factor, such as 2 in an even modulus.
    #[error("the RSA modulus has a small factor")]
    SmallFactor,
}

impl Weakness {
    /// The first weakness found in an RSA key with this big-endian modulus.
    pub(crate) fn of_rsa(modulus: &[u8], exponent: u32) -> Option<Self> {
        // The order is from the cheapest check to the most expensive one.
        if exponent.is_multiple_of(2) || exponent == 1 {
            return Some(Self::Exponent);
        }
        let modulus = BoxedUint::from_be_slice_vartime(modulus);
        let Some(odd) = Option::<Odd<BoxedUint>>::from(Odd::new(modulus)) else {
            return Some(Self::SmallFactor);
        };
        if has_small_factor(&odd) {
            return Some(Self::SmallFactor);
        }
        is_prime_power(&odd).then_some(Self::Prime)
    }
}

/// The odd primes below [`SMALL_FACTORS_BELOW`], grouped so that each group's product fits into 64
/// bits.
// One division of the long modulus by a product serves all primes of the group.
static SMALL_PRIMES: LazyLock<Vec<(NonZeroU64, Vec<u32>)>> = LazyLock::new(|| {
    let mut products = Vec::new();
    let mut last = (NonZeroU64::MIN, Vec::new());
    for prime in odd_primes() {
        let factor = NonZeroU64::MIN.saturating_add(u64::from(prime) - 1);
        match last.0.checked_mul(factor) {
            Some(product) => last.0 = product,
            None => products.push(std::mem::replace(&mut last, (factor, Vec::new()))),
        }
        last.1.push(prime);
    }
    products.push(last);
    products
});

fn odd_primes() -> impl Iterator<Item = u32> {
    let mut primes: Vec<u32> = Vec::new();
    (3..SMALL_FACTORS_BELOW)
        .step_by(2)
        .filter(move |candidate| {
            let up_to_root = primes
                .iter()
                .take_while(|prime| *prime * *prime <= *candidate);
            let is_prime = up_to_root
                .copied()
                .all(|prime| !candidate.is_multiple_of(prime));
            // The root of the bound is below 2^9: larger primes divide no candidate first.
            if is_prime && *candidate < 1 << 9 {
                primes.push(*candidate);
            }
            is_prime
        })
}

fn has_small_factor(modulus: &Odd<BoxedUint>) -> bool {
    SMALL_PRIMES.iter().any(|(product, primes)| {
        let product = NonZero::<Limb>::from(*product);
        let Limb(rest) = modulus.rem_limb(product);
        primes
            .iter()
            .any(|prime| rest.is_multiple_of(u64::from(*prime)))
    })
}

/// Whether this is a power of a prime, or another number whose factor the same computation reveals.
///
/// By Fermat's little theorem 2^p ≡ 2 modulo a prime p, and likewise 2^n ≡ 2 modulo p for every
/// power n of p. So p divides both n and 2^n - 2. For the product of two random primes, the two
/// share a factor only with negligible probability.
fn is_prime_power(modulus: &Odd<BoxedUint>) -> bool {
    let params = BoxedMontyParams::new_vartime(modulus.clone());
    let two = BoxedMontyForm::one(&params).double();
    let difference = &two.pow(modulus.as_ref()) - &two;
    let common = modulus.as_ref().gcd_vartime(&difference.retrieve());
    common != BoxedUint::one()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^521 - 1, 2^607 - 1 and 2^1279 - 1 are Mersenne primes.
    fn mersenne(bits: u32) -> BoxedUint {
        let one = BoxedUint::one_with_precision(2048);
        one.overflowing_shl_vartime(bits).unwrap() - one
    }

    #[track_caller]
    fn check(modulus: &BoxedUint, exponent: u32, expected: Option<Weakness>) {
        assert_eq!(
            Weakness::of_rsa(&modulus.to_be_bytes_trimmed_vartime(), exponent),
            expected
        );
    }

    #[test]
    fn a_product_of_two_large_primes_is_no_weak_modulus() {
        check(&(mersenne(521) * mersenne(607)), 65_537, None);
        check(&(mersenne(521) * mersenne(607)), 3, None);
    }

    #[test]
    fn a_prime_a_power_of_one_and_what_has_a_small_factor_are_weak_moduli() {
        check(&mersenne(1279), 65_537, Some(Weakness::Prime));
        check(
            &(mersenne(521) * mersenne(521)),
            65_537,
            Some(Weakness::Prime),
        );
        let cube = mersenne(521) * mersenne(521) * mersenne(521);
        check(&cube, 65_537, Some(Weakness::Prime));
        for factor in [2_u32, 3, 5, 751, 757, 65_537, 131_071] {
            let modulus = mersenne(1279) * BoxedUint::from(factor);
            check(&modulus, 65_537, Some(Weakness::SmallFactor));
        }
        check(&BoxedUint::from(0_u32), 65_537, Some(Weakness::SmallFactor));
    }

    #[test]
    fn an_exponent_that_is_even_or_1_is_weak() {
        for exponent in [0, 1, 2, 65_536, u32::MAX - 1] {
            check(
                &(mersenne(521) * mersenne(607)),
                exponent,
                Some(Weakness::Exponent),
            );
        }
    }

    #[test]
    fn every_odd_prime_below_the_bound_is_tried_once() {
        let tried: Vec<_> = SMALL_PRIMES.iter().flat_map(|(_, primes)| primes).collect();
        // There are 12,251 primes below 2^17, the least of them 2 and the greatest 2^17 - 1.
        assert_eq!(
            (tried.len(), tried.first(), tried.last()),
            (12_250, Some(&&3), Some(&&131_071))
        );
        for (product, primes) in SMALL_PRIMES.iter() {
            assert_eq!(
                primes
                    .iter()
                    .map(|prime| u64::from(*prime))
                    .product::<u64>(),
                product.get()
            );
        }
    }
}
