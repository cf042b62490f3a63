//! BER to DER. An independent decoder accepts the output as DER, a second conversion does not
//! change it, and its length is bounded. Input that is DER is not changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scep_cms::ber::{BerError, MAX_DEPTH, MAX_ELEMENTS, MAX_MESSAGE_BYTES, to_der};
use scepter_fuzz::asn1::measure_elements;
use scepter_fuzz::check_allocations;

fuzz_target!(|ber: &[u8]| {
    let before = measure_elements(ber);
    // One copy per level, into a vector that doubles as it grows.
    let Ok(der) = check_allocations(ber, 3 * MAX_DEPTH, to_der) else {
        let within = |found: &scepter_fuzz::asn1::Outline| {
            found.depth <= MAX_DEPTH && found.elements <= MAX_ELEMENTS
        };
        let one =
            scepter_fuzz::asn1::split_element(ber).is_some_and(|(_, _, rest)| rest.is_empty());
        let taken = before.as_ref().is_some_and(within) && one;
        assert!(!taken || ber.len() > MAX_MESSAGE_BYTES, "DER is rejected");
        return;
    };
    if before.is_some() {
        assert_eq!(der, ber, "DER is changed");
    }
    // At each level, a length of four octets is one longer than an indefinite length and its end.
    assert!(der.len() <= ber.len() + MAX_DEPTH);
    let after = measure_elements(&der).expect("the output is not DER");
    assert!(after.depth <= MAX_DEPTH && after.elements <= MAX_ELEMENTS);
    match to_der(&der) {
        Ok(again) => assert_eq!(again, der, "a second conversion changes it"),
        Err(error) => assert!(error == BerError::TooLong && der.len() > MAX_MESSAGE_BYTES),
    }
});
