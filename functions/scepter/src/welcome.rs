//! The text that the server prints when it is ready.

use std::fmt;
use std::io::Write;

use scep_cms::algorithm::DigestAlgorithm;

use crate::demo::Demo;
use crate::tokens::ShownToken;

/// The server's URLs and token, and how to try the demo.
pub(crate) struct Welcome<'a> {
    pub(crate) base_url: &'a str,
    pub(crate) token: ShownToken,
    pub(crate) demo: Option<Demo>,
}

impl Welcome<'_> {
    /// Prints the text. The server runs even if standard output is closed.
    pub(crate) fn print(&self) {
        if let Err(error) = write!(std::io::stdout().lock(), "{self}") {
            tracing::warn!(%error, "could not print the welcome text");
        }
    }
}

impl fmt::Display for Welcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let api_url = format!("{}{}", self.base_url, management_api::PREFIX);
        let console_url = format!("{}{}", self.base_url, console_http::PREFIX);
        writeln!(f, "Console         {console_url}")?;
        writeln!(f, "API URL         {api_url}")?;
        match &self.token {
            ShownToken::New(token) => writeln!(f, "API token       {token}   (not shown again)")?,
            ShownToken::MadeBefore => {
                writeln!(
                    f,
                    "API token       unchanged; `scepter token create` creates another"
                )?;
            }
            ShownToken::FromEnvironment => {
                writeln!(f, "API token       the value of SCEPTER_ADMIN_TOKEN")?;
            }
        }
        match &self.demo {
            Some(demo) => demo.fmt(self.base_url, f),
            None => Ok(()),
        }
    }
}

impl Demo {
    fn fmt(&self, base_url: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = &self.profile;
        let scep_url = format!("{base_url}/api/v1/protocols/scep/{profile}/pkiclient.exe");
        let challenge = self.challenge.reveal();
        // The administrator may choose any characters, and the command is meant to be pasted.
        let quoted = challenge.replace('\'', r"'\''");
        writeln!(f, "SCEP URL        {scep_url}")?;
        writeln!(f, "Challenge       {challenge}")?;
        writeln!(
            f,
            "CA fingerprint  SHA-256 {}",
            self.certificate.fingerprint_sha256()
        )?;
        writeln!(
            f,
            "CA thumbprint   SHA-1 {}   (as Windows asks for it)",
            DigestAlgorithm::Sha1.fingerprint(self.certificate.der())
        )?;
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
