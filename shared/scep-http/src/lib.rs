//! The wire of SCEP, RFC 8894 §4.1: reads an `http::Request<Bytes>`, runs the use case, and writes
//! an `http::Response<Bytes>`. [`BodyError`] serves administration as well.

mod body;
mod client_address;
mod crl;
mod endpoint;
mod fixed_path;
mod message;
mod operation;
mod operations;
mod request_origin;
mod respond;
mod response;

pub use body::BodyError;
pub use client_address::{ClientAddress, forwarded_addresses, parse_address};
pub use crl::{CRL_PREFIX, CrlService, respond_crl};
pub use endpoint::PREFIX;
pub use fixed_path::at_fixed_path;
pub use operation::names_operation;
pub use operations::{Answer, EveryOperation, Operations, ProfileOperations, ScepRequest};
pub use request_origin::{GatewayRequestId, user_agent};
pub use respond::{MAX_BODY_BYTES, respond_scep};
pub use response::{confine_response, read_options, rejection_response};
