//! THE CERTIFICATE: what stands in it. Rules and a request become a to-be-signed certificate, and that becomes a
//! certificate around a signature from elsewhere. Pure: serial numbers and times come in as values.

mod authority;
mod certificate;
mod leaf;
mod subject_alt_name;

pub use authority::{CaSubject, Keypair, ra_certificate, root_authority};
pub use certificate::{
    EncodeError, IssuedCertificate, SerialNumber, assemble, signature_algorithm,
};
pub use leaf::{IssueError, leaf};
