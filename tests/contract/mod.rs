//! The contracts of the ports, run over every adapter that `crate::adapters` provides.

use std::sync::Arc;

use scep_service::ports::{CaKeys, RaKeys, Secrets};

mod decisions;
mod inventory;
mod keys;
mod objects;
mod store;

/// The ports of keys over one set of adapters.
pub(crate) struct KeyPorts {
    pub(crate) ca_keys: Arc<dyn CaKeys>,
    pub(crate) ra_keys: Arc<dyn RaKeys>,
    pub(crate) secrets: Arc<dyn Secrets>,
}
