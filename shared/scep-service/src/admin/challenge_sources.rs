//! Edits of who vouches for the enrolments of a SCEP Profile: its challenge sources, and the
//! webhook, which is one of them.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use scep_protocol::profile::{
    IntuneCredential, IntuneSettings, NotificationKind, ScepProfile, WebhookSettings,
};
use scep_protocol::service_url::ServiceUrl;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_protocol::webhook_secret::WebhookSecret;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::admin::Administration;
use crate::admin::edit::Edit;
use crate::admin::field::Field;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::limits::WEBHOOK_TIMEOUT_SECONDS;
use crate::admin::validation::Validation;
use crate::ports::SecretOwner;

/// How long a webhook may take to answer if nobody says otherwise, in seconds.
const DEFAULT_TIMEOUT_SECONDS: u8 = 3;

/// The fields of a new webhook, or an edit of an existing one.
#[derive(Default)]
pub struct WebhookEdit {
    /// The URL, which a new webhook must have.
    pub url: Option<String>,
    /// The secret that signs requests, which a new webhook must have.
    pub secret: Option<SecretString>,
    /// How long the service may take to answer, in seconds.
    pub timeout_seconds: Edit<u8>,
    /// Whether the service is asked about every enrolment.
    pub gate: Edit<bool>,
    /// The events that the service is told of.
    pub notify: Edit<BTreeSet<NotificationKind>>,
}

impl WebhookEdit {
    /// Checks the values of the edit of a webhook, or of a new one.
    pub(super) fn check(&self, known: Option<&WebhookSettings>, errors: &mut Validation) {
        match &self.url {
            Some(url) => {
                errors.check(url.parse::<ServiceUrl>());
            }
            None => errors.require(known.is_some(), Invalid::Missing(Field::WebhookUrl)),
        }
        match &self.secret {
            Some(secret) => {
                errors.check(WebhookSecret::parse(secret.expose_secret()));
            }
            None => errors.require(known.is_some(), Invalid::Missing(Field::WebhookSecret)),
        }
        let fits = match self.timeout_seconds {
            Edit::Set(seconds) => WEBHOOK_TIMEOUT_SECONDS.contains(&seconds),
            Edit::Keep | Edit::Reset => true,
        };
        errors.require(fits, Invalid::WebhookTimeout);
    }
}

/// What an edit says about the sources: all of them, or single ones.
#[derive(Clone, Debug, Default)]
pub(super) struct SourcesEdit {
    /// All sources.
    pub(super) all: Edit<BTreeSet<ChallengeSourceKind>>,
    /// Whether Intune is one.
    pub(super) intune: Option<bool>,
    /// Whether the profile's challengePassword is one.
    pub(super) challenge: Option<bool>,
    /// Whether a new challengePassword is set.
    pub(super) sets_challenge: bool,
}

impl SourcesEdit {
    /// Applies the edit to sources that an administrator chose, if any did. `by_default` are those
    /// that serve as long as none did.
    ///
    /// # Errors
    /// [`Invalid::SourcesContradict`] with each field that says something else than the whole list.
    pub(super) fn apply(
        &self,
        chosen: Option<BTreeSet<ChallengeSourceKind>>,
        by_default: &BTreeSet<ChallengeSourceKind>,
    ) -> Result<Option<BTreeSet<ChallengeSourceKind>>, Vec<Invalid>> {
        let single = [
            (ChallengeSourceKind::Intune, self.intune, Field::Intune),
            (
                ChallengeSourceKind::Static,
                self.challenge,
                Field::ChallengeRequired,
            ),
        ];
        let mut sources = match &self.all {
            Edit::Set(all) => {
                let contradicts = |(kind, wanted, field): (_, Option<bool>, _)| {
                    wanted
                        .filter(|wanted| *wanted != all.contains(&kind))
                        .map(|_| Invalid::SourcesContradict(field))
                };
                let reasons: Vec<_> = single.into_iter().filter_map(contradicts).collect();
                return match reasons.is_empty() {
                    true => Ok(Some(all.clone())),
                    false => Err(reasons),
                };
            }
            Edit::Keep => chosen,
            Edit::Reset => None,
        };
        if self.sets_challenge
            && let Some(sources) = &mut sources
        {
            sources.insert(ChallengeSourceKind::Static);
        }
        for (kind, wanted, _) in single {
            let current = sources.as_ref().unwrap_or(by_default);
            let Some(wanted) = wanted.filter(|wanted| *wanted != current.contains(&kind)) else {
                continue;
            };
            let mut changed = current.clone();
            match wanted {
                true => changed.insert(kind),
                false => changed.remove(&kind),
            };
            sources = Some(changed);
        }
        Ok(sources)
    }
}

