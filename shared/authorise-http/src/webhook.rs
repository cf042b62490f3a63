//! The administrator's webhook: asked about enrolments, and told what became of them. Requests are
//! signed by the Standard Webhooks specification.

mod answer;
mod client;
mod error;
mod notification;
mod notifier;
mod probe;
mod question;
mod source;

pub use client::WebhookClient;
pub use error::WebhookError;
pub use notifier::WebhookNotifier;
pub use source::WebhookSource;
