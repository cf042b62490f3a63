//! The subjects and names that clients write, each test named after the clients: what is issued,
//! and the reason if nothing is.

use std::sync::atomic::{AtomicU32, Ordering};

use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::certificate::Certificate;
use scepter_tests::admin::{Admin, Answer, administered};
use scepter_tests::asn1::{
    EMAIL, IP, URI, common_name, dns, element, extension, integer, name, other_name, request_info,
    subject_alt_name, upn,
};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::World;
use serde_json::{Value, json};

/// A device, and an administrator who sets the rules for it.
pub(crate) struct Asking {
    pub(crate) world: World,
    pub(crate) admin: Admin,
    pub(crate) ra_profile: String,
    pub(crate) scep_profile: String,
    pub(crate) device: Device,
    requests: AtomicU32,
}

/// The OID of an unknown extension, which the server ignores in requests.
const UNKNOWN: &str = "1.3.6.1.4.1.99999.9";

impl Asking {
    pub(crate) async fn new() -> Self {
        let (world, admin, ra_profile, scep_profile, _) = administered().await;
        Self {
            world,
            admin,
            ra_profile,
            scep_profile,
            device: Device::rsa(),
            requests: AtomicU32::new(0),
        }
    }

    /// Sets the rules of the RA Profile.
    pub(crate) async fn put_rules(&self, template: Value) -> Answer {
        let path = format!("/raProfiles/{}", self.ra_profile);
        let body = json!({ "certificateTemplate": template });
        self.admin.put(&path, body).await
    }

    /// Requests a certificate and returns it, or failInfo and failInfoText.
    pub(crate) async fn ask(
        &self,
        subject: &[u8],
        extensions: &[Vec<u8>],
    ) -> Result<Certificate, (FailInfo, String)> {
        let spki = self.device.certificate.subject_public_key_info();
        self.ask_by(&self.device, subject, spki, extensions).await
    }

    /// Requests a certificate for this key; the device signs the request and the message.
    pub(crate) async fn ask_by(
        &self,
        device: &Device,
        subject: &[u8],
        spki: &[u8],
        extensions: &[Vec<u8>],
    ) -> Result<Certificate, (FailInfo, String)> {
        // Make each request unique with an unknown extension: an identical request would get the
        // earlier certificate again, whatever the present rules.
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let another = extension(UNKNOWN, &count.to_be_bytes());
        let info = request_info(subject, spki, &[extensions, &[another]].concat());
        let request = device.request(device.sign_request(&info));
        let reply = self.world.ask(device, &request).await;
        match reply.attributes.pki_status {
            PkiStatus::Failure => Err(reply.failure()),
            PkiStatus::Success | PkiStatus::Pending => Ok(reply.leaf()),
        }
    }

    /// Requests these names with `CN=x` and asserts a refusal whose reason contains all of these
    /// parts.
    pub(crate) async fn assert_refused(&self, names: &[Vec<u8>], parts: &[&str]) {
        let extensions = [subject_alt_name(names)];
        let asked = self.ask(&common_name("x"), &extensions).await;
        let (fail_info, text) = asked.unwrap_err();
        assert_eq!(fail_info, FailInfo::BadRequest);
        for part in parts {
            assert!(text.contains(part), "{text}: {part}");
        }
    }

    /// Requests these names with `CN=x` and returns the issued names as printed by openssl.
    pub(crate) async fn issue_names(&self, names: &[Vec<u8>]) -> String {
        let extensions = [subject_alt_name(names)];
        let asked = self.ask(&common_name("x"), &extensions).await;
        openssl::print_extension(&asked.unwrap(), "subjectAltName")
    }
}

#[tokio::test]
async fn apple_writes_an_extension_of_no_names() {
    let asking = Asking::new().await;
    assert_eq!(asking.issue_names(&[]).await, "");
    // An empty extension does not identify the device, so a subject is required.
    let nobody = asking.ask(&name(&[]), &[subject_alt_name(&[])]).await;
    let (fail_info, text) = nobody.unwrap_err();
    assert_eq!(fail_info, FailInfo::BadRequest);
    assert!(text.contains("neither a subject nor"), "{text}");
}

