//! DER elements by their tag octet, for input that `der`'s types are too strict for and for errors
//! that name the place of a fault.

/// One DER element with a tag of one octet, the only kind that [`crate::ber::to_der`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    /// Tag, length and contents.
    pub(crate) whole: &'a [u8],
}

pub(crate) const ATTRIBUTES: u8 = 0xa0;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

impl<'a> Element<'a> {
    /// Splits off the first element of `der`; `None` if it is truncated.
    pub(crate) fn first(der: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, rest) = der.split_first()?;
        let (length, rest) = split_length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        let element = Self {
            tag: *tag,
            contents,
            whole: der.get(..der.len() - rest.len())?,
        };
        Some((element, rest))
    }

    /// The element that fills `der`; `None` if octets follow it.
    pub(crate) fn only(der: &'a [u8]) -> Option<Self> {
        let (element, rest) = Self::first(der)?;
        rest.is_empty().then_some(element)
    }

    /// Iterates over the elements of the contents. Ends with a `None` item where the contents are
    /// malformed.
    pub(crate) fn elements(self) -> impl Iterator<Item = Option<Self>> {
        let mut rest = self.contents;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let split = Self::first(rest);
            // Where one element is malformed, the next one has no known beginning: stop there.
            rest = split.map_or(&[], |(_, behind)| behind);
            Some(split.map(|(element, _)| element))
        })
    }

    /// All elements of the contents; `None` if these are malformed.
    pub(crate) fn children(self) -> Option<Vec<Self>> {
        self.elements().collect()
    }

    /// At most four elements of the contents; `None` if there are more, or if they are malformed.
    pub(crate) fn parts(self) -> Option<Vec<Self>> {
        // No structure in a PKCS #10 request has more parts, so read no more of a hostile one.
        let parts: Vec<_> = self.elements().take(5).collect::<Option<_>>()?;
        (parts.len() < 5).then_some(parts)
    }

    /// This element if it has this tag.
    pub(crate) fn tagged(self, tag: u8) -> Option<Self> {
        (self.tag == tag).then_some(self)
    }
}

/// Splits off a definite length.
fn split_length(der: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = der.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (octets, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
    let length = octets.iter().try_fold(0_usize, |length, octet| {
        length.checked_mul(256)?.checked_add(usize::from(*octet))
    });
    // 0x80 alone is BER's indefinite length, which does not occur in DER.
    length
        .filter(|_| !octets.is_empty())
        .map(|length| (length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(der: &[u8], expected: Option<(u8, &[u8], &[u8])>) {
        let read = Element::first(der);
        let read = read.map(|(element, rest)| (element.tag, element.contents, rest));
        assert_eq!(read, expected);
    }

    #[test]
    fn an_element_has_the_length_that_it_says() {
        check(&[0x1c, 1, 7, 9], Some((0x1c, &[7], &[9])));
        check(&[0x30, 0x81, 2, 5, 0], Some((0x30, &[5, 0], &[])));
        for truncated in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x82, 1],
            &[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            check(truncated, None);
        }
    }

    #[test]
    fn children_fill_their_parent() {
        let children = |der: &[u8]| Some(Element::only(der)?.children()?.len());
        assert_eq!(children(&[0x30, 4, 5, 0, 5, 0]), Some(2));
        assert_eq!(children(&[0x30, 0]), Some(0));
        assert_eq!(children(&[0x30, 3, 5, 0, 5]), None);
        assert_eq!(children(&[0x30, 0, 0]), None);
        let parts = |der: &[u8]| Some(Element::only(der)?.parts()?.len());
        assert_eq!(parts(&[0x30, 8, 5, 0, 5, 0, 5, 0, 5, 0]), Some(4));
        assert_eq!(parts(&[0x30, 10, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0]), None);
        assert_eq!(parts(&[0x30, 3, 5, 0, 5]), None);
    }
}
