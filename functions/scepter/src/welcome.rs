//! What the server prints when it is ready.

use std::fmt;
use std::io::Write;

use scep_cms::DigestAlgorithm;

use crate::demo::Demo;

/// Where the server is, and how to try it.
pub(crate) struct Welcome<'a> {
    pub(crate) base_url: &'a str,
    pub(crate) token: ShownToken,
    pub(crate) demo: Option<Demo>,
}

/// What there is to say of the administrator's token.
pub(crate) enum ShownToken {
    /// It was made just now.
    New(String),
    /// It was shown when it was made.
    MadeBefore,
    /// Whoever set it knows it.
    FromEnvironment,
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
        let api_url = format!("{}{}", self.base_url, management_api::PREFIX);
        writeln!(f, "API URL         {api_url}")?;
        match &self.token {
            ShownToken::New(token) => writeln!(f, "API token       {token}   (not shown again)")?,
            ShownToken::MadeBefore => {
                writeln!(
                    f,
                    "API token       as before; `scepter token create` makes another"
                )?;
            }
            ShownToken::FromEnvironment => {
                writeln!(f, "API token       that of SCEPTER_ADMIN_TOKEN")?;
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