/// Which secrets a profile has.
pub(super) struct SourceSecrets {
    /// The challengePassword.
    pub(super) challenge: bool,
    /// The secret of the application that asks Intune.
    pub(super) application_key: bool,
    /// That of a webhook, which has a URL too.
    pub(super) webhook: bool,
}

/// Checks that each of these sources has what it needs.
pub(super) fn check_sources(
    sources: &BTreeSet<ChallengeSourceKind>,
    intune: &IntuneSettings,
    secrets: &SourceSecrets,
    errors: &mut Validation,
) {
    let is_text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let has_credential =
        secrets.application_key || intune.credential == IntuneCredential::Federated;
    for source in sources {
        let needs: &[(bool, Field)] = match source {
            ChallengeSourceKind::OneTime => &[],
            ChallengeSourceKind::Static => &[(secrets.challenge, Field::Challenge)],
            ChallengeSourceKind::Intune => &[
                (is_text(&intune.tenant), Field::IntuneTenant),
                (is_text(&intune.application_id), Field::IntuneApplicationId),
                (has_credential, Field::IntuneApplicationKey),
            ],
            ChallengeSourceKind::Webhook => &[
                (secrets.webhook, Field::WebhookUrl),
                (secrets.webhook, Field::WebhookSecret),
            ],
        };
        for (has, field) in needs {
            errors.require(*has, Invalid::SourceNeeds(*source, *field));
        }
    }
}

impl Administration {
    /// Makes the key of the digests of a profile's one-time challenges, unless it has one.
    ///
    /// # Errors
    /// [`AdminError::Failed`].
    pub(super) async fn ensure_challenge_key(
        &self,
        profile: &mut ScepProfile,
    ) -> Result<(), AdminError> {
        if profile.challenge_key.is_some() {
            return Ok(());
        }
        let octets = Zeroizing::new(self.random.octets::<32>()?);
        let key = SecretString::from(BASE64_STANDARD.encode(*octets));
        let owner = SecretOwner::ChallengeKey(profile.uuid);
        profile.challenge_key = Some(self.secrets.seal(owner, &key).await?);
        Ok(())
    }

