//! Bearer tokens of the local server: a file of hashes in the data folder. It is read for every
//! management request, so that creating or revoking a token takes effect immediately.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca::bounded_text::bound_text;
use http::request::Parts;
use management_api::{Authenticate, Caller, CallersUnknown, Credentials, Scope, bearer_token};
use rand::rngs::SysError;
use scep_service::error_chain::ErrorChain;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::VariantArray;
use subtle::ConstantTimeEq;
use tempfile::Builder;
use time::OffsetDateTime;
use tokio::task::JoinError;

use crate::private_folder;
use crate::private_folder::{PrivateFolderError, TEMPORARY_PREFIX};
use crate::random::{random_octets, random_text};

/// The prefix of every token, which lets secret scanners recognise leaked ones.
const PREFIX: &str = "scepter_";

/// The name of the token that is created at the first start.
const ADMIN: &str = "admin";

/// Tokens could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("reading or writing {path}")]
    Io { path: PathBuf, source: Error },
    #[error("reading {path}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(transparent)]
    Private(#[from] PrivateFolderError),
    #[error("generating a token")]
    Random(#[from] SysError),
    #[error("running an operation on the tokens")]
    Task(#[from] JoinError),
    #[error("no token has the id {0}")]
    Unknown(String),
}

/// A token as stored, with the hash of its value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// Eight hexadecimal digits.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The names of its scopes, kept as text so that an older version can read a file with scopes
    /// it does not know.
    pub(crate) scopes: Vec<String>,
    /// SHA-256 of the token, base64. A token has 260 random bits, so neither a salt nor a slow hash
    /// is needed.
    sha256: String,
    /// Seconds since 1970.
    pub(crate) created_at: i64,
    /// Seconds since 1970. A revoked token stays in the file as a record.
    pub(crate) revoked_at: Option<i64>,
}

impl Token {
    /// Whether the token may do everything, or might before it was revoked.
    // The scope `challenge` is not needed for that: `write` admits to what it does. Tokens of
    // earlier versions do not have it.
    fn may_do_everything(&self) -> bool {
        let has = |scope: Scope| self.scopes.iter().any(|name| name == scope.name());
        [Scope::Read, Scope::Write, Scope::Approve].map(has) == [true; 3]
    }
}

/// The file of tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    path: PathBuf,
}

impl Tokens {
    /// The token file of a data folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            path: data.join("tokens.json"),
        }
    }

    /// Runs an operation on the file, which may wait for another process and for the disk, without
    /// stalling the connections of this thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Self) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let tokens = self.clone();
        tokio::task::spawn_blocking(move || operation(&tokens)).await?
    }

    /// Every token, including revoked ones, oldest first.
    pub(crate) fn list(&self) -> Result<Vec<Token>, TokenError> {
        let json = match std::fs::read(&self.path) {
            // No token has been created yet.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(self.io())?,
        };
        serde_json::from_slice(&json).map_err(|source| TokenError::Json {
            path: self.path.clone(),
            source,
        })
    }

    /// Creates a token. Its value is returned once and cannot be recovered.
    pub(crate) fn create(
        &self,
        name: &str,
        scopes: &[Scope],
        now: OffsetDateTime,
    ) -> Result<(Token, String), TokenError> {
        // `scepter token` may run before the server has ever created the folder.
        if let Some(data) = self.path.parent() {
            private_folder::open_private(data)?;
        }
        let _lock = self.lock()?;
        let mut tokens = self.list()?;
        // Ids are short so that they can be typed, which makes collisions possible.
        let mut id = random_id()?;
        while tokens.iter().any(|token| token.id == id) {
            id = random_id()?;
        }
        let secret = format!("{PREFIX}{}", random_text::<52>()?);
        let token = Token {
            id,
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            sha256: STANDARD.encode(Sha256::digest(&secret)),
            created_at: now.unix_timestamp(),
            revoked_at: None,
        };
        tokens.push(token.clone());
        self.write(&tokens)?;
        Ok((token, secret))
    }

    /// Revokes a token. Revoking it again keeps the time of the first revocation.
    pub(crate) fn revoke(&self, id: &str, now: OffsetDateTime) -> Result<(), TokenError> {
        let _lock = self.lock()?;
        let mut tokens = self.list()?;
        let token = tokens
            .iter_mut()
            .find(|token| token.id == id)
            .ok_or_else(|| TokenError::Unknown(id.to_owned()))?;
        token.revoked_at.get_or_insert(now.unix_timestamp());
        self.write(&tokens)
    }

    /// Locks the token file against other writers, for as long as the returned file is open. The
    /// lock is a file of its own, because [`Self::write`] replaces the token file.
    fn lock(&self) -> Result<File, TokenError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.with_extension("lock"))
            .map_err(self.io())?;
        file.lock().map_err(self.io())?;
        Ok(file)
    }

    /// Replaces the token file atomically, so that a reader never sees a partial one.
    fn write(&self, tokens: &[Token]) -> Result<(), TokenError> {
        let json = serde_json::to_vec_pretty(tokens).map_err(|source| TokenError::Json {
            path: self.path.clone(),
            source,
        })?;
        let replace = || {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            remove_leftovers(folder)?;
            // The file is created with mode 0600, and removed if it does not become the token file.
            let mut file = Builder::new()
                .prefix(TEMPORARY_PREFIX)
                .tempfile_in(folder)?;
            file.write_all(&json)?;
            // The file is synced before the rename, or a power failure could leave an empty one in
            // its place.
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            File::open(folder)?.sync_all()
        };
        replace().map_err(self.io())
    }

    fn io(&self) -> impl Fn(Error) -> TokenError {
        let path = self.path.clone();
        move |source| TokenError::Io {
            path: path.clone(),
            source,
        }
    }
}

