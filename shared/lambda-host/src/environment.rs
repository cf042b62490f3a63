//! Settings of a function: variables of its environment, each checked when the function starts.

use std::time::Duration;

use scep_protocol::ProfileName;
use scep_service::Deployment;
use tracing::Level;

/// The function cannot run in this environment.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The system has no root certificates.
    #[error("reading the root certificates of the system")]
    Roots(#[source] std::io::Error),
    /// A variable is missing or is nothing that it can be.
    #[error("the environment variable {name} {problem}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Reads variables.
pub struct Environment(fn(&'static str) -> Option<String>);

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(|name| std::env::var(name).ok())
    }

    /// What this function gives.
    #[must_use]
    pub const fn of(variable: fn(&'static str) -> Option<String>) -> Self {
        Self(variable)
    }

    /// Text that is not empty.
    ///
    /// # Errors
    /// When it is missing or empty.
    pub fn text(&self, name: &'static str) -> Result<String, SettingError> {
        let text = self.optional(name);
        text.ok_or(SettingError::Variable {
            name,
            problem: "is not set",
        })
    }

    /// Text, or `None` where the variable is missing or empty.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|text| !text.is_empty())
    }

    /// The name of a DynamoDB table.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn table(&self, name: &'static str) -> Result<String, SettingError> {
        let table = self.text(name)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !(3..=255).contains(&table.len()) || !table.chars().all(fits) {
            let problem = "is not the name of a DynamoDB table";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(table)
    }

    /// The name of a CloudFormation stack.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn stack(&self, name: &'static str) -> Result<String, SettingError> {
        let stack = self.text(name)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if stack.len() > 128 || !stack.chars().all(fits) {
            let problem = "is not the name of a stack";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(stack)
    }

    /// The name of a profile, or `None` where the variable is missing or empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn profile(&self, name: &'static str) -> Result<Option<ProfileName>, SettingError> {
        let text = self.optional(name);
        let profile = text.as_deref().map(ProfileName::new).transpose();
        profile.map_err(|_| SettingError::Variable {
            name,
            problem: "is not the name of a profile",
        })
    }

    /// ERROR, WARN, INFO or DEBUG; INFO where it is missing. What the SDK says at TRACE is not for logs.
    ///
    /// # Errors
    /// When it is another text.
    pub fn log_level(&self, name: &'static str) -> Result<Level, SettingError> {
        let level = self.optional(name);
        match level.as_deref() {
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

    /// The ARN of a KMS key.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn key_arn(&self, name: &'static str) -> Result<String, SettingError> {
        let arn = self.text(name)?;
        let mut parts = arn.splitn(6, ':');
        let is_key = parts.next() == Some("arn")
            && parts.nth(1) == Some("kms")
            && parts.nth(2).is_some_and(|key| key.starts_with("key/"));
        if !is_key {
            let problem = "is not the ARN of a KMS key";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(arn)
    }

    /// The beginning of URLs, without a slash at its end.
    ///
    /// # Errors
    /// When it is missing, or begins with neither `https://` nor `http://`.
    pub fn base_url(&self, name: &'static str) -> Result<String, SettingError> {
        let url = self.text(name)?;
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' '])) {
            let problem = "is not a URL that begins with https:// or http://";
            return Err(SettingError::Variable { name, problem });
        }
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// What use cases must know of the deployment.
    ///
    /// # Errors
    /// When a variable is missing or none.
    pub fn deployment(&self) -> Result<Deployment, SettingError> {
        let public_url = self.base_url("SCEPTER_PUBLIC_URL")?;
        Ok(Deployment {
            crl_url_base: Some(public_url.clone()),
            public_url,
            pending_validity: self.days("SCEPTER_PENDING_DAYS", 7, 365)?,
            crl_validity: self.days("SCEPTER_CRL_DAYS", 7, 365)?,
            refusal_delay: Deployment::REFUSAL_DELAY,
        })
    }

    /// A number of days from 1 to `most`, or `default` where the variable is missing.
    fn days(&self, name: &'static str, default: u64, most: u64) -> Result<Duration, SettingError> {
        const DAY: u64 = 24 * 60 * 60;
        let Some(text) = self.optional(name) else {
            return Ok(Duration::from_secs(default.saturating_mul(DAY)));
        };
        match text.parse::<u64>() {
            Ok(days) if (1..=most).contains(&days) => {
                Ok(Duration::from_secs(days.saturating_mul(DAY)))
            }
            Ok(_) | Err(_) => Err(SettingError::Variable {
                name,
                problem: "is not a whole number of days from 1 to 365",
            }),
        }
    }

    /// A number of seconds up to `most`, or `default` where the variable is missing.
    ///
    /// # Errors
    /// When it is another text.
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

    fn environment() -> Environment {
        Environment(|name| {
            let value = match name {
                "EMPTY" => "",
                "TABLE" => "scepter-Profiles-1A.b_c",
                "KEY" => "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab",
                "ALIAS" => "arn:aws:kms:eu-central-1:111122223333:alias/ca",
                "URL" => "https://scep.example/",
                "SECONDS" => "7",
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
    fn what_is_there_is_read() {
        let environment = environment();
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
        assert_eq!(environment.base_url("URL").unwrap(), "https://scep.example");
        let seconds = |name| environment.seconds(name, 5, 60).unwrap().as_secs();
        assert_eq!((seconds("SECONDS"), seconds("EMPTY")), (7, 5));
        assert_eq!(environment.optional("EMPTY"), None);
        let deployment = environment.deployment().unwrap();
        let days = |validity: Duration| validity.as_secs() / (24 * 60 * 60);
        assert_eq!(deployment.public_url, "https://scep.example");
        assert_eq!(days(deployment.pending_validity), 3);
        assert_eq!(days(deployment.crl_validity), 7);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let environment = environment();
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
        }
        check(
            environment.stack("OTHER"),
            "the environment variable OTHER is not the name of a stack",
        );
        check(
            environment.log_level("OTHER"),
            "the environment variable OTHER is not one of ERROR, WARN, INFO, DEBUG",
        );
        check(
            environment.base_url("OTHER"),
            "the environment variable OTHER is not a URL that begins with https:// or http://",
        );
        for (name, most) in [("OTHER", 365), ("SECONDS", 6)] {
            let message = format!(
                "the environment variable {name} is not a whole number of days from 1 to 365"
            );
            check(environment.days(name, 1, most), &message);
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
