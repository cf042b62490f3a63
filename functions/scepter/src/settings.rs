//! Settings, from arguments and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ca::key_algorithm::KeyAlgorithm;
use ca::profile_name::{NameError, ProfileName};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, value_parser};
use ipnet::IpNet;
use scep_cms::challenge::ChallengePassword;
use scep_service::admin::MAX_CHALLENGE_CHARACTERS;
use scep_service::deployment::{
    DEFAULT_DAYS, DEFAULT_REQUEST_DAYS, Deployment, parse_days, parse_public_url,
};
use strum::VariantArray;
use tracing_subscriber::EnvFilter;

use crate::intune::IntuneArgs;
use crate::public_url::PublicUrl;
use crate::server::MAX_CONNECTIONS;
use crate::tokens::AdminToken;
use crate::trusted_proxies::{TrustedProxies, parse_network};

#[derive(Args)]
pub(crate) struct ServeSettings {
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(
        long,
        env = "SCEPTER_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) data: DataSettings,
    /// URL at which clients reach this server [default: http://ADDRESS]
    #[arg(long, env = "SCEPTER_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub(crate) public_url: Option<String>,
    /// SCEP Profile at /cgi-bin/pkiclient.exe and /certsrv/mscep/mscep.dll, for devices whose path
    /// cannot be configured, and at /certsrv/mscep_admin.
    #[arg(long, env = "SCEPTER_DEFAULT_SCEP_PROFILE", default_value = "default", value_name = "NAME", value_parser = parse_profile_name)]
    pub(crate) default_scep_profile: ProfileName,
    /// Days that a request waits for an administrator's approval.
    #[arg(long, env = "SCEPTER_PENDING_DAYS", default_value = DEFAULT_DAYS, value_name = "DAYS", value_parser = parse_days)]
    pending_days: Duration,
    /// Days that a CRL is valid; the next one is issued after half of them.
    #[arg(long, env = "SCEPTER_CRL_DAYS", default_value = DEFAULT_DAYS, value_name = "DAYS", value_parser = parse_days)]
    crl_days: Duration,
    /// Days that refused requests are kept.
    #[arg(long, env = "SCEPTER_REQUEST_DAYS", default_value = DEFAULT_REQUEST_DAYS, value_name = "DAYS", value_parser = parse_days)]
    request_days: Duration,
    /// Milliseconds from the end of a request until a message that cannot be decrypted is refused,
    /// so that the response time reveals nothing to an attacker; longer than any processing takes.
    #[arg(long, env = "SCEPTER_REFUSAL_DELAY", default_value_t = 100, value_name = "MILLISECONDS", value_parser = value_parser!(u16).range(20..=5_000))]
    refusal_delay: u16,
    /// Connections from one address (IPv6: one /64) that may be idle or slow at a time; raise it
    /// behind a proxy.
    #[arg(long, env = "SCEPTER_CONNECTIONS_PER_ADDRESS", default_value_t = 32, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..=i64::from(MAX_CONNECTIONS)))]
    pub(crate) connections_per_address: u16,
    /// Network of proxies that are believed about a client's address, in X-Forwarded-For; may be
    /// repeated, in the variable separated by commas [default: none].
    #[arg(long = "trusted-proxy", env = "SCEPTER_TRUSTED_PROXY", value_delimiter = ',', value_name = "CIDR", value_parser = parse_network)]
    trusted_proxies: Vec<IpNet>,
    /// Token with every scope [default: random, created once]
    #[arg(long, env = "SCEPTER_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = parse_admin_token)]
    pub(crate) admin_token: Option<AdminToken>,
    /// Do not create the demo authority and profiles.
    #[arg(long)]
    pub(crate) no_demo: bool,
    #[command(flatten)]
    pub(crate) intune: IntuneArgs,
    #[command(flatten)]
    pub(crate) demo: DemoSettings,
}

#[derive(Args)]
pub(crate) struct DataSettings {
    /// Folder of the database, the keys and the tokens; created if missing.
    #[arg(
        long = "data",
        env = "SCEPTER_DATA",
        default_value = "./scepter-data",
        value_name = "FOLDER"
    )]
    pub(crate) folder: PathBuf,
}

fn parse_profile_name(text: &str) -> Result<ProfileName, NameError> {
    ProfileName::new(text)
}

fn parse_admin_token(text: &str) -> Result<AdminToken, &'static str> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err("a token consists of visible ASCII characters");
    }
    // The Authorization header is trimmed, so such a token could never match.
    if text.trim() != text {
        return Err("a token neither begins nor ends with a space");
    }
    Ok(AdminToken::new(text))
}

impl ServeSettings {
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.clone())
    }

    pub(crate) fn deployment(&self, url: &PublicUrl) -> Deployment {
        Deployment {
            public_url: url.base.clone(),
            // A guessed URL must not end up in certificates, which outlive it.
            crl_url_base: url.is_reached_by_others.then(|| url.base.clone()),
            pending_validity: self.pending_days,
            crl_validity: self.crl_days,
            request_validity: self.request_days,
            refusal_delay: Duration::from_millis(self.refusal_delay.into()),
        }
    }
}

#[derive(Args)]
pub(crate) struct DemoSettings {
    /// The demo profile's challengePassword [default: random, created once]
    #[arg(long, env = "SCEPTER_CHALLENGE", hide_env_values = true, value_name = "SECRET", value_parser = parse_challenge)]
    pub(crate) challenge: Option<ChallengePassword>,
    /// Algorithm of the demo authority's key, used when it is created.
    #[arg(
        long,
        env = "SCEPTER_CA_KEY_ALGORITHM",
        default_value = "RSA_2048",
        value_name = "ALGORITHM",
        value_parser = key_algorithm_parser()
    )]
    pub(crate) ca_key_algorithm: KeyAlgorithm,
}

/// Parses a key algorithm by name; `--help` lists the names.
fn key_algorithm_parser() -> impl TypedValueParser<Value = KeyAlgorithm> {
    PossibleValuesParser::new(KeyAlgorithm::VARIANTS.iter().map(|known| known.name()))
        .try_map(|name| name.parse())
}

fn parse_challenge(text: &str) -> Result<ChallengePassword, &'static str> {
    if !(1..=MAX_CHALLENGE_CHARACTERS).contains(&text.chars().count()) {
        return Err("a challengePassword is 1 to 255 characters");
    }
    Ok(ChallengePassword::new(text))
}

#[derive(Args)]
pub(crate) struct LogSettings {
    /// Log level (error, warn, info, debug), or a list of target=level.
    #[arg(
        long,
        env = "SCEPTER_LOG",
        default_value = "info",
        value_name = "FILTER",
        global = true
    )]
    log: EnvFilter,
    /// Format of log lines, which go to standard error.
    #[arg(
        long,
        env = "SCEPTER_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT",
        global = true
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

impl LogSettings {
    pub(crate) fn start(&self) {
        let log = tracing_subscriber::fmt()
            .with_env_filter(self.log.clone())
            // The subscriber reports a failed write to standard error on standard error, and would
            // panic when that fails too.
            .log_internal_errors(false)
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Json => log.json().flatten_event(true).init(),
            LogFormat::Text => log.with_ansi(false).init(),
        }
    }
}
