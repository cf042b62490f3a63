//! Normalises BER to DER: indefinite and long-form lengths, and constructed strings.
//!
//! BouncyCastle (jscep) and Apple send BER in both the message and its content, and `der` decodes
//! only DER. Normalisation leaves DER unchanged, so that signatures over it still verify, and keeps
//! the order of a SET.

/// The maximum nesting depth.
// The deepest captured request has 14 levels.
pub const MAX_DEPTH: usize = 32;

/// The maximum number of elements in a message.
// The largest captured request has 220.
pub const MAX_ELEMENTS: usize = 10_000;

/// The maximum length of a message, in octets.
// Bounds the copies that each level of nesting costs.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Why the input is not BER within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// A constructed string contains an element that is not a segment of that string.
    #[error("a constructed string with a segment of another type")]
    ForeignSegment,
    /// A tag number is above 30, which no SCEP message uses.
    #[error("a tag in the high-tag-number form")]
    HighTag,
    /// A primitive element has an indefinite length, or end-of-contents octets are misplaced.
    #[error("an indefinite length out of place")]
    IndefiniteLength,
    /// The message is longer than [`MAX_MESSAGE_BYTES`].
    #[error("a message of more than {MAX_MESSAGE_BYTES} octets")]
    TooLong,
    /// The message is nested deeper than [`MAX_DEPTH`].
    #[error("a message nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The message has more elements than [`MAX_ELEMENTS`].
    #[error("a message of more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// Octets follow the element.
    #[error("octets after the message")]
    Trailing,
    /// A length reaches beyond the end of the input.
    #[error("a truncated message")]
    Truncated,
}

/// Converts one BER element that fills `ber` to DER.
///
/// The cost is linear in length times depth, both bounded. Allocations depend on the actual length
/// of the input, not on the lengths that it claims.
///
/// # Errors
/// When `ber` is not one whole element within the limits above.
pub fn to_der(ber: &[u8]) -> Result<Vec<u8>, BerError> {
    match first_to_der(ber)? {
        (der, []) => Ok(der),
        (_, [_, ..]) => Err(BerError::Trailing),
    }
}

/// Converts the BER element at the beginning of `ber` to DER, and returns the octets after it too.
/// The cost is that of [`to_der`].
///
/// # Errors
/// When `ber` does not begin with a whole element within the limits above.
pub fn first_to_der(ber: &[u8]) -> Result<(Vec<u8>, &[u8]), BerError> {
    if ber.len() > MAX_MESSAGE_BYTES {
        return Err(BerError::TooLong);
    }
    let mut walk = Walk {
        rest: ber,
        elements: 0,
    };
    let mut der = Vec::with_capacity(ber.len());
    walk.convert_element(0, &mut der)?;
    Ok((der, walk.rest))
}

/// The original encoding of the first element inside a constructed one. In a `SIGNED` structure
/// that is what the signature covers.
pub(crate) fn first_inside(ber: &[u8]) -> Result<&[u8], BerError> {
    let mut walk = Walk {
        rest: ber,
        elements: 0,
    };
    walk.read_header(0)?;
    let contents = walk.rest;
    walk.convert_element(1, &mut Vec::new())?;
    let length = contents.len() - walk.rest.len();
    contents.get(..length).ok_or(BerError::Truncated)
}

struct Walk<'a> {
    rest: &'a [u8],
    elements: usize,
}

enum Length {
    Definite(usize),
    Indefinite,
}

impl<'a> Walk<'a> {
    /// Appends the DER form of the next element to `der`.
    fn convert_element(&mut self, depth: usize, der: &mut Vec<u8>) -> Result<(), BerError> {
        let (tag, length) = self.read_header(depth)?;
        if tag & CONSTRUCTED == 0 {
            let Length::Definite(length) = length else {
                return Err(BerError::IndefiniteLength);
            };
            let contents = self.take(length)?;
            write_element(tag, contents, der);
            return Ok(());
        }
        // DER has only the primitive form of strings, X.690 §10.2.
        if is_constructed_string(tag) {
            let mut contents = Vec::new();
            self.append_segments(tag & !CONSTRUCTED, length, depth, &mut contents)?;
            write_element(tag & !CONSTRUCTED, &contents, der);
            return Ok(());
        }
        let mut contents = Vec::new();
        self.for_each_element(length, |walk| {
            walk.convert_element(depth + 1, &mut contents)
        })?;
        write_element(tag, &contents, der);
        Ok(())
    }

