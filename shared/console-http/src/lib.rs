//! The web console over HTTP: the files that Vite built, embedded and compressed, and how people
//! sign in.
//!
//! A build without Node.js, npm or a network embeds a page that says what is missing.

mod console;
mod encoding;
mod files;
mod headers;
mod media_type;
mod sign_in;

pub use console::{Console, PREFIX};
pub use sign_in::{OpenIdProvider, ProviderUrl, SignIn, UnfitSignIn};
