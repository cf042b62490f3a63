//! BER to DER: what comes out is DER by another reader's judgement, comes through a second time as
//! it is, and is no longer than it may be; what is DER already comes through octet for octet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scep_cms::{BerError, MAX_DEPTH, MAX_ELEMENTS, MAX_MESSAGE_BYTES, to_der};
use scepter_fuzz::asn1::outline;
use scepter_fuzz::bounded;

fuzz_target!(|ber: &[u8]| {
    let before = outline(ber);
    // One copy a level, of a vector that doubles as it grows.
    let Ok(der) = bounded(ber, 3 * MAX_DEPTH, to_der) else {
        let within = |found: &scepter_fuzz::asn1::Outline| {
            found.depth <= MAX_DEPTH && found.elements <= MAX_ELEMENTS
        };
        let one = scepter_fuzz::asn1::split(ber).is_some_and(|(_, _, rest)| rest.is_empty());
        let taken = before.as_ref().is_some_and(within) && one;
        assert!(!taken || ber.len() > MAX_MESSAGE_BYTES, "DER is refused");
        return;
    };
    if before.is_some() {
        assert_eq!(der, ber, "DER is changed");
    }
    // A length of three octets is one longer than an indefinite length with its end, at each level.
    assert!(der.len() <= ber.len() + MAX_DEPTH);
    let after = outline(&der).expect("what is not DER comes out");
    assert!(after.depth <= MAX_DEPTH && after.elements <= MAX_ELEMENTS);
    match to_der(&der) {
        Ok(again) => assert_eq!(again, der, "it changes a second time"),
        Err(error) => assert!(error == BerError::TooLong && der.len() > MAX_MESSAGE_BYTES),
    }
});