#[tokio::test]
async fn profile_generators_write_blank_names_for_variables_without_value() {
    let asking = Asking::new().await;
    let good = || dns("a.example");
    let only_good = "DNS:a.example\n";
    assert!(
        asking
            .issue_names(&[good(), dns("")])
            .await
            .ends_with(only_good)
    );
    assert!(
        asking
            .issue_names(&[element(EMAIL, &[b""]), good()])
            .await
            .ends_with(only_good)
    );
    for blank in [
        element(EMAIL, &[b""]),
        dns(""),
        element(URI, &[b""]),
        upn(""),
        element(IP, &[&[]]),
    ] {
        assert_eq!(asking.issue_names(&[blank]).await, "");
    }
}

/// The names in certmonger's request for a FreeIPA host, a UPN and a KRB5PrincipalName; this one is
/// the KRB5PrincipalName.
fn build_principal() -> Vec<u8> {
    let string = |text: &str| element(0x1b, &[text.as_bytes()]);
    let names = element(0x30, &[&string("host"), &string("a.example")]);
    let kind = element(0xa0, &[&integer(&[1])]);
    let principal = element(0x30, &[&kind, &element(0xa1, &[&names])]);
    let realm = element(0xa0, &[&string("EXAMPLE")]);
    let value = element(0x30, &[&realm, &element(0xa1, &[&principal])]);
    other_name("1.3.6.1.5.2.2", &value)
}

#[tokio::test]
async fn freeipa_hosts_name_their_kerberos_principal() {
    let asking = Asking::new().await;
    let names = || [dns("a.example"), build_principal()];
    let kind = "subjectAltName[1] otherName 1.3.6.1.5.2.2 \"host/a.example@EXAMPLE\"";
    asking
        .assert_refused(&names(), &["subjectAltName.types", kind])
        .await;
    let types = |types: Value| json!({ "subjectAltName": types });
    asking
        .put_rules(types(json!({ "ignoreOthers": true })))
        .await
        .expect(200);
    let printed = asking.issue_names(&names()).await;
    assert!(printed.ends_with("    DNS:a.example\n"), "{printed}");
    let kerberos = json!(["dns", "1.3.6.1.5.2.2"]);
    asking
        .put_rules(types(json!({ "types": kerberos })))
        .await
        .expect(200);
    let issued = |certificate: &Certificate| {
        let der = certificate.der();
        let principal = build_principal();
        assert!(der.windows(principal.len()).any(|part| part == principal));
    };
    let extension = [subject_alt_name(&names())];
    issued(&asking.ask(&common_name("x"), &extension).await.unwrap());
    // Any client that knows the challenge could claim to be any host: the API warns about that
    // until a pattern restricts the names.
    let path = format!("/scepProfiles/{}", asking.scep_profile);
    let shown = asking.admin.get(&path).await.expect(200);
    let warnings = shown["warnings"].to_string();
    assert!(warnings.contains("1.3.6.1.5.2.2"), "{warnings}");
    let of = |pattern: &str| json!({ "types": kerberos, "patterns": { "1.3.6.1.5.2.2": pattern } });
    asking
        .put_rules(types(of("host/[a-z.]+@EXAMPLE")))
        .await
        .expect(200);
    issued(&asking.ask(&common_name("y"), &extension).await.unwrap());
    asking
        .put_rules(types(of("[^/]+@EXAMPLE")))
        .await
        .expect(200);
    asking
        .assert_refused(&names(), &["subjectAltName.patterns", kind])
        .await;
}

#[tokio::test]
async fn domain_controllers_and_idevids_ask_for_types_that_no_rule_can_allow() {
    let asking = Asking::new().await;
    let directory = element(0xa4, &[&common_name("admin")]);
    let registered = element(0x88, &[&[0x2a, 3, 4]]);
    let guid = other_name("1.3.6.1.4.1.311.25.1", &element(0x04, &[&[7; 16]]));
    let others = [
        (&directory, "subjectAltName[1] directoryName \"CN=admin\""),
        (&registered, "subjectAltName[1] registeredID \"1.2.3.4\""),
        (&guid, "subjectAltName[1] otherName 1.3.6.1.4.1.311.25.1"),
    ];
    for (other, text) in others {
        let names = [dns("a.example"), other.clone()];
        asking
            .assert_refused(&names, &["subjectAltName.types", text])
            .await;
    }
    asking
        .put_rules(json!({ "subjectAltName": { "ignoreOthers": true } }))
        .await
        .expect(200);
    for (other, _) in others {
        let printed = asking.issue_names(&[dns("a.example"), other.clone()]).await;
        assert!(printed.ends_with("    DNS:a.example\n"), "{printed}");
    }
    asking
        .put_rules(json!({ "subjectAltName": { "types": ["dns", "1.3.6.1.4.1.311.25.1"] } }))
        .await
        .expect(200);
    let extension = subject_alt_name(&[dns("a.example"), guid.clone()]);
    let issued = asking.ask(&common_name("x"), &[extension]).await.unwrap();
    assert!(issued.der().windows(guid.len()).any(|part| part == guid));
}

