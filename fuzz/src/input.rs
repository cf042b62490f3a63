//! How an input is cut into parts, and put together from them.

/// What is left of an input. Whatever it is too short for is empty or zero, so that every input has
/// a meaning.
#[derive(Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of it.
    pub fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.octet()) % from.len()]
    }

    /// As many octets as the next two say, or as there are.
    pub fn chunk(&mut self) -> &'a [u8] {
        let length = usize::from(self.octet()) << 8 | usize::from(self.octet());
        let (chunk, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        chunk
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Octets as [`Input::chunk`] reads them.
pub fn chunk(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap();
    [&length.to_be_bytes(), octets].concat()
}