    /// Appends the contents of each segment of a constructed string with tag `string`.
    fn append_segments(
        &mut self,
        string: u8,
        length: Length,
        depth: usize,
        contents: &mut Vec<u8>,
    ) -> Result<(), BerError> {
        self.for_each_element(length, |walk| {
            let (tag, length) = walk.read_header(depth + 1)?;
            // A segment may be constructed itself, X.690 §8.7.3.
            if tag == string | CONSTRUCTED {
                return walk.append_segments(string, length, depth + 1, contents);
            }
            let (true, Length::Definite(length)) = (tag == string, length) else {
                return Err(BerError::ForeignSegment);
            };
            let segment = walk.take(length)?;
            append_segment(string, segment, contents)
        })
    }

    /// Calls `next` until it has consumed the contents of a constructed element.
    fn for_each_element(
        &mut self,
        length: Length,
        mut next: impl FnMut(&mut Walk<'a>) -> Result<(), BerError>,
    ) -> Result<(), BerError> {
        match length {
            Length::Definite(length) => {
                // A separate walk ends exactly with the element. The count of elements goes on, as
                // its limit is for the whole message.
                let mut inner = Walk {
                    rest: self.take(length)?,
                    elements: self.elements,
                };
                while !inner.rest.is_empty() {
                    next(&mut inner)?;
                }
                self.elements = inner.elements;
            }
            Length::Indefinite => {
                while !self.rest.starts_with(&END_OF_CONTENTS) {
                    next(self)?;
                }
                self.take(END_OF_CONTENTS.len())?;
            }
        }
        Ok(())
    }

    fn read_header(&mut self, depth: usize) -> Result<(u8, Length), BerError> {
        if depth >= MAX_DEPTH {
            return Err(BerError::TooDeep);
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(BerError::TooManyElements);
        }
        let tag = self.read_octet()?;
        match tag {
            0 => Err(BerError::IndefiniteLength),
            _ if tag & TAG_NUMBER == TAG_NUMBER => Err(BerError::HighTag),
            _ => Ok((tag, self.read_length()?)),
        }
    }

    fn read_length(&mut self) -> Result<Length, BerError> {
        let first = self.read_octet()?;
        if first < 0x80 {
            return Ok(Length::Definite(usize::from(first)));
        }
        if first == 0x80 {
            return Ok(Length::Indefinite);
        }
        // An overflow is an ordinary length beyond the end. X.690 §8.1.3.5 allows leading zeros, so
        // the count of octets alone proves nothing.
        let mut length = 0_usize;
        for _ in 0..first & 0x7f {
            length = length
                .checked_mul(256)
                .ok_or(BerError::Truncated)?
                .saturating_add(usize::from(self.read_octet()?));
        }
        Ok(Length::Definite(length))
    }

    fn read_octet(&mut self) -> Result<u8, BerError> {
        let (first, rest) = self.rest.split_first().ok_or(BerError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BerError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(BerError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Whether this is the tag of a constructed string of the universal class.
fn is_constructed_string(tag: u8) -> bool {
    // BIT STRING, OCTET STRING, UTF8String, and the strings from NumericString to BMPString.
    matches!(tag, 0x23 | 0x24 | 0x2c | 0x32..=0x36 | 0x39..=0x3c | 0x3e)
}

/// Appends the contents of one primitive segment. Each segment of a BIT STRING begins with its
/// count of unused bits.
fn append_segment(string: u8, segment: &[u8], contents: &mut Vec<u8>) -> Result<(), BerError> {
    if string != BIT_STRING {
        contents.extend_from_slice(segment);
        return Ok(());
    }
    let (unused_bits, bits) = segment.split_first().ok_or(BerError::ForeignSegment)?;
    match contents.first_mut() {
        None => contents.push(*unused_bits),
        // Only the last segment may end inside an octet, X.690 §8.6.4.
        Some(0) => contents.splice(..1, [*unused_bits]).for_each(drop),
        Some(_) => return Err(BerError::ForeignSegment),
    }
    contents.extend_from_slice(bits);
    Ok(())
}

fn write_element(tag: u8, contents: &[u8], der: &mut Vec<u8>) {
    der.push(tag);
    let octets = contents.len().to_be_bytes();
    match u8::try_from(contents.len()) {
        Ok(short) if short < 0x80 => der.push(short),
        Ok(_) | Err(_) => {
            let significant = octets.iter().skip_while(|octet| **octet == 0);
            // A usize has at most eight octets, so the count fits beside the form bit.
            der.push(significant.clone().fold(0x80, |count, _| count + 1));
            der.extend(significant);
        }
    }
    der.extend_from_slice(contents);
}

const BIT_STRING: u8 = 0x03;
const CONSTRUCTED: u8 = 0x20;
const END_OF_CONTENTS: [u8; 2] = [0, 0];
const TAG_NUMBER: u8 = 0x1f;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ber: &[u8], expected: Result<&[u8], BerError>) {
        assert_eq!(to_der(ber).as_deref().map_err(|e| *e), expected);
    }

    #[test]
    fn der_comes_through_byte_for_byte() {
        check(&[0x30, 3, 2, 1, 5], Ok(&[0x30, 3, 2, 1, 5]));
        let mut long = vec![0x04, 0x82, 0x01, 0x00];
        long.extend([7; 256]);
        check(&long, Ok(&long));
    }

    #[test]
    fn indefinite_and_padded_lengths_become_definite_and_shortest() {
        check(&[0x30, 0x80, 2, 1, 5, 0, 0], Ok(&[0x30, 3, 2, 1, 5]));
        check(&[0x30, 0x83, 0, 0, 3, 2, 1, 5], Ok(&[0x30, 3, 2, 1, 5]));
    }

    #[test]
    fn constructed_strings_are_joined() {
        check(&[0x24, 6, 4, 1, 1, 4, 1, 2], Ok(&[4, 2, 1, 2]));
        check(
            &[0x24, 0x80, 0x24, 3, 4, 1, 1, 4, 1, 2, 0, 0],
            Ok(&[4, 2, 1, 2]),
        );
        check(
            &[0x23, 8, 3, 2, 0, 1, 3, 2, 4, 0x20],
            Ok(&[3, 3, 4, 1, 0x20]),
        );
        check(
            &[0x23, 8, 3, 2, 4, 1, 3, 2, 0, 0x20],
            Err(BerError::ForeignSegment),
        );
        check(&[0x24, 3, 2, 1, 1], Err(BerError::ForeignSegment));
    }

    #[test]
    fn what_follows_the_first_element_is_told_apart() {
        for rest in [[].as_slice(), &[0, 0, 0], b"\r\n", &[0x30, 0x80]] {
            let ber = [&[0x30, 0x80, 2, 1, 5, 0, 0], rest].concat();
            assert_eq!(first_to_der(&ber), Ok((vec![0x30, 3, 2, 1, 5], rest)));
        }
        assert_eq!(first_to_der(&[0x30, 1]), Err(BerError::Truncated));
    }

    #[test]
    fn order_of_a_set_is_kept() {
        check(
            &[0x31, 6, 2, 1, 9, 2, 1, 1],
            Ok(&[0x31, 6, 2, 1, 9, 2, 1, 1]),
        );
    }

    #[test]
    fn the_first_element_inside_is_as_it_came() {
        let inside = |ber: &[u8]| first_inside(ber).map(<[u8]>::to_vec);
        let padded = [0x30, 0x84, 0, 0, 0, 7, 0x30, 0x81, 2, 5, 0, 2, 0];
        assert_eq!(inside(&padded), Ok(vec![0x30, 0x81, 2, 5, 0]));
        let indefinite = [0x30, 0x80, 0x30, 0x80, 5, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(inside(&indefinite), Ok(vec![0x30, 0x80, 5, 0, 0, 0]));
        assert_eq!(inside(&[0x30, 0]), Err(BerError::Truncated));
        let behind = first_to_der(&[0x30, 0x80, 5, 0, 0, 0, 13, 10]);
        assert_eq!(behind, Ok((vec![0x30, 2, 5, 0], &[13, 10][..])));
    }

    #[test]
    fn hostile_input_is_refused() {
        check(&[], Err(BerError::Truncated));
        check(&[0x30], Err(BerError::Truncated));
        check(&[0x30, 0x80, 2, 1, 5], Err(BerError::Truncated));
        check(&[0x04, 0x80, 0, 0], Err(BerError::IndefiniteLength));
        check(
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            Err(BerError::Truncated),
        );
        check(
            &[[0x04, 0xff].as_slice(), &[0xff; 0x7f]].concat(),
            Err(BerError::Truncated),
        );
        check(&[0x3f, 0x81, 0x01, 0], Err(BerError::HighTag));
        check(&[0x02, 1, 5, 0], Err(BerError::Trailing));
        check(&[0x30, 0x80].repeat(100_000), Err(BerError::TooDeep));
        check(&vec![0; MAX_MESSAGE_BYTES + 1], Err(BerError::TooLong));
        let mut wide = vec![0x30, 0x80];
        wide.extend([5, 0].repeat(MAX_ELEMENTS));
        check(&wide, Err(BerError::TooManyElements));
    }
}
