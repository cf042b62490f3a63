use scep_cms::challenge::ChallengePassword;
use std::collections::BTreeMap;

use ca::bounded_text::{Description, Pattern};
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use ca::template::TemplateSpec;

use super::*;
use crate::annotations::Annotations;
use crate::challenge_traits::ChallengeTraits;
use crate::id::{RaCertificateUuid, RaProfileUuid, ScepProfileUuid};
use crate::profile::{
    CaCertificateForm, IntuneSettings, NotificationKind, ScepActivation, ScepSettings,
    WebhookSettings,
};
use crate::sealed_secret::SealedSecret;

fn scep_profile(challenge: Option<&str>) -> ScepProfile {
    ScepProfile {
        uuid: ScepProfileUuid::from_u128(1),
        name: ProfileName::new("s").unwrap(),
        description: Description::default(),
        enabled: true,
        ra_profile: Some(RaProfileUuid::from_u128(2)),
        ra_certificate: RaCertificateUuid::from_u128(3),
        challenge: challenge.map(|_| SealedSecret::new("sealed".to_owned())),
        challenge_traits: challenge
            .map(|challenge| ChallengeTraits::of(&ChallengePassword::new(challenge))),
        challenge_key: None,
        chosen_sources: None,
        settings: ScepSettings::initial(),
        intune: IntuneSettings::default(),
        webhook: None,
        annotations: Annotations::default(),
    }
}

fn ra_profile(name: &str, edit: impl FnOnce(&mut TemplateSpec)) -> RaProfile {
    let mut spec = TemplateSpec::default();
    edit(&mut spec);
    // In the stored form, because an earlier version may have accepted it.
    let template = serde_json::from_value(serde_json::to_value(spec).unwrap()).unwrap();
    RaProfile {
        uuid: RaProfileUuid::from_u128(2),
        name: ProfileName::new(name).unwrap(),
        description: Description::default(),
        enabled: true,
        authority: AuthorityUuid::from_u128(4),
        scep: None,
        template,
    }
}

/// Restricts a template so that no client can choose its identity.
fn restrict_names(template: &mut TemplateSpec) {
    let pattern = || Pattern::new("r-[0-9]+").unwrap();
    template.subject.common_name_pattern = Some(pattern());
    template.subject_alt_name.types = vec![SubjectAltNameType::Dns, SubjectAltNameType::Upn];
    let types = template.subject_alt_name.types.clone();
    template.subject_alt_name.patterns = types.into_iter().map(|kind| (kind, pattern())).collect();
}

const LONG: &str = "Zm9vYmFyYmF6cXV4";

#[track_caller]
fn check(scep: &ScepProfile, ra_profiles: &[&RaProfile], expected: &[Warning]) {
    let warnings = scep.warnings(ra_profiles, Some(KeyAlgorithm::Rsa2048));
    assert_eq!(warnings, expected);
    for warning in warnings {
        let text = warning.to_string();
        assert!(text.ends_with('.') && !text.contains("sealed"), "{text}");
    }
}

#[test]
fn short_challenges_and_those_that_windows_cannot_send_cause_a_warning() {
    use Warning::{ChallengeCharacters, ChallengeShort, ChallengeUnjudged};
    check(&scep_profile(None), &[], &[]);
    check(&scep_profile(Some(LONG)), &[], &[]);
    check(
        &scep_profile(Some("Zm9vYmFyYmF6cXV")),
        &[],
        &[ChallengeShort],
    );
    check(&scep_profile(Some("Zm9v (b'a+r),-./:=?")), &[], &[]);
    for unfit in "_@#$!*~&ü%;<>[]^`{|}\\\"\0".chars() {
        let challenge = format!("{unfit}234567890123456");
        check(&scep_profile(Some(&challenge)), &[], &[ChallengeCharacters]);
    }
    check(
        &scep_profile(Some("1234567890\n123456")),
        &[],
        &[ChallengeCharacters],
    );
    check(
        &scep_profile(Some("ü")),
        &[],
        &[ChallengeShort, ChallengeCharacters],
    );
    let mut before = scep_profile(Some(LONG));
    before.challenge_traits = None;
    check(&before, &[], &[ChallengeUnjudged]);
}

