//! The rules of an RA Profile, set through the API and tested with a device.

use std::time::Duration;

use scep_cms::certificate::Certificate;
use scepter_tests::openssl;
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};

use crate::enrol::habits::names::Asking;

/// Requests `CN=common_name, O=Corp` with these subjectAltNames under these rules, and returns
/// the certificate or failInfoText.
async fn ask_under_rules(
    asking: &Asking,
    template: Value,
    common_name: &str,
    names: &[&str],
) -> Result<Certificate, String> {
    asking.put_rules(template).await.expect(200);
    let csr = asking.device.csr(common_name, Some(CHALLENGE), names);
    let request = asking.device.request(csr);
    let reply = asking.world.ask(&asking.device, &request).await;
    match reply.attributes.pki_status {
        scep_cms::attribute::PkiStatus::Success => Ok(reply.leaf()),
        scep_cms::attribute::PkiStatus::Pending => Err(PENDING.to_owned()),
        scep_cms::attribute::PkiStatus::Failure => Err(reply.failure().1),
    }
}

/// The result of [`ask_under_rules`] for a request that awaits approval.
const PENDING: &str = "PENDING";

#[tokio::test]
async fn each_rule_that_a_request_breaks_names_itself() {
    let asking = Asking::new().await;
    for (template, common_name, names, text) in [
        (
            json!({ "rsaMinBits": 3072 }),
            "a",
            &[][..],
            "rule rsaMinBits: 2048 bits, at least 3072 are required",
        ),
        (
            json!({ "keyUsage": ["keyAgreement"] }),
            "a",
            &[],
            "rule keyUsage: an RSA key can do none of keyAgreement",
        ),
        (
            json!({ "subject": { "required": ["CN", "OU"] } }),
            "a",
            &[],
            "rule subject.required: the subject has no OU",
        ),
        (
            json!({ "subject": { "allowed": ["CN"] } }),
            "a",
            &[],
            r#"rule subject.allowed: subject[0] O "Corp": O is not allowed"#,
        ),
        (
            json!({ "subject": { "fixed": { "O": "Other" } } }),
            "a",
            &[],
            "rule subject.fixed: O has another value: \"Corp\"",
        ),
        (
            json!({ "subject": { "commonNamePattern": "r-[0-9]+" } }),
            "a",
            &[],
            "rule subject.commonNamePattern: the CN does not match: \"a\"",
        ),
        (
            json!({ "subjectAltName": { "types": ["ip"] } }),
            "a",
            &["a.example"],
            r#"rule subjectAltName.types: subjectAltName[0] dNSName "a.example": dns is not allowed"#,
        ),
        (
            json!({ "subjectAltName": { "patterns": { "dns": ".*\\.example" } } }),
            "a",
            &["a.example", "b.test"],
            r#"rule subjectAltName.patterns: subjectAltName[1] dNSName "b.test" does not match the pattern for dns"#,
        ),
        (
            json!({ "subjectAltName": { "patterns": { "ip": "10\\..*" } } }),
            "a",
            &["192.0.2.1"],
            r#"rule subjectAltName.patterns: subjectAltName[0] iPAddress "192.0.2.1" does not match the pattern for ip"#,
        ),
        (
            json!({ "subjectAltName": { "commonNameAsDns": true } }),
            "a b",
            &[],
            r#"rule subjectAltName.commonNameAsDns: the CN "a b" is not a DNS name: it has white space"#,
        ),
    ] {
        let refused = ask_under_rules(&asking, template.clone(), common_name, names).await;
        assert_eq!(refused, Err(text.to_owned()), "{template}");
    }
}

/// A device whose reply was lost gets its certificate again, even if the rules have changed since.
#[tokio::test]
async fn what_was_granted_is_sent_again_under_stricter_rules() {
    let asking = Asking::new().await;
    let device = &asking.device;
    let request = device.enrolment("a", CHALLENGE);
    let first = asking.world.ask(device, &request).await.leaf();
    let strict = json!({ "subject": { "commonNamePattern": "b" } });
    assert!(ask_under_rules(&asking, strict, "c", &[]).await.is_err());
    assert_eq!(asking.world.ask(device, &request).await.leaf(), first);
}

