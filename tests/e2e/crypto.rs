//! Cryptography: keys, captured messages, independent decoders, and attackers.

mod attacks;
mod keys;
mod oracles;
mod passwords;
pub(crate) mod second_opinion;
pub(crate) mod vectors;
pub(crate) mod weak_keys;