/// KB5014754: to Active Directory, the holder of a certificate with one of these names is that
/// account.
#[tokio::test]
async fn active_directory_trusts_a_sid_or_upn_wherever_it_stands() {
    let asking = Asking::new().await;
    let tag = element(
        URI,
        &[b"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1004336348-1177238915-682003330-512"],
    );
    let sid = other_name("1.3.6.1.4.1.311.25.2.1", &element(0x04, &[b"S-1-5-21-1"]));
    let administrator = upn("administrator@corp.example");
    for ignore in [false, true] {
        asking
            .put_rules(json!({ "subjectAltName": { "ignoreOthers": ignore } }))
            .await
            .expect(200);
        for name in [&tag, &sid] {
            asking
                .assert_refused(std::slice::from_ref(name), &["rule sid"])
                .await;
            let names = [dns("a.example"), element(URI, &[b"a:b"]), name.clone()];
            let asked = asking
                .ask(&common_name("x"), &[subject_alt_name(&names)])
                .await;
            assert!(asked.is_err());
        }
        let names = [dns("a.example"), administrator.clone()];
        let asked = asking
            .ask(&common_name("x"), &[subject_alt_name(&names)])
            .await;
        match asked {
            Ok(certificate) => {
                let printed = openssl::print_extension(&certificate, "subjectAltName");
                assert!(ignore && !printed.contains("othername"), "{printed}");
            }
            Err(_) => assert!(!ignore),
        }
    }
    // An OID cannot be used to bypass the rules for SIDs and UPNs.
    let types = |types: Value| json!({ "subjectAltName": { "types": types } });
    let reasons = asking
        .put_rules(types(json!(["1.3.6.1.4.1.311.20.2.3"])))
        .await
        .reasons()
        .join("; ");
    assert!(reasons.contains("patterns.upn: required"), "{reasons}");
    for sid in ["1.3.6.1.4.1.311.25.2", "1.3.6.1.4.1.311.25.2.1"] {
        let reasons = asking
            .put_rules(types(json!([sid])))
            .await
            .reasons()
            .join("; ");
        assert!(
            reasons.contains("not accepted from any request"),
            "{reasons}"
        );
    }
    for account in ["1.3.6.1.4.1.311.25.2", "1.3.6.1.4.1.311.20.2.3"] {
        for subject in [
            json!({ "allowed": [account] }),
            json!({ "required": [account] }),
            json!({ "fixed": { account: "administrator@corp.example" } }),
        ] {
            let reasons = asking
                .put_rules(json!({ "subject": subject }))
                .await
                .reasons()
                .join("; ");
            assert!(reasons.contains("not allowed in a subject"), "{reasons}");
        }
    }
    // The rule for UPNs applies whether it is given by name or by OID, and to either string type.
    asking
        .put_rules(json!({ "subjectAltName": {
            "types": ["1.3.6.1.4.1.311.20.2.3"], "patterns": { "upn": "[a-z]+@corp[.]example" }
        } }))
        .await
        .expect(200);
    let ia5 = other_name(
        "1.3.6.1.4.1.311.20.2.3",
        &element(0x16, &[b"a@corp.example"]),
    );
    for name in [upn("a@corp.example"), ia5] {
        let extension = [subject_alt_name(&[name])];
        let issued = asking.ask(&common_name("x"), &extension).await.unwrap();
        let utf8 = upn("a@corp.example");
        assert!(issued.der().windows(utf8.len()).any(|part| part == utf8));
    }
    asking
        .assert_refused(&[upn("a@evil.example")], &["a@evil.example"])
        .await;
}

