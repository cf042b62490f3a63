//! The Entra application by which a SCEP Profile asks Intune.

use scep_protocol::id::ScepProfileUuid;
use scep_protocol::profile::{IntuneCredential, ScepProfile};
use scep_protocol::sealed_secret::SealedSecret;

use crate::intune::error::IntuneError;

/// The application of a SCEP Profile. Tokens and locations are cached by it, so that a profile
/// never uses a token that another credential got.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Application {
    pub(crate) scep_profile: ScepProfileUuid,
    /// The tenant: a UUID or a domain name.
    pub(crate) tenant: String,
    /// The id of the application.
    pub(crate) id: String,
    /// The sealed secret, base64; `None` for a federated credential.
    pub(crate) sealed_secret: Option<String>,
}

impl Application {
    /// Reads the application of a profile.
    pub(crate) fn of(profile: &ScepProfile) -> Result<Self, IntuneError> {
        let settings = &profile.intune;
        let require = |text: &Option<String>, name| {
            text.clone()
                .filter(|text| is_name(text))
                .ok_or(IntuneError::Incomplete(name))
        };
        let sealed_secret = match settings.credential {
            IntuneCredential::Federated => None,
            IntuneCredential::Secret => {
                let sealed = settings.application_key.as_ref();
                let sealed = sealed.ok_or(IntuneError::Incomplete("intuneApplicationKey"))?;
                Some(sealed.as_base64().to_owned())
            }
        };
        Ok(Self {
            scep_profile: profile.uuid,
            tenant: require(&settings.tenant, "intuneTenant")?,
            id: require(&settings.application_id, "intuneApplicationId")?,
            sealed_secret,
        })
    }

    /// The sealed secret; `None` for a federated credential.
    pub(crate) fn secret(&self) -> Option<SealedSecret> {
        self.sealed_secret.clone().map(SealedSecret::new)
    }
}

/// Whether a text can name a tenant or an application: it is part of a path, and must not lead to
/// another one.
fn is_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (1..=253).contains(&text.len()) && !text.starts_with('.') && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_and_applications_are_plain_names() {
        for (text, is_fit) in [
            ("contoso.onmicrosoft.com", true),
            ("72f988bf-86f1-41af-91ab-2d7cd011db47", true),
            ("", false),
            ("..", false),
            ("../other", false),
            ("a/b", false),
            ("a?b", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(is_name(text), is_fit, "{text}");
        }
    }
}
