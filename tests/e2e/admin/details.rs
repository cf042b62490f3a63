//! What the management API decodes of certificates.

use scepter_tests::admin::{administered, certificate_uuid, text};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};

/// The identifiers of keys that openssl prints for an extension.
fn print_identifier(der: &scep_cms::certificate::Certificate, extension: &str) -> String {
    let printed = openssl::print(der, &["-ext", extension]);
    let line = printed.lines().nth(1).unwrap().trim();
    line.trim_start_matches("keyid:").replace(':', "")
}

#[tokio::test]
async fn a_certificate_is_shown_decoded_as_openssl_decodes_it() {
    let (world, admin, _, _, ra_certificate) = administered().await;
    let device = Device::rsa();
    let csr = device.csr("router-1", Some(CHALLENGE), &["router-1.corp.example"]);
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let uuid = certificate_uuid(&leaf);
    let shown = admin
        .get(&format!("/certificates/{uuid}"))
        .await
        .expect(200);
    let shown = &shown["certificate"];
    let expected = json!({
        "subjectAltNames": ["DNS:router-1.corp.example"],
        "keyUsage": ["digitalSignature", "keyEncipherment"],
        "extendedKeyUsage": ["clientAuth"],
        "keyAlgorithm": "RSA_2048",
        "signatureAlgorithm": "ecdsa-with-SHA256",
        "authorityKeyIdentifier": print_identifier(&leaf, "authorityKeyIdentifier"),
        "subjectKeyIdentifier": print_identifier(&leaf, "subjectKeyIdentifier"),
        "crlDistributionPoints": ["http://scep.example/crl/test-ca.crl"],
        "isCa": false,
        "pathLength": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(shown[field], *value, "{field}");
    }

    let authority = admin.get("/authorities").await.expect(200)[0].clone();
    let shown = &authority["certificate"];
    assert_eq!(
        shown["keyUsage"],
        json!(["digitalSignature", "keyCertSign", "cRLSign"])
    );
    assert_eq!(
        (&shown["isCa"], &shown["keyAlgorithm"]),
        (&json!(true), &json!("EC_P256"))
    );
    let identifier = print_identifier(&world.authority, "subjectKeyIdentifier");
    assert_eq!(shown["subjectKeyIdentifier"], identifier);
    assert_eq!(shown["subjectAltNames"], json!([]));
    let path = format!(
        "/authorities/{}/raCertificates/{ra_certificate}",
        text(&authority["uuid"])
    );
    let shown = admin.get(&path).await.expect(200)["certificate"].clone();
    assert_eq!(shown["authorityKeyIdentifier"], identifier);
    assert_eq!(shown["extendedKeyUsage"], json!(["serverAuth"]));
    assert_eq!(
        (&shown["isCa"], &shown["pathLength"]),
        (&json!(false), &Value::Null)
    );
}
