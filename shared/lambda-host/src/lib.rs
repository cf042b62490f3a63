//! Host: what the Lambda functions share, so that each `main.rs` only composes its own parts.
//!
//! A function starts with [`main()`], builds its use cases with [`Adapters`] from the settings in
//! its [`Environment`], and then answers requests with [`serve()`], or runs a task with
//! [`serve_schedule`], until Lambda stops it. Lambda may stop it at any moment, so it keeps no
//! state that is not stored.

mod adapters;
mod client_address;
mod clients;
mod connector;
mod embedded_metrics;
mod environment;
mod event;
mod front_door;
mod logs;
mod scheduled_task;
mod serve;

#[cfg(feature = "keys")]
mod intune;
#[cfg(feature = "keys")]
mod keys;

pub use adapters::Adapters;
pub use client_address::FrontDoors;
pub use clients::sdk_config;
pub use environment::{Environment, SettingError};
pub use event::MAX_EVENT_BODY_BYTES;
pub use front_door::public_url;
#[cfg(feature = "keys")]
pub use intune::respond_well_known;
pub use scheduled_task::{ScheduledTask, UnknownTask};
pub use serve::{answer_in_time, main, serve, serve_schedule, serve_then};
