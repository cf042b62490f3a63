//! Adapter: keys as files in a folder. They are CA keys, RA keys, and the symmetric key that seals
//! the secrets of profiles.
//!
//! Each private key is a separate file of mode 0600: PKCS #8, DER
//! (`openssl pkey -inform DER -in FILE`).

mod assertion_key;
mod ca_keys;
mod key_folder;
mod ra_keys;
mod secrets;

pub use assertion_key::FileAssertionKey;
pub use ca_keys::FileCaKeys;
pub use key_folder::KeyFolder;
pub use ra_keys::FileRaKeys;
pub use secrets::FileSecrets;