#[tokio::test]
async fn a_certificate_is_made_by_the_rules() {
    let asking = Asking::new().await;
    let template = json!({
        "validity": "P1M", "backdate": "P1D",
        "subject": { "fixed": { "O": "Corp", "C": "DE", "serialNumber": "17" }, "commonNamePattern": "r[.]example" },
        "subjectAltName": { "commonNameAsDns": true, "patterns": { "ip": "10\\..*", "dns": ".*\\.example" } },
        "keyUsage": ["digitalSignature", "keyAgreement"], "extendedKeyUsage": ["serverAuth", "emailProtection"]
    });
    let certificate = ask_under_rules(&asking, template, "r.example", &["10.0.0.1"])
        .await
        .unwrap();
    let text = openssl::print(
        &certificate,
        &[
            "-nameopt",
            "RFC2253",
            "-subject",
            "-ext",
            "subjectAltName,keyUsage,extendedKeyUsage",
        ],
    );
    // The request has O; C, which has the wider scope, is added behind it, and serialNumber, which
    // has a narrower scope than CN, before CN.
    assert!(
        text.contains("subject=serialNumber=17,CN=r.example,O=Corp,C=DE"),
        "{text}"
    );
    assert!(
        text.contains("IP Address:10.0.0.1, DNS:r.example"),
        "{text}"
    );
    // RSA keys cannot be used for keyAgreement, so it is left out.
    assert!(
        text.contains("Key Usage: critical\n    Digital Signature\n"),
        "{text}"
    );
    assert!(
        text.contains("TLS Web Server Authentication, E-mail Protection"),
        "{text}"
    );
    let validity = certificate.validity().unwrap();
    let now = scep_service::ports::Clock::now(&*asking.world.clock);
    assert_eq!(validity.not_before, now - Duration::from_secs(24 * 3600));
    let days = (validity.not_after - now).whole_days();
    assert!((28..=31).contains(&days), "{days}");
}

#[tokio::test]
async fn no_certificate_outlives_its_authority() {
    let asking = Asking::new().await;
    let end = asking.world.authority.validity().unwrap().not_after;
    let certificate = ask_under_rules(&asking, json!({ "validity": "P99Y" }), "a", &[])
        .await
        .unwrap();
    assert_eq!(certificate.validity().unwrap().not_after, end);
    let text = openssl::print(&certificate, &["-ext", "extendedKeyUsage"]);
    assert!(text.contains("TLS Web Client Authentication"), "{text}");
    let certificate = ask_under_rules(&asking, json!({ "extendedKeyUsage": [] }), "b", &[])
        .await
        .unwrap();
    assert!(openssl::print(&certificate, &["-ext", "extendedKeyUsage"]).is_empty());
}

/// A certificate's record contains the annotations of its SCEP Profile, or those of the activation
/// if it was requested at the RA Profile's endpoint.
#[tokio::test]
async fn what_a_profile_puts_on_records_is_on_the_certificates_record() {
    let asking = Asking::new().await;
    let admin = &asking.admin;
    let attribute = |name: &str| json!([{ "name": name, "content": [{ "data": 1 }] }]);
    let scep_profile = admin.find("/scepProfiles", "default").await;
    let body = json!({
        "issueCertificateAttributes": attribute("issue"), "customAttributes": attribute("custom"),
        "certificateAssociations": { "owner": "me", "groups": ["a", "b"], "customAttributes": attribute("of") }
    });
    admin
        .put(&format!("/scepProfiles/{scep_profile}"), body)
        .await
        .expect(200);
    let path = format!(
        "/raProfiles/{}/protocols/scep/activate/{scep_profile}",
        asking.ra_profile
    );
    let body = json!({ "issueCertificateAttributes": attribute("activated") });
    admin.call("PATCH", &path, body).await.expect(200);
    for (endpoint, name, expected) in [
        ("default", "a", "issue"),
        ("raProfile/default", "b", "activated"),
    ] {
        let csr = asking.device.csr(name, Some(CHALLENGE), &[]);
        let message = asking
            .device
            .message(&asking.device.request(csr), &asking.world.ra_certificate);
        let path = format!("/api/v1/protocols/scep/{endpoint}");
        let response = asking.world.send("POST", &path, message).await;
        asking
            .device
            .read(response.body(), &asking.world.ra_certificate)
            .leaf();
        let found = admin
            .get(&format!("/certificates?subject=CN={name}"))
            .await
            .expect(200);
        let uuid = found["items"][0]["uuid"].as_str().unwrap();
        let record = admin
            .get(&format!("/certificates/{uuid}"))
            .await
            .expect(200);
        assert_eq!(record["issueCertificateAttributes"], attribute(expected));
        assert_eq!(record["customAttributes"], attribute("custom"));
        assert_eq!(
            record["certificateAssociations"]["groups"],
            json!(["a", "b"])
        );
        assert_eq!(
            record["certificateAssociations"]["customAttributes"],
            attribute("of")
        );
        assert_eq!(record["status"], "VALID");
        assert_eq!(
            record["certificate"]["serialNumber"],
            record["serialNumber"]
        );
    }
}

#[tokio::test]
async fn a_profile_that_requires_approval_issues_nothing_by_itself() {
    let asking = Asking::new().await;
    let path = format!(
        "/scepProfiles/{}",
        asking.admin.find("/scepProfiles", "default").await
    );
    for (edit, text) in [
        (json!({ "requireManualApproval": true }), PENDING),
        (json!({ "enableChallengePassword": false }), PENDING),
        (
            json!({ "requireManualApproval": false }),
            "the profile has no challengePassword to authorise enrolments",
        ),
    ] {
        asking.admin.put(&path, edit).await.expect(200);
        assert_eq!(
            ask_under_rules(&asking, json!({}), "a", &[]).await,
            Err(text.to_owned())
        );
    }
    let none = asking.admin.get("/certificates").await.expect(200);
    assert_eq!(none["items"], json!([]));
}
