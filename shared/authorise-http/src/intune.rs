//! Microsoft Intune as a challenge source, spoken to as Microsoft's library
//! `Intune-Resource-Access` (`src/CsrValidation`) does.

mod application;
mod assertion;
mod client;
mod entra;
mod error;
mod notifier;
mod probe;
mod revocations;
mod scep_actions;
mod service;
mod source;

pub use assertion::{AssertionIssuer, DISCOVERY_PATH, KEY_SET_PATH};
pub use client::{IntuneClient, IntuneUrls};
pub use error::IntuneError;
pub use notifier::IntuneNotifier;
pub use source::IntuneSource;
