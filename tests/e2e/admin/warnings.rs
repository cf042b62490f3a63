//! Settings that the API permits but no profile should have: every answer about the profile warns
//! about them, and no edit is refused for them.

use scepter_tests::admin::administered;
use scepter_tests::world::CHALLENGE;
use serde_json::json;

#[tokio::test]
async fn profiles_warn_of_what_they_allow() {
    let (_world, admin, ra_profile, scep_profile, _) = administered().await;
    let scep = format!("/scepProfiles/{scep_profile}");
    let ra = format!("/raProfiles/{ra_profile}");
    let warnings = async |path: &str| -> Vec<String> {
        let shown = admin.get(path).await.expect(200);
        let listed = admin
            .get(path.rsplit_once('/').unwrap().0)
            .await
            .expect(200);
        assert_eq!(
            shown["warnings"], listed[0]["warnings"],
            "the list shows other warnings"
        );
        let warnings = shown["warnings"].as_array().unwrap().iter();
        warnings
            .map(|warning| warning.as_str().unwrap().to_owned())
            .collect()
    };
    #[track_caller]
    fn assert_warnings(warnings: &[String], beginnings: &[&str]) {
        let begin = |(warning, beginning): (&String, &&str)| warning.starts_with(*beginning);
        let fits = warnings.len() == beginnings.len() && warnings.iter().zip(beginnings).all(begin);
        assert!(fits, "{warnings:#?}");
        assert!(!warnings.concat().contains(CHALLENGE));
    }
    const SHORT: &str = "challengePassword: it has fewer than 16 characters";
    const WINDOWS: &str = "challengePassword: it holds characters that Windows cannot send";
    const EC: &str = "caCertificateForm: the authority has an EC key";
    const IDENTITIES: &str = "RA Profile default: every holder of the shared challengePassword may choose the CN \
                              (subject.commonNamePattern) and names of type dns, ip (subjectAltName.patterns)";
    const USAGES: &str = "The SCEP Profile leads to RA Profiles with different extendedKeyUsage";
    assert_warnings(&warnings(&scep).await, &[SHORT, EC, IDENTITIES]);
    assert_warnings(&warnings(&ra).await, &[IDENTITIES]);
    // The answer to a PUT contains the warnings too.
    let body =
        json!({ "challengePassword": "sixteen_or_more_characters", "caCertificateForm": "raOnly" });
    let shown = admin.put(&scep, body).await.expect(200);
    assert!(
        shown["warnings"][0].as_str().unwrap().starts_with(WINDOWS),
        "{shown}"
    );
    assert_warnings(&warnings(&scep).await, &[WINDOWS, IDENTITIES]);
    let body =
        json!({ "challengePassword": "sixteen-or-more-characters", "requireManualApproval": true });
    admin.put(&scep, body).await.expect(200);
    assert_warnings(&warnings(&scep).await, &[]);
    assert_warnings(&warnings(&ra).await, &[]);
    let body = json!({ "requireManualApproval": false });
    admin.put(&scep, body).await.expect(200);
    let template = json!({ "subject": { "commonNamePattern": "r-[0-9]+" }, "subjectAltName": { "types": [] } });
    let body = json!({ "certificateTemplate": template });
    admin.put(&ra, body).await.expect(200);
    assert_warnings(&warnings(&scep).await, &[]);
    assert_warnings(&warnings(&ra).await, &[]);
    // A second RA Profile, for servers: a device can choose between the two by the URL.
    let authority = admin.get(&ra).await.expect(200)["authorityInstanceUuid"].clone();
    let path = format!("/authorities/{}/raProfiles", authority.as_str().unwrap());
    let template = json!({ "extendedKeyUsage": ["serverAuth"] });
    let body = json!({ "name": "servers", "certificateTemplate": template });
    let made = admin.post(&path, body).await.expect(201);
    assert_eq!(made["warnings"], json!([]));
    let servers = made["uuid"].as_str().unwrap();
    let activate = format!("/raProfiles/{servers}/protocols/scep/activate/{scep_profile}");
    admin.patch(&activate).await.expect(200);
    assert_warnings(&warnings(&scep).await, &[USAGES]);
    // The API warns about an RA Profile when it is created, before any SCEP Profile links to it.
    let made = admin
        .post(&path, json!({ "name": "anybody" }))
        .await
        .expect(201);
    let text = made["warnings"][0].as_str().unwrap();
    assert!(
        text.starts_with("RA Profile anybody: every holder"),
        "{text}"
    );
}
