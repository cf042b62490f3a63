//! The search for certificates by subjectAltName in the management API.

use scep_cms::certificate::Certificate;
use scepter_tests::admin::certificate_uuid;
use scepter_tests::asn1::{
    EMAIL, IP, URI, common_name, dns, element, other_name, subject_alt_name, upn,
};
use serde_json::{Value, json};

use crate::enrol::habits::names::Asking;

/// The type of an otherName that is a text.
const ASSET: &str = "1.3.6.1.4.1.99999.1";

/// Enrols with this CN and these names.
async fn enrol_names(asking: &Asking, subject: &str, names: &[Vec<u8>]) -> Certificate {
    let extensions = [subject_alt_name(names)];
    asking
        .ask(&common_name(subject), &extensions)
        .await
        .unwrap()
}

/// The CNs of the certificates that a query finds, in order, in pages of two.
async fn find_names(asking: &Asking, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/certificates?limit=2&{query}&cursor={cursor}");
        let page = asking.admin.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["commonName"].to_string()));
        let Value::String(next) = &page["cursor"] else {
            return found;
        };
        cursor = next.clone();
    }
}

/// Checks which CNs a query finds.
async fn check_found(asking: &Asking, query: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|name| format!("{name:?}")).collect();
    assert_eq!(find_names(asking, query).await, expected, "{query}");
}

#[tokio::test]
async fn a_name_of_each_type_is_found_by_its_beginning() {
    let asking = Asking::new().await;
    let types = ["dns", "email", "uri", "ip", "upn", ASSET];
    let patterns = json!({ "email": ".*", "uri": ".*", "upn": ".*" });
    let rule = json!({ "types": types, "patterns": patterns });
    let answer = asking.put_rules(json!({ "subjectAltName": rule })).await;
    assert!(answer.status.is_success(), "{answer:?}");
    let text = element(0x0c, &[b"Asset 4711"]);
    let names = [
        dns("Router-1.corp.example"),
        element(EMAIL, &[b"Ops@corp.example"]),
        element(URI, &[b"urn:uuid:0F0F"]),
        element(IP, &[&[192, 0, 2, 1]]),
        upn("alice@corp.example"),
        other_name(ASSET, &text),
    ];
    enrol_names(&asking, "all", &names).await;
    enrol_names(&asking, "one", &[dns("printer.example")]).await;
    for query in [
        "router-1",
        "ROUTER-1.corp.example",
        "DNS%3Arouter",
        "ops%40",
        "email%3Aops",
        "urn%3Auuid%3A0f",
        "192.0.",
        "IP%3A192.0.2.1",
        "alice%40CORP",
        "UPN%3Aalice",
        "asset%204711",
        "otherName%201.3.6.1.4.1.99999.1%3AAsset",
    ] {
        check_found(&asking, &format!("subjectAltName={query}"), &["all"]).await;
    }
    // Nothing but the beginning of a name is found, and a CN is none.
    for query in [
        "corp",
        "all",
        "DNS%3Aalice",
        "router-2",
        "*",
        "%25",
        "r%2A",
        "%5C",
        "%27%20or",
    ] {
        check_found(&asking, &format!("subjectAltName={query}"), &[]).await;
    }
    // An empty parameter is no filter.
    assert_eq!(find_names(&asking, "subjectAltName=").await.len(), 2);
}

#[tokio::test]
async fn more_matches_than_a_page_holds_come_once_each_and_other_filters_narrow_them_down() {
    let asking = Asking::new().await;
    let mut leaves = Vec::new();
    for number in 0..5 {
        let name = |letter| dns(&format!("h{letter}{number}.example"));
        let names = [name('b'), name('a'), name('c')];
        leaves.push(enrol_names(&asking, &format!("device-{number}"), &names).await);
    }
    enrol_names(&asking, "other", &[dns("other.example")]).await;
    enrol_names(&asking, "nameless", &[]).await;
    let all = ["device-0", "device-1", "device-2", "device-3", "device-4"];
    check_found(&asking, "subjectAltName=h", &all).await;
    check_found(&asking, "subjectAltName=hc", &all).await;
    let revoked = asking.admin.revoke(&leaves[3], json!({})).await;
    assert!(revoked.status.is_success(), "{revoked:?}");
    check_found(&asking, "subjectAltName=h&status=REVOKED", &["device-3"]).await;
    let valid = ["device-0", "device-1", "device-2", "device-4"];
    check_found(&asking, "subjectAltName=h&status=VALID", &valid).await;
    check_found(&asking, "subjectAltName=h&subject=device-2", &["device-2"]).await;
    check_found(&asking, "subjectAltName=ha1&subject=device-2", &[]).await;
    let serial = certificate_uuid(&leaves[4]).simple();
    let query = format!("serialNumber={serial}&subjectAltName");
    check_found(&asking, &format!("{query}=hb4"), &["device-4"]).await;
    check_found(&asking, &format!("{query}=hb3"), &[]).await;
    // The names are in no other list.
    assert_eq!(find_names(&asking, "status=VALID").await.len(), 6);
    assert_eq!(find_names(&asking, "subject=h").await.len(), 0);
    assert_eq!(find_names(&asking, "subject=O%3DCorp").await.len(), 0);
}

#[tokio::test]
async fn a_search_that_no_name_could_match_is_rejected() {
    let asking = Asking::new().await;
    let long = "a".repeat(256);
    let at_most = "subjectAltName: at most 255 characters";
    let hidden = "subjectAltName: without control characters";
    for (text, expected) in [
        (long.as_str(), at_most),
        (&"%C3%A9".repeat(256), at_most),
        ("a%00", hidden),
        ("%0D%0Aa", hidden),
        ("a%1B%5B31m", hidden),
        ("a%C2%85", hidden),
    ] {
        let path = format!("/certificates?subjectAltName={text}");
        assert_eq!(asking.admin.get(&path).await.reasons(), [expected]);
    }
    let longest = "%C3%A9".repeat(255);
    check_found(&asking, &format!("subjectAltName={longest}"), &[]).await;
    let path = "/certificates?subjectAltName=a&cursor=x";
    assert_eq!(asking.admin.get(path).await.reasons().len(), 1);
    // No certificate has what is not UTF-8.
    check_found(&asking, "subjectAltName=%FF", &[]).await;
}
