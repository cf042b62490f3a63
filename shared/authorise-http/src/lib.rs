//! Challenge sources that are HTTP services: Microsoft Intune and an administrator's webhook.

mod http_client;

pub use http_client::{HttpClient, HttpError, HttpResponse, ServiceUrl, UnfitUrl};