fn random_id() -> Result<String, SysError> {
    Ok(format!("{:08x}", u32::from_be_bytes(random_octets()?)))
}

/// The hash of the administrator's token from the environment.
#[derive(Clone)]
pub(crate) struct AdminToken {
    sha256: [u8; 32],
    strength: Strength,
}

/// Whether a token is too short to resist guessing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Long,
    Short,
}

impl AdminToken {
    /// Tokens with fewer characters are reported as short.
    const MIN_STRONG_CHARACTERS: usize = 16;

    pub(crate) fn new(token: &str) -> Self {
        let short = token.chars().count() < Self::MIN_STRONG_CHARACTERS;
        Self {
            sha256: Sha256::digest(token).into(),
            strength: if short {
                Strength::Short
            } else {
                Strength::Long
            },
        }
    }
}

/// How the administrator's token is presented.
pub(crate) enum ShownToken {
    /// The token was just created, and is printed once.
    New(String),
    /// The token was printed when it was created.
    MadeBefore,
    /// The token was set in the environment.
    FromEnvironment,
}

/// Identifies callers by their bearer token.
pub(crate) struct TokenHolders {
    tokens: Tokens,
    admin: Option<AdminToken>,
}

impl TokenHolders {
    /// Opens the tokens of a data folder. Creates the administrator's token if there has never been
    /// one that may do everything and none is set in the environment.
    pub(crate) fn open(
        data: &Path,
        admin: Option<AdminToken>,
    ) -> Result<(Self, ShownToken), TokenError> {
        let tokens = Tokens::of(data);
        let shown = if let Some(admin) = &admin {
            if admin.strength == Strength::Short {
                tracing::warn!(
                    "SCEPTER_ADMIN_TOKEN is short enough to be guessed; use a longer one"
                );
            }
            ShownToken::FromEnvironment
        } else if tokens.list()?.iter().any(Token::may_do_everything) {
            ShownToken::MadeBefore
        } else {
            let now = OffsetDateTime::now_utc();
            let (_, secret) = tokens.create(ADMIN, Scope::VARIANTS, now)?;
            ShownToken::New(secret)
        };
        Ok((Self { tokens, admin }, shown))
    }
}

#[async_trait]
impl Authenticate for TokenHolders {
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown> {
        match bearer_token(&head.headers) {
            Some(token) => self.find_holder(token).await,
            None => Ok(None),
        }
    }

