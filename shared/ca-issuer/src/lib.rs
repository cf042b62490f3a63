//! What a certificate contains. The rules of a profile and a request become a TBSCertificate; the
//! caller has it signed, and it becomes a certificate around that signature. The same two steps
//! make CRLs and PKCS #10 requests. Pure: serial numbers and times are arguments.

mod authority;
mod certificate;
mod crl;
mod dns_name;
mod error;
mod general_name;
mod held;
mod leaf;
mod name_form;
mod name_part;
mod other_name;
mod renewal;
mod requested_names;
mod security_identifier;
mod subject;
mod subject_alt_name;
mod subordinate;

pub use authority::{
    CaSubject, RaContents, SubjectKey, crl_url_of, extended_key_usage_of, ra_certificate,
    root_authority,
};
pub use certificate::{
    IssuedCertificate, SerialNumber, ToBeSignedNames, assemble_certificate, signature_algorithm,
    to_be_signed_names,
};
pub use crl::{CrlContents, assemble_crl, certificate_list, entries_of};
pub use error::{BuildError, IssueError, SubjectError};
pub use held::{RequestSummary, reissue_tbs};
pub use leaf::{IssuanceRequest, TbsLeaf};
pub use name_part::name_text;
pub use subordinate::{
    ExpectedAuthority, UnfitCertificate, assemble_request, certification_request, check_path,
};
