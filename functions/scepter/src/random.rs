//! Random octets from the operating system, for secrets that the local server makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::{SysError, SysRng};

/// Fresh random octets.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SysError> {
    let mut octets = [0; N];
    SysRng.try_fill_bytes(&mut octets)?;
    Ok(octets)
}

/// So many fresh random octets in characters that need no quoting anywhere: base64url, not padded.
pub(crate) fn random_text<const N: usize>() -> Result<String, SysError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<N>()?))
}