    /// Applies the edit of a webhook, which [`WebhookEdit::check`] accepted.
    pub(super) async fn edit_webhook(
        &self,
        edit: Edit<WebhookEdit>,
        profile: &mut ScepProfile,
    ) -> Result<(), AdminError> {
        let edit = match edit {
            Edit::Keep => return Ok(()),
            Edit::Reset => {
                profile.webhook = None;
                return Ok(());
            }
            Edit::Set(edit) => edit,
        };
        let owner = SecretOwner::ServiceCredentials(profile.uuid);
        let sealed = match &edit.secret {
            Some(secret) => Some(self.secrets.seal(owner, secret).await?),
            None => None,
        };
        let known = profile.webhook.take();
        let secret = sealed.or_else(|| known.as_ref().map(|known| known.secret.clone()));
        let url = edit
            .url
            .or_else(|| known.as_ref().map(|known| known.url.clone()));
        let (Some(url), Some(secret)) = (url, secret) else {
            return Err(Invalid::Missing(Field::WebhookUrl).into());
        };
        let mut webhook = WebhookSettings {
            url,
            secret,
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
            gate: false,
            notify: BTreeSet::new(),
        };
        if let Some(known) = known {
            webhook.timeout_seconds = known.timeout_seconds;
            webhook.gate = known.gate;
            webhook.notify = known.notify;
        }
        edit.timeout_seconds
            .apply_with_default(&mut webhook.timeout_seconds, DEFAULT_TIMEOUT_SECONDS);
        edit.gate.apply(&mut webhook.gate);
        edit.notify.apply(&mut webhook.notify);
        profile.webhook = Some(webhook);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChallengeSourceKind::{Intune, OneTime, Static};

    /// Checks the sources after an edit of those that somebody chose, or of the default, which is
    /// the challengePassword.
    #[track_caller]
    fn check(
        edit: SourcesEdit,
        chosen: Option<&[ChallengeSourceKind]>,
        expected: Result<Option<&[ChallengeSourceKind]>, &[Field]>,
    ) {
        let set = |kinds: &[ChallengeSourceKind]| kinds.iter().copied().collect::<BTreeSet<_>>();
        let applied = edit.apply(chosen.map(set), &set(&[Static]));
        let expected = expected.map(|kinds| kinds.map(set)).map_err(|fields| {
            let fields = fields.iter().copied();
            fields.map(Invalid::SourcesContradict).collect::<Vec<_>>()
        });
        assert_eq!(applied, expected, "{edit:?}");
    }

    fn whole_list(kinds: &[ChallengeSourceKind]) -> SourcesEdit {
        SourcesEdit {
            all: Edit::Set(kinds.iter().copied().collect()),
            ..SourcesEdit::default()
        }
    }

    #[test]
    fn an_edit_without_sources_keeps_them() {
        check(SourcesEdit::default(), None, Ok(None));
        let chosen: &[_] = &[OneTime];
        check(SourcesEdit::default(), Some(chosen), Ok(Some(chosen)));
        let reset = SourcesEdit {
            all: Edit::Reset,
            ..SourcesEdit::default()
        };
        check(reset, Some(chosen), Ok(None));
        check(whole_list(&[]), Some(chosen), Ok(Some(&[])));
    }

    #[test]
    fn enable_intune_adds_and_removes_intune() {
        let edit = |wanted| SourcesEdit {
            intune: Some(wanted),
            ..SourcesEdit::default()
        };
        check(edit(true), None, Ok(Some(&[Static, Intune])));
        check(edit(true), Some(&[OneTime]), Ok(Some(&[OneTime, Intune])));
        check(edit(false), None, Ok(None));
        check(edit(false), Some(&[OneTime, Intune]), Ok(Some(&[OneTime])));
    }

    #[test]
    fn a_new_challenge_adds_static_unless_the_edit_names_the_sources() {
        let edit = SourcesEdit {
            sets_challenge: true,
            ..SourcesEdit::default()
        };
        check(edit.clone(), None, Ok(None));
        check(edit, Some(&[OneTime]), Ok(Some(&[OneTime, Static])));
        let named = SourcesEdit {
            sets_challenge: true,
            ..whole_list(&[OneTime])
        };
        check(named, Some(&[Static]), Ok(Some(&[OneTime])));
        let removed = SourcesEdit {
            challenge: Some(false),
            ..SourcesEdit::default()
        };
        check(removed, Some(&[OneTime, Static]), Ok(Some(&[OneTime])));
    }

    #[test]
    fn a_field_that_contradicts_the_list_is_invalid() {
        let edit = |intune, challenge, kinds: &[_]| SourcesEdit {
            intune: Some(intune),
            challenge: Some(challenge),
            ..whole_list(kinds)
        };
        let agreeing: &[_] = &[Static, Intune];
        check(edit(true, true, agreeing), None, Ok(Some(agreeing)));
        let both: &[_] = &[Field::Intune, Field::ChallengeRequired];
        check(edit(true, true, &[OneTime]), None, Err(both));
        check(edit(false, false, agreeing), None, Err(both));
    }
}