    async fn identify(&self, credentials: &Credentials) -> Result<Option<Caller>, CallersUnknown> {
        self.find_holder(credentials.secret()).await
    }
}

impl TokenHolders {
    /// The tokens of the data folder.
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    async fn find_holder(&self, token: &str) -> Result<Option<Caller>, CallersUnknown> {
        let token_hash = Sha256::digest(token);
        if let Some(admin) = &self.admin
            && bool::from(admin.sha256.ct_eq(token_hash.as_slice()))
        {
            return Ok(Some(Caller {
                name: "SCEPTER_ADMIN_TOKEN".to_owned(),
                scopes: Scope::VARIANTS.to_vec(),
            }));
        }
        let tokens = self.tokens.run(Tokens::list).await.map_err(|error| {
            let error = ErrorChain(&error);
            tracing::error!(%error, "could not read the tokens");
            CallersUnknown
        })?;
        // Compare with every token, so that the response time does not reveal which one matched.
        let matching = tokens.into_iter().fold(None, |found, token| {
            let stored = STANDARD.decode(&token.sha256).unwrap_or_default();
            let matches = bool::from(stored.ct_eq(token_hash.as_slice()));
            if matches && token.revoked_at.is_none() {
                Some(token)
            } else {
                found
            }
        });
        Ok(matching.map(|token| Caller {
            // An earlier version accepted names that hide or reorder text.
            name: format!("token {} ({})", bound_text(&token.name), token.id),
            scopes: token
                .scopes
                .iter()
                .filter_map(|name| name.parse().ok())
                .collect(),
        }))
    }
}

/// Removes files that a crash left before they replaced the token file. The caller holds the lock,
/// so no other process is writing one.
fn remove_leftovers(folder: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes())
        {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    async fn caller(holders: &TokenHolders, authorization: &str) -> Option<Caller> {
        let request = http::Request::builder().header("authorization", authorization);
        let (head, ()) = request.body(()).unwrap().into_parts();
        holders.caller(&head).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_counts_until_it_is_revoked_and_is_kept_hashed() {
        let data = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(data.path());
        assert!(tokens.list().unwrap().is_empty());
        let (_, other) = tokens.create("other", Scope::VARIANTS, NOW).unwrap();
        let (token, secret) = tokens.create("ci", &[Scope::Read], NOW).unwrap();
        let file = std::fs::read_to_string(data.path().join("tokens.json")).unwrap();
        assert!(!file.contains(&secret) && !file.contains(&secret[PREFIX.len()..]));
        let holders = TokenHolders {
            tokens: tokens.clone(),
            admin: Some(AdminToken::new("from the environment")),
        };
        let found = caller(&holders, &format!("Bearer {secret}")).await.unwrap();
        assert_eq!(found.scopes, [Scope::Read]);
        assert_eq!(found.name, format!("token ci ({})", token.id));
        let found = caller(&holders, "Bearer from the environment")
            .await
            .unwrap();
        assert_eq!(found.scopes, Scope::VARIANTS);
        tokens.revoke(&token.id, NOW).unwrap();
        assert_eq!(caller(&holders, &format!("Bearer {secret}")).await, None);
        assert!(caller(&holders, &format!("Bearer {other}")).await.is_some());
        assert!(matches!(
            tokens.revoke("nobody", NOW),
            Err(TokenError::Unknown(_))
        ));
        for wrong in [
            "Bearer ",
            "Bearer scepter_",
            "Basic x",
            &format!("Bearer {secret}x"),
        ] {
            assert_eq!(caller(&holders, wrong).await, None, "{wrong}");
        }
    }

    #[test]
    fn a_file_of_something_else_is_an_error_and_not_written_over() {
        let data = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(data.path());
        std::fs::write(data.path().join("tokens.json"), "{").unwrap();
        assert!(matches!(tokens.list(), Err(TokenError::Json { .. })));
        assert!(tokens.create("ci", &[], NOW).is_err());
        assert_eq!(
            std::fs::read(data.path().join("tokens.json")).unwrap(),
            b"{"
        );
    }
}
