//! Detection of RSA keys that anyone can break: their private key is easy to compute or not needed.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, Odd};
use sha2::{Digest, Sha256};

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
        VERDICTS.remember(&odd, || match has_small_factor(&odd) {
            true => Some(Self::SmallFactor),
            false => is_prime_power(&odd).then_some(Self::Prime),
        })
    }
}

/// The verdicts on the last moduli.
// A device that repeats a request, polls or renews its certificate brings the same key again, and
// the verdict costs more than all else that an enrolment does.
static VERDICTS: LazyLock<Verdicts> = LazyLock::new(Verdicts::default);

/// The maximum number of verdicts in memory, about 400 KB.
const MAX_VERDICTS: usize = 4096;

#[derive(Default)]
struct Verdicts(Mutex<HashMap<[u8; 32], Option<Weakness>>>);

impl Verdicts {
    /// Returns the verdict on a modulus, which is computed only if it is not known.
    fn remember(
        &self,
        modulus: &Odd<BoxedUint>,
        compute: impl FnOnce() -> Option<Weakness>,
    ) -> Option<Weakness> {
        let name: [u8; 32] = Sha256::digest(modulus.as_ref().to_be_bytes()).into();
        if let Some(known) = self.lock().get(&name) {
            return *known;
        }
        // Other threads look up their keys meanwhile.
        let verdict = compute();
        let mut known = self.lock();
        if known.len() >= MAX_VERDICTS {
            known.clear();
        }
        known.insert(name, verdict);
        verdict
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Option<Weakness>>> {
        // A panic cannot leave the map half changed, so a poisoned lock is safe to use.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The product of the odd primes below [`SMALL_FACTORS_BELOW`].
// One division of the product by the modulus takes a third of the time of many divisions of the
// modulus.
static SMALL_PRIMES: LazyLock<BoxedUint> = LazyLock::new(|| {
    let primes: Vec<_> = odd_primes().map(u64::from).collect();
    // Three of the primes fit into a limb.
    let mut factors: Vec<BoxedUint> = primes
        .chunks(3)
        .map(|primes| primes.iter().product::<u64>().into())
        .collect();
    // Factors of the same length are multiplied fastest.
    while factors.len() > 1 {
        factors = factors.chunks(2).map(multiply_all).collect();
    }
    let product = factors.pop().unwrap_or_else(BoxedUint::one);
    BoxedUint::from_be_slice_vartime(&product.to_be_bytes_trimmed_vartime())
});

fn multiply_all(factors: &[BoxedUint]) -> BoxedUint {
    factors
        .iter()
        .cloned()
        .reduce(|product, factor| product.concatenating_mul(factor))
        .unwrap_or_else(BoxedUint::one)
}

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
    let rest = SMALL_PRIMES.rem_vartime(modulus.as_nz_ref());
    modulus.as_ref().gcd_vartime(&rest) != BoxedUint::one()
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
    use crypto_bigint::{Limb, NonZero};

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
    fn every_odd_prime_below_the_bound_is_tried() {
        let primes: Vec<_> = odd_primes().collect();
        // There are 12,251 primes below 2^17, the least of them 2 and the greatest 2^17 - 1.
        assert_eq!(
            (primes.len(), primes.first(), primes.last()),
            (12_250, Some(&3), Some(&131_071))
        );
        for prime in primes {
            let divisor = NonZero::new(Limb::from(prime)).unwrap();
            assert_eq!(SMALL_PRIMES.rem_limb(divisor), Limb::ZERO, "{prime}");
        }
    }

    #[test]
    fn a_verdict_is_computed_once() {
        let verdicts = Verdicts::default();
        let [first, second] = [521, 607].map(|bits| Odd::new(mersenne(bits)).unwrap());
        let weak = Some(Weakness::Prime);
        assert_eq!(verdicts.remember(&first, || weak), weak);
        assert_eq!(verdicts.remember(&first, || unreachable!()), weak);
        assert_eq!(verdicts.remember(&second, || None), None);
        assert_eq!(verdicts.remember(&second, || unreachable!()), None);
    }
}
