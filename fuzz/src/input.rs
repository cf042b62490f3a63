//! Splitting an input into parts, and composing one from parts.

/// The rest of an input. Parts beyond its end are empty or zero, so that every input is valid.
#[derive(Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// An input of these octets.
    pub fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Reads one octet.
    pub fn octet(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// Reads one octet and selects an element by it.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.octet()) % from.len()]
    }

    /// Reads a length of two octets and as many octets, or as many as there are.
    pub fn chunk(&mut self) -> &'a [u8] {
        let length = usize::from(self.octet()) << 8 | usize::from(self.octet());
        let (chunk, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        chunk
    }

    /// Everything not read yet.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Prefixes octets with their length, as [`Input::chunk`] reads them.
pub fn encode_chunk(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap();
    [&length.to_be_bytes(), octets].concat()
}
