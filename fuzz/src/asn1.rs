//! A DER encoder that can write malformed structures, and a decoder independent of the project's.

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `SET`.
pub const SET: u8 = 0x31;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xa0;

/// OBJECT IDENTIFIERs, encoded with tag and length.
pub mod oid {
    /// id-data, RFC 5652 §4.
    pub const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    /// id-signedData, RFC 5652 §5.1.
    pub const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    /// id-envelopedData, RFC 5652 §6.1.
    pub const ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
    /// id-contentType, RFC 5652 §11.1.
    pub const CONTENT_TYPE: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
    /// id-messageDigest, RFC 5652 §11.2.
    pub const MESSAGE_DIGEST: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
    /// rsaEncryption, RFC 8017.
    pub const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    /// sha256WithRSAEncryption, RFC 8017.
    pub const SHA256_WITH_RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    /// ecdsa-with-SHA256, RFC 5758 §3.2.
    pub const ECDSA_WITH_SHA256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    /// id-sha256.
    pub const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    /// aes128-CBC, RFC 3565.
    pub const AES128_CBC: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02";
}

/// `NULL`.
pub const NULL: &[u8] = &[5, 0];

/// Encodes an element with this tag and these contents.
pub fn encode_element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(length as u8);
    } else {
        let octets: Vec<_> = length
            .to_be_bytes()
            .into_iter()
            .skip_while(|octet| *octet == 0)
            .collect();
        der.push(0x80 | octets.len() as u8);
        der.extend(octets);
    }
    contents.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// Splits off the first element: its tag, its contents, and the octets after it. `None` unless its
/// length is definite and has the shortest form.
pub fn split_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        0x80 | 0x89.. => return None,
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets
                .iter()
                .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
            let shortest = octets[0] != 0 && length >= 0x80;
            (shortest.then_some(length)?, rest)
        }
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// The size of a structure that [`measure_elements`] has read.
#[derive(Default)]
pub struct Outline {
    /// The number of elements.
    pub elements: usize,
    /// The depth of the deepest element.
    pub depth: usize,
}

/// Measures one or more elements. `None` if their tags and lengths are not DER.
pub fn measure_elements(der: &[u8]) -> Option<Outline> {
    let mut found = Outline::default();
    // An explicit stack: with recursion, deep nesting would crash the fuzzer instead of the parser.
    let mut open = vec![(der, 1)];
    while let Some((rest, depth)) = open.pop() {
        if rest.is_empty() {
            continue;
        }
        let (tag, contents, rest) = split_element(rest)?;
        let constructed = tag & 0x20 != 0;
        let number = tag & 0x1f;
        let is_string = matches!(number, 3 | 4 | 12 | 18..=22 | 25..=28 | 30);
        if tag == 0 || number == 0x1f || constructed && tag < 0x40 && is_string {
            return None;
        }
        found.elements += 1;
        found.depth = found.depth.max(depth);
        open.push((rest, depth));
        if constructed {
            open.push((contents, depth + 1));
        }
    }
    Some(found)
}

/// Finds the element at this path of positions in an element's contents: its tag, its contents, and
/// its whole encoding.
pub fn find_element<'a>(contents: &'a [u8], path: &[usize]) -> (u8, &'a [u8], &'a [u8]) {
    let mut rest = contents;
    let mut found = (0, contents, contents);
    for place in path {
        for _ in 0..=*place {
            let (tag, inner, behind) = split_element(rest).expect("a seed is DER");
            found = (tag, inner, &rest[..rest.len() - behind.len()]);
            rest = behind;
        }
        rest = found.1;
    }
    found
}
