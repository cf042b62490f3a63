//! `scepter token`: creates, lists and revokes bearer tokens, even while the server runs.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use management_api::{Scope, TokenName};
use strum::VariantArray;
use time::OffsetDateTime;

use crate::settings::DataSettings;
use crate::tokens::{TokenError, Tokens};

#[derive(Args)]
pub(crate) struct TokenCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Create a token and print it; it is not shown again.
    Create {
        /// Scope of the token; repeat the option or separate scopes with commas.
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE", value_parser = scope_parser())]
        scopes: Vec<Scope>,
        /// Owner or purpose of the token, shown in audit records.
        #[arg(long, default_value = "token", value_name = "NAME", value_parser = TokenName::new)]
        name: TokenName,
        #[command(flatten)]
        data: DataSettings,
    },
    /// List tokens with their names and scopes, without their values.
    List {
        #[command(flatten)]
        data: DataSettings,
    },
    /// Revoke a token; its next request is rejected.
    Revoke {
        /// Id of the token, as shown by `scepter token list`.
        id: String,
        #[command(flatten)]
        data: DataSettings,
    },
}

fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::VARIANTS.iter().map(|scope| scope.name()))
        .try_map(|name| name.parse())
}

impl TokenCommand {
    /// Runs the command, and prints its result to standard output.
    pub(crate) fn run(self) -> Result<(), TokenError> {
        let now = OffsetDateTime::now_utc();
        let path = PathBuf::from("standard output");
        let printed = match self.action {
            Action::Create { scopes, name, data } => {
                let (token, secret) =
                    Tokens::of(&data.folder).create(name.as_str(), &scopes, now)?;
                // This goes to standard error, so that scripts can capture the token alone.
                eprintln!("token {} created; it is not shown again:", token.id);
                format!("{secret}\n")
            }
            Action::List { data } => format_table(&Tokens::of(&data.folder))?,
            Action::Revoke { id, data } => {
                Tokens::of(&data.folder).revoke(&id, now)?;
                format!("token {id} revoked\n")
            }
        };
        std::io::stdout()
            .write_all(printed.as_bytes())
            .map_err(|source| TokenError::Io { path, source })
    }
}

fn format_table(tokens: &Tokens) -> Result<String, TokenError> {
    let day = |seconds| {
        let at = OffsetDateTime::from_unix_timestamp(seconds);
        at.map_or_else(|_| String::new(), |at| at.date().to_string())
    };
    let mut table = format!(
        "{:8}  {:20}  {:10}  {:18}  NAME\n",
        "ID", "SCOPES", "CREATED", "STATE"
    );
    for token in tokens.list()? {
        let state = token
            .revoked_at
            .map_or_else(|| "valid".to_owned(), |at| format!("revoked {}", day(at)));
        let (scopes, created) = (token.scopes.join(","), day(token.created_at));
        table += &format!(
            "{:8}  {scopes:20}  {created:10}  {state:18}  {}\n",
            token.id, token.name
        );
    }
    Ok(table)
}
