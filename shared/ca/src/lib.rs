//! What a certificate contains. The rules of a profile and a request become a TBSCertificate; the
//! caller has it signed, and it becomes a certificate around that signature. The same two steps
//! make CRLs and PKCS #10 requests. The crate is pure: serial numbers and times are arguments.

mod alt_names;
pub mod authority;
pub mod bounded_text;
pub mod certificate_contents;
pub mod certified_name;
pub mod crl;
pub mod error;
pub mod generation;
pub mod id;
pub mod key_algorithm;
pub mod key_location;
pub mod key_order;
pub mod leaf;
pub mod pending;
pub mod profile_name;
pub mod requested_contents;
pub mod revocation;
pub mod serial_number;
pub mod server_certificate;
pub mod stored_octets;
pub mod subject;
pub mod subordinate;
pub mod tbs_certificate;
pub mod template;
pub mod unique_map;
pub mod vouched_names;