/// What MDMs, phones and administrators write into a name by mistake. The refusal quotes the name,
/// and states its place and what is wrong.
#[tokio::test]
async fn mdms_fill_variables_with_what_is_no_name() {
    let asking = Asking::new().await;
    asking.put_rules(json!({ "subjectAltName": {
            "types": ["dns", "ip", "email", "uri", "upn"], "patterns": { "email": ".*", "uri": ".*", "upn": ".*" }
        } }))
        .await.expect(200);
    let good = || dns("a.example");
    for (name, text) in [
        (
            dns("Jane's iPad"),
            r#"dNSName "Jane's iPad" is not a DNS name: it has white space"#,
        ),
        (
            element(EMAIL, &[b"{{mail}}"]),
            r#"rfc822Name "{{mail}}" is not an e-mail address: it is a variable without its value"#,
        ),
        (
            dns("host.example.com:443"),
            r#"dNSName "host.example.com:443" is not a DNS name: it has a port"#,
        ),
        (
            element(URI, &[b"www.example.com/a"]),
            r#"uniformResourceIdentifier "www.example.com/a" is not a URI: it has no scheme"#,
        ),
        (
            element(0x82, &["br\u{f6}.example".as_bytes()]),
            "dNSName \"br\u{f6}.example\" is not a DNS name: it is not written in ASCII",
        ),
        (
            dns("a\u{1b}[31m"),
            r#"dNSName "a\u{1b}[31m" holds a control character"#,
        ),
        (
            element(IP, &[&[10, 0, 0]]),
            r#"iPAddress "0a0000" is not 4 or 16 octets"#,
        ),
    ] {
        let text = format!("rule subjectAltName: subjectAltName[1] {text}");
        asking.assert_refused(&[good(), name], &[&text]).await;
    }
    let long = dns(&"a".repeat(300));
    let names = [good(), long];
    let asked = asking
        .ask(&common_name("x"), &[subject_alt_name(&names)])
        .await;
    let (_, text) = asked.unwrap_err();
    assert!(text.len() < 300 && text.contains("aaaa…"), "{text}");
    // A final dot does not change the name.
    let printed = asking.issue_names(&[dns("host.example.com.")]).await;
    assert!(printed.ends_with("DNS:host.example.com\n"), "{printed}");
}

#[tokio::test]
async fn a_fleet_of_names_in_one_request_is_told_their_number() {
    let asking = Asking::new().await;
    let names = |count| -> Vec<_> { (0..count).map(|n| dns(&format!("a-{n}.example"))).collect() };
    let printed = asking.issue_names(&names(100)).await;
    assert_eq!(printed.matches("DNS:").count(), 100);
    let text = "rule subjectAltName: 101 names, at most 100 are allowed";
    asking.assert_refused(&names(101), &[text]).await;
}

#[tokio::test]
async fn hosts_are_named_in_many_ways_that_are_right() {
    let asking = Asking::new().await;
    asking
        .put_rules(json!({ "subjectAltName": { "patterns": { "dns": ".*" } } }))
        .await
        .expect(200);
    for host in [
        "my_host.example.com",
        "host1",
        "*.example.com",
        "HOST.Example.COM",
        "xn--bro-hoa.example.com",
    ] {
        let printed = asking.issue_names(&[dns(host)]).await;
        assert!(printed.ends_with(&format!("DNS:{host}\n")), "{printed}");
    }
}

#[tokio::test]
async fn intune_spiffe_and_others_have_names_of_their_own() {
    let asking = Asking::new().await;
    asking.put_rules(json!({ "subjectAltName": {
            "types": ["dns", "ip", "email", "uri", "upn"], "patterns": { "email": ".*", "uri": ".*", "upn": ".*" }
        } }))
        .await.expect(200);
    for (name, printed) in [
        (
            element(
                URI,
                &[b"IntuneDeviceId://0f0f0f0f-0000-4000-8000-000000000001"],
            ),
            "URI:IntuneDeviceId://0f0f0f0f-0000-4000-8000-000000000001",
        ),
        (
            element(URI, &[b"urn:uuid:0f0f0f0f-0000-4000-8000-000000000001"]),
            "URI:urn:uuid:0f0f0f0f-0000-4000-8000-000000000001",
        ),
        (
            element(URI, &[b"spiffe://corp.example/router"]),
            "URI:spiffe://corp.example/router",
        ),
        (element(IP, &[&[10, 0, 0, 1]]), "IP Address:10.0.0.1"),
        (
            element(IP, &[&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]),
            "IP Address:FD00:0:0:0:0:0:0:1",
        ),
        (element(EMAIL, &[b"a@corp.example"]), "email:a@corp.example"),
        (upn("j\u{fc}rgen@corp.example"), "UPN:"),
    ] {
        let names = asking.issue_names(&[name]).await;
        assert!(names.contains(printed), "{names}");
    }
}