#[test]
fn a_shared_challenge_with_a_free_choice_of_identity_causes_a_warning() {
    use SubjectAltNameType::{Dns, Ip};
    let free = |common_name, types: &[SubjectAltNameType]| {
        let (ra_profile, types) = ("r".to_owned(), types.to_vec());
        [Warning::Identities {
            ra_profile,
            common_name,
            types,
        }]
    };
    let scep = scep_profile(Some(LONG));
    check(&scep, &[&ra_profile("r", |_| {})], &free(true, &[Dns, Ip]));
    check(&scep, &[&ra_profile("r", restrict_names)], &[]);
    let without = |edit: fn(&mut TemplateSpec)| {
        ra_profile("r", |template| {
            restrict_names(template);
            edit(template);
        })
    };
    let no_patterns = without(|t| t.subject_alt_name.patterns = BTreeMap::new());
    check(&scep, &[&no_patterns], &free(false, &[Dns]));
    let no_pattern = without(|t| t.subject.common_name_pattern = None);
    check(&scep, &[&no_pattern], &free(true, &[]));
    let fixed = without(|t| {
        t.subject.common_name_pattern = None;
        let kind = SubjectAttribute::COMMON_NAME;
        t.subject.fixed = BTreeMap::from([(kind, "r".to_owned())]);
    });
    check(&scep, &[&fixed], &[]);
    let not_allowed = without(|t| {
        t.subject.common_name_pattern = None;
        t.subject.allowed = Some(vec![SubjectAttribute::ORGANIZATION]);
    });
    check(&scep, &[&not_allowed], &[]);
    let servers = ra_profile("r", |t| {
        t.extended_key_usage = vec![ExtendedKeyUsage::SERVER_AUTH]
    });
    check(&scep, &[&servers], &[]);
    // A purpose without a name may permit a logon.
    let smart_cards = ra_profile("r", |t| {
        t.extended_key_usage = vec!["1.3.6.1.4.1.311.20.2.2".parse().unwrap()]
    });
    check(&scep, &[&smart_cards], &free(true, &[Dns, Ip]));
    let principal: SubjectAltNameType = "1.3.6.1.5.2.2".parse().unwrap();
    let principals = without(|t| {
        t.subject_alt_name.types = vec!["1.3.6.1.5.2.2".parse().unwrap()];
    });
    check(&scep, &[&principals], &free(false, &[principal]));
    let anything = ra_profile("r", |t| t.extended_key_usage = Vec::new());
    check(&scep, &[&anything], &free(true, &[Dns, Ip]));
    let mut approved = scep.clone();
    approved.settings.require_manual_approval = true;
    check(&approved, &[&ra_profile("r", |_| {})], &[]);
    let text = free(true, &[Dns, Ip])[0].to_string();
    for part in [
        "commonNamePattern",
        "dns, ip",
        "subjectAltName.patterns",
        "requireManualApproval",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn an_ra_profile_is_judged_by_the_scep_profiles_that_lead_to_it() {
    let free = ra_profile("r", |_| {});
    let (shared, mut approved) = (scep_profile(Some(LONG)), scep_profile(Some(LONG)));
    approved.settings.require_manual_approval = true;
    for (scep_profiles, warned) in [
        (&[][..], 1),
        (&[&shared], 1),
        (&[&approved, &shared], 1),
        (&[&approved], 0),
        (&[&scep_profile(None)], 0),
    ] {
        assert_eq!(free.warnings(scep_profiles).len(), warned);
    }
    assert_eq!(ra_profile("r", restrict_names).warnings(&[&shared]), []);
    let before = ra_profile("r", |t| {
        restrict_names(t);
        t.subject_alt_name.patterns.remove(&SubjectAltNameType::Upn);
    });
    let unbound = Warning::UnboundTypes(vec![SubjectAltNameType::Upn]);
    assert_eq!(before.warnings(&[&shared]), [unbound]);
}

#[test]
fn a_stored_purpose_that_speaks_for_others_causes_a_warning() {
    let before = ra_profile("r", |t| {
        restrict_names(t);
        t.extended_key_usage.push(ExtendedKeyUsage::OCSP_SIGNING);
    });
    let warnings = before.warnings(&[&scep_profile(Some(LONG))]);
    let unfit = Warning::UnfitUsages(vec![ExtendedKeyUsage::OCSP_SIGNING]);
    assert!(unfit.to_string().contains("ocspSigning"));
    assert_eq!(warnings, [unfit]);
}

#[test]
fn a_choice_of_usages_by_url_causes_a_warning() {
    let usages = |name, usages: &[ExtendedKeyUsage]| {
        ra_profile(name, |template| {
            restrict_names(template);
            template.extended_key_usage = usages.to_vec();
        })
    };
    let (client_auth, server_auth) = (ExtendedKeyUsage::CLIENT_AUTH, ExtendedKeyUsage::SERVER_AUTH);
    let scep = scep_profile(Some(LONG));
    let (client, server) = (usages("c", &[client_auth]), usages("s", &[server_auth]));
    check(&scep, &[&client, &client], &[]);
    let both = (
        usages("a", &[client_auth, server_auth]),
        usages("b", &[server_auth, client_auth]),
    );
    check(&scep, &[&both.0, &both.1], &[]);
    let warning = scep.warnings(&[&server, &client], None);
    assert_eq!(
        warning[0].to_string(),
        "The SCEP Profile leads to RA Profiles with different extendedKeyUsage, between which a device chooses by its URL: \
         c (clientAuth), s (serverAuth)."
    );
    check(
        &scep,
        &[&usages("n", &[]), &client],
        &[Warning::Usages(vec![
            ("c".to_owned(), BTreeSet::from(["clientAuth".to_owned()])),
            ("n".to_owned(), BTreeSet::new()),
        ])],
    );
}

#[test]
fn an_ec_authority_that_clients_see_causes_a_warning() {
    let mut scep = scep_profile(Some(LONG));
    let warned = |scep: &ScepProfile, key| scep.warnings(&[], Some(key));
    assert_eq!(warned(&scep, KeyAlgorithm::EcP256), [Warning::EcAuthority]);
    assert_eq!(warned(&scep, KeyAlgorithm::EcP521), [Warning::EcAuthority]);
    assert_eq!(warned(&scep, KeyAlgorithm::Rsa4096), []);
    scep.settings.ca_certificate_form = CaCertificateForm::RaOnly;
    assert_eq!(warned(&scep, KeyAlgorithm::EcP256), []);
}

#[test]
fn a_profile_leads_to_its_default_and_to_where_it_is_activated() {
    let scep = scep_profile(None);
    let mut found = ra_profile("r", |_| {});
    assert!(scep.leads_to(&found));
    found.uuid = RaProfileUuid::from_u128(9);
    assert!(!scep.leads_to(&found));
    found.scep = Some(ScepActivation {
        scep_profile: scep.uuid,
        issue_certificate_attributes: Default::default(),
    });
    assert!(scep.leads_to(&found));
}

#[test]
fn sources_that_defeat_or_hide_each_other_cause_a_warning() {
    use ChallengeSourceKind::{Intune, OneTime, Static, Webhook};
    let with = |sources: &[ChallengeSourceKind], gate, notify: &[NotificationKind]| ScepProfile {
        chosen_sources: Some(sources.iter().copied().collect()),
        webhook: Some(WebhookSettings {
            url: "https://hooks.example/".to_owned(),
            secret: SealedSecret::new("sealed".to_owned()),
            timeout_seconds: 3,
            gate,
            notify: notify.iter().copied().collect(),
        }),
        ..scep_profile(Some(LONG))
    };
    let shared = Warning::SharedBesideOneTime;
    check(
        &with(&[OneTime, Static, Webhook], false, &[]),
        &[],
        std::slice::from_ref(&shared),
    );
    check(&with(&[OneTime, Static], true, &[]), &[], &[shared]);
    check(&with(&[OneTime, Webhook], false, &[]), &[], &[]);
    let behind = Warning::WebhookBehindIntune;
    check(&with(&[Intune, Webhook], false, &[]), &[], &[behind]);
    check(&with(&[Intune, Webhook], true, &[]), &[], &[]);
    check(&with(&[OneTime], false, &[]), &[], &[Warning::WebhookIdle]);
    check(
        &with(&[OneTime], false, &[NotificationKind::Issued]),
        &[],
        &[],
    );
    // A challengePassword that authorises nothing is not judged, and a gate decides about names.
    let mut unused = with(&[OneTime], true, &[]);
    unused.challenge_traits = None;
    let free = ra_profile("r", |_| {});
    check(&unused, &[&free], &[]);
    check(&with(&[Static], true, &[]), &[&free], &[]);
}
