//! Settings of a function: environment variables, each checked when the function starts.

use std::time::Duration;

use ca::key_location::KeyArn;
use ca::profile_name::ProfileName;
use scep_protocol::service_url::ServiceUrl;
use scep_service::deployment::{
    DEFAULT_DAYS, DEFAULT_REQUEST_DAYS, Deployment, parse_days, parse_public_url,
};
use tracing::Level;

/// An environment in which the function cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The system has no root certificates, or they cannot be read.
    #[error("reading the root certificates of the system")]
    Roots(#[source] std::io::Error),
    /// A variable is missing or has an invalid value.
    #[error("the environment variable {name} {problem}")]
    Variable {
        /// The variable's name.
        name: &'static str,
        /// The problem, as the rest of a sentence that begins with the variable.
        problem: &'static str,
    },
}

/// A source of environment variables, with a parser for each kind of setting.
// clap, which `scepter` has for its arguments, would add 0.23 MB to each function, more than a
// tenth of the limit for `get-ca-caps`, and parse arguments that no function gets.
pub struct Environment(fn(&'static str) -> Option<String>);

impl Environment {
    /// The environment variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(|name| std::env::var(name).ok())
    }

    /// The variables that this function returns, for tests.
    #[must_use]
    pub const fn of(variable: fn(&'static str) -> Option<String>) -> Self {
        Self(variable)
    }

    /// Reads text that is not empty.
    ///
    /// # Errors
    /// If the variable is missing or empty.
    pub fn text(&self, name: &'static str) -> Result<String, SettingError> {
        self.optional(name).ok_or(SettingError::Variable {
            name,
            problem: "is not set",
        })
    }

    /// Reads text; `None` if the variable is missing or empty.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        // A parameter of the template that is left empty becomes an empty variable.
        (self.0)(name).filter(|text| !text.is_empty())
    }

    /// Reads the name of a DynamoDB table.
    ///
    /// # Errors
    /// If the variable is missing, or its value is not the name of a table.
    pub fn table(&self, name: &'static str) -> Result<String, SettingError> {
        let table = self.text(name)?;
        // DynamoDB's rules for names: a wrong one fails here, rather than at the first request.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !(3..=255).contains(&table.len()) || !table.chars().all(is_allowed) {
            let problem = "is not the name of a DynamoDB table";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(table)
    }

    /// Reads the name of a CloudFormation stack.
    ///
    /// # Errors
    /// If the variable is missing, or its value is not the name of a stack.
    pub fn stack(&self, name: &'static str) -> Result<String, SettingError> {
        let stack = self.text(name)?;
        // CloudFormation's rules for names, which also fit the tags and aliases of keys.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if stack.len() > 128 || !stack.chars().all(is_allowed) {
            let problem = "is not the name of a stack";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(stack)
    }

    /// Reads the name of a profile; `None` if the variable is missing or empty.
    ///
    /// # Errors
    /// If the value is not the name of a profile.
    pub fn profile(&self, name: &'static str) -> Result<Option<ProfileName>, SettingError> {
        self.optional(name)
            .as_deref()
            .map(ProfileName::new)
            .transpose()
            .map_err(|_| SettingError::Variable {
                name,
                problem: "is not the name of a profile",
            })
    }

    /// Reads a log level: `ERROR`, `WARN`, `INFO` or `DEBUG`; `INFO` if the variable is missing.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn log_level(&self, name: &'static str) -> Result<Level, SettingError> {
        // TRACE is left out: what the SDK logs at that level does not belong into logs.
        match self.optional(name).as_deref() {
            Some("ERROR") => Ok(Level::ERROR),
            Some("WARN") => Ok(Level::WARN),
            None | Some("INFO") => Ok(Level::INFO),
            Some("DEBUG") => Ok(Level::DEBUG),
            Some(_) => Err(SettingError::Variable {
                name,
                problem: "is not one of ERROR, WARN, INFO, DEBUG",
            }),
        }
    }

    /// Reads `true` or `false`; `false` if the variable is missing.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn flag(&self, name: &'static str) -> Result<bool, SettingError> {
        match self.optional(name).as_deref() {
            Some("true") => Ok(true),
            None | Some("false") => Ok(false),
            Some(_) => Err(SettingError::Variable {
                name,
                problem: "is neither true nor false",
            }),
        }
    }

    /// Reads the ARN of a KMS key.
    ///
    /// # Errors
    /// If the variable is missing, or its value is not the ARN of a key.
    pub fn key_arn(&self, name: &'static str) -> Result<String, SettingError> {
        let arn = self.text(name)?;
        // An alias is rejected, because it may come to mean another key.
        match KeyArn::parse(&arn) {
            Ok(_) => Ok(arn),
            Err(_) => Err(SettingError::Variable {
                name,
                problem: "is not the ARN of a KMS key",
            }),
        }
    }

    /// Reads the ARN of a KMS key; `None` if the variable is missing or empty.
    ///
    /// # Errors
    /// If the value is not the ARN of a key.
    pub fn optional_key(&self, name: &'static str) -> Result<Option<KeyArn>, SettingError> {
        self.optional(name)
            .as_deref()
            .map(KeyArn::parse)
            .transpose()
            .map_err(|_| SettingError::Variable {
                name,
                problem: "is not the ARN of a KMS key",
            })
    }

    /// Reads the URL of a service; `default` if the variable is missing or empty.
    ///
    /// # Errors
    /// If the value is not a URL that requests may be sent to.
    pub fn service_url(
        &self,
        name: &'static str,
        default: &str,
    ) -> Result<ServiceUrl, SettingError> {
        let text = self.optional(name);
        let url = text.as_deref().unwrap_or(default);
        url.parse().map_err(|_| SettingError::Variable {
            name,
            problem: "is not the URL of a service, which begins with https://",
        })
    }

    /// Reads the URL at which clients reach the server.
    fn public_url(&self, name: &'static str) -> Result<String, SettingError> {
        parse_public_url(&self.text(name)?).map_err(|_| SettingError::Variable {
            name,
            problem: "is not a URL that begins with https:// or http://",
        })
    }

    /// Reads the description of the deployment that use cases need.
    ///
    /// # Errors
    /// If a variable is missing or has an invalid value.
    pub fn deployment(&self) -> Result<Deployment, SettingError> {
        let public_url = self.public_url("SCEPTER_PUBLIC_URL")?;
        Ok(Deployment {
            // In AWS, the public URL is that of the API or the edge, which verifiers can reach.
            crl_url_base: Some(public_url.clone()),
            public_url,
            pending_validity: self.days("SCEPTER_PENDING_DAYS", DEFAULT_DAYS)?,
            crl_validity: self.days("SCEPTER_CRL_DAYS", DEFAULT_DAYS)?,
            request_validity: self.days("SCEPTER_REQUEST_DAYS", DEFAULT_REQUEST_DAYS)?,
            refusal_delay: Deployment::REFUSAL_DELAY,
        })
    }

    /// Reads a number of days; `default` if the variable is missing.
    fn days(&self, name: &'static str, default: &str) -> Result<Duration, SettingError> {
        let text = self.optional(name);
        parse_days(text.as_deref().unwrap_or(default)).map_err(|_| SettingError::Variable {
            name,
            problem: "is not a whole number of days from 1 to 365",
        })
    }

    /// Reads how long functions may answer requests by profiles that were edited meanwhile.
    ///
    /// # Errors
    /// If the value is not a whole number of seconds up to a minute.
    pub fn profiles_max_age(&self) -> Result<Duration, SettingError> {
        // Devices ask often and edits are rare: an edit may take this long to be seen.
        self.seconds("SCEPTER_PROFILES_MAX_AGE_SECONDS", 5, 60)
    }

    /// Reads a number of seconds up to `most`; `default` if the variable is missing.
    ///
    /// # Errors
    /// If the value is not such a number.
    pub fn seconds(
        &self,
        name: &'static str,
        default: u64,
        most: u64,
    ) -> Result<Duration, SettingError> {
        let Some(text) = self.optional(name) else {
            return Ok(Duration::from_secs(default));
        };
        match text.parse() {
            Ok(seconds) if seconds <= most => Ok(Duration::from_secs(seconds)),
            Ok(_) => Err(SettingError::Variable {
                name,
                problem: "is too large",
            }),
            Err(_) => Err(SettingError::Variable {
                name,
                problem: "is not a whole number of seconds",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_environment() -> Environment {
        Environment(|name| {
            let value = match name {
                "EMPTY" => "",
                "TABLE" => "scepter-Profiles-1A.b_c",
                "KEY" => "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab",
                "ALIAS" => "arn:aws:kms:eu-central-1:111122223333:alias/ca",
                "URL" => "https://scep.example/",
                "SECONDS" => "7",
                "DAYS" => "366",
                "SCEPTER_PUBLIC_URL" => "https://scep.example/",
                "SCEPTER_PENDING_DAYS" => "3",
                "OTHER" => "{}",
                _ => return None,
            };
            Some(value.to_owned())
        })
    }

    #[track_caller]
    fn check<T>(setting: Result<T, SettingError>, message: &str) {
        assert_eq!(setting.err().unwrap().to_string(), message);
    }

    #[test]
    fn valid_variables_are_read() {
        let environment = sample_environment();
        assert_eq!(
            environment.table("TABLE").unwrap(),
            "scepter-Profiles-1A.b_c"
        );
        assert!(
            environment
                .key_arn("KEY")
                .unwrap()
                .ends_with("1234abcd-12ab")
        );
        assert_eq!(
            environment.public_url("URL").unwrap(),
            "https://scep.example"
        );
        let service = |name| environment.service_url(name, "https://default.example");
        assert_eq!(service("URL").unwrap().as_str(), "https://scep.example/");
        let default = service("EMPTY").unwrap();
        assert_eq!(default.as_str(), "https://default.example/");
        assert!(environment.optional_key("KEY").unwrap().is_some());
        assert!(environment.optional_key("EMPTY").unwrap().is_none());
        let seconds = |name| environment.seconds(name, 5, 60).unwrap().as_secs();
        assert_eq!((seconds("SECONDS"), seconds("EMPTY")), (7, 5));
        assert_eq!(environment.optional("EMPTY"), None);
        let deployment = environment.deployment().unwrap();
        let days = |validity: Duration| validity.as_secs() / (24 * 60 * 60);
        assert_eq!(deployment.public_url, "https://scep.example");
        assert_eq!(days(deployment.pending_validity), 3);
        assert_eq!(days(deployment.crl_validity), 7);
        assert_eq!(days(deployment.request_validity), 30);
    }

    #[test]
    fn invalid_variables_are_named_in_errors() {
        let environment = sample_environment();
        check(
            environment.text("MISSING"),
            "the environment variable MISSING is not set",
        );
        check(
            environment.text("EMPTY"),
            "the environment variable EMPTY is not set",
        );
        check(
            environment.table("OTHER"),
            "the environment variable OTHER is not the name of a DynamoDB table",
        );
        for name in ["OTHER", "ALIAS"] {
            let message = format!("the environment variable {name} is not the ARN of a KMS key");
            check(environment.key_arn(name), &message);
            check(environment.optional_key(name), &message);
        }
        check(
            environment.service_url("OTHER", "https://default.example"),
            "the environment variable OTHER is not the URL of a service, which begins with https://",
        );
        check(
            environment.stack("OTHER"),
            "the environment variable OTHER is not the name of a stack",
        );
        check(
            environment.log_level("OTHER"),
            "the environment variable OTHER is not one of ERROR, WARN, INFO, DEBUG",
        );
        check(
            environment.public_url("OTHER"),
            "the environment variable OTHER is not a URL that begins with https:// or http://",
        );
        for name in ["OTHER", "DAYS"] {
            let message = format!(
                "the environment variable {name} is not a whole number of days from 1 to 365"
            );
            check(environment.days(name, DEFAULT_DAYS), &message);
        }
        check(
            environment.seconds("OTHER", 5, 60),
            "the environment variable OTHER is not a whole number of seconds",
        );
        check(
            environment.seconds("SECONDS", 5, 6),
            "the environment variable SECONDS is too large",
        );
    }
}
