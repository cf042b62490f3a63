//! What the server prints when it is ready.

use std::fmt;
use std::io::Write;

use sha2::{Digest, Sha256};

use crate::demo::Demo;

/// The demo, ready to be tried.
pub(crate) struct Welcome<'a> {
    scep_url: String,
    challenge: &'a str,
    fingerprint: String,
}

impl<'a> Welcome<'a> {
    pub(crate) fn new(base_url: &str, demo: &'a Demo) -> Self {
        let name = &demo.scep_profile.name;
        let digest = Sha256::digest(demo.authority.certificate.der());
        let octets: Vec<_> = digest.iter().map(|octet| format!("{octet:02X}")).collect();
        Self {
            scep_url: format!("{base_url}/api/v1/protocols/scep/{name}/pkiclient.exe"),
            challenge: demo.challenge.reveal(),
            fingerprint: octets.join(":"),
        }
    }
}

impl Welcome<'_> {
    /// Prints it. A closed standard output is no reason not to serve.
    pub(crate) fn print(&self) {
        if let Err(error) = write!(std::io::stdout().lock(), "{self}") {
            tracing::warn!(%error, "the welcome could not be printed");
        }
    }
}

impl fmt::Display for Welcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scep_url,
            challenge,
            fingerprint,
        } = self;
        let quoted = challenge.replace('\'', r"'\''");
        writeln!(f, "SCEP URL        {scep_url}")?;
        writeln!(f, "Challenge       {challenge}")?;
        writeln!(f, "CA fingerprint  SHA-256 {fingerprint}")?;
        writeln!(f)?;
        writeln!(
            f,
            "Enrol with strongSwan's client (Debian: strongswan-pki), in any folder:"
        )?;
        writeln!(
            f,
            "  pki --scepca --url '{scep_url}' --caout ca.pem --raout ra.pem --outform pem --force \
             && openssl genrsa -traditional -out device.key 2048 \
             && pki --scep --url '{scep_url}' --in device.key --dn 'O=Corp, CN=device-1' \
             --password '{quoted}' --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem \
             --cipher aes --digest sha256 --outform pem > device.crt \
             && openssl verify -CAfile ca.pem device.crt"
        )
    }
}
