//! Random octets from the operating system.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::Failure;

/// Returns fresh random octets.
///
/// # Errors
/// Fails when the operating system's generator fails.
pub(crate) fn random_octets<const N: usize>() -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    SysRng
        .try_fill_bytes(&mut octets)
        .map_err(Failure::encode)?;
    Ok(octets)
}
