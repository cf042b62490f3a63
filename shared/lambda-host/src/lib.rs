//! HOST: what the Lambda functions share, so that each main only says what it is made of.
//!
//! A function starts by [`main`], which reads its settings by [`Environment`], makes its AWS clients by [`sdk_config`], and then
//! answers by [`serve`] until Lambda ends it. It may be ended at any moment: nothing is kept that is not stored.

mod clients;
mod connector;
mod embedded_metrics;
mod environment;
mod event;
mod front_door;
mod logs;
mod serve;

pub use clients::sdk_config;
pub use embedded_metrics::EmbeddedMetrics;
pub use environment::{Environment, SettingError};
pub use event::JwtClaims;
pub use serve::{main, serve, serve_with_schedule};
