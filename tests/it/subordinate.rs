//! An authority under an outside CA: its request, and which certificates it takes.

use std::path::Path;
use std::process::Command;

use scepter_tests::admin::{Admin, text};
use scepter_tests::world::World;
use serde_json::json;

/// Runs openssl in a folder.
#[track_caller]
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// An outside CA: `NAME.key` and `NAME.pem`, self-signed with these extensions.
fn outside(folder: &Path, name: &str, extensions: &str) {
    let configuration =
        format!("[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n{extensions}");
    std::fs::write(folder.join(format!("{name}.cnf")), configuration).unwrap();
    openssl(
        folder,
        &format!("ecparam -name prime256v1 -genkey -noout -out {name}.key"),
    );
    openssl(
        folder,
        &format!(
            "req -x509 -new -key {name}.key -days 30 -subj /CN=outside-{name} -out {name}.pem -config {name}.cnf"
        ),
    );
}

/// Has `issuer` answer the request in `sub.csr`, or another one, with these extensions; PEM.
fn answer(folder: &Path, request: &str, issuer: &str, extensions: &str, more: &str) -> String {
    std::fs::write(folder.join("ext.cnf"), extensions).unwrap();
    openssl(
        folder,
        &format!(
            "x509 -req -in {request} -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -extfile ext.cnf -out answer.pem {more}"
        ),
    );
    std::fs::read_to_string(folder.join("answer.pem")).unwrap()
}

#[tokio::test]
async fn a_subordinate_takes_the_certificate_that_fits_it_and_no_other() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let body = json!({
        "name": "sub", "kind": "SUBORDINATE", "keyAlgorithm": "EC_P384", "subject": "CN=Sub CA,O=Corp"
    });
    let made = admin.post("/authorities", body).await.expect(201);
    assert_eq!(
        (&made["state"], &made["certificate"]),
        (&json!("AWAITING_CERTIFICATE"), &json!(null))
    );
    let path = format!("/authorities/{}", text(&made["uuid"]));
    let not_yet = admin
        .post(
            &format!("{path}/raCertificates"),
            json!({ "commonName": "RA" }),
        )
        .await;
    assert_eq!(
        not_yet.reasons(),
        ["the authority is not active: it awaits its certificate"]
    );

    let csr = admin.get(&format!("{path}/csr")).await;
    assert_eq!(csr.headers["content-type"], "application/x-pem-file");
    std::fs::write(folder.join("sub.csr"), text(&csr.body)).unwrap();
    openssl(folder, "req -in sub.csr -noout -verify");
    for name in ["root", "other"] {
        outside(folder, name, CA);
    }
    outside(folder, "leaf", "basicConstraints=critical,CA:FALSE\n");
    outside(
        folder,
        "short",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n",
    );
    openssl(
        folder,
        "req -new -key other.key -subj /CN=Sub -out foreign.csr -config other.cnf",
    );
    let pem = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap();
    let month = "-days 30";
    let good = answer(folder, "sub.csr", "root", CA, month);
    let rows = [
        (
            answer(folder, "foreign.csr", "root", CA, month),
            vec![pem("root")],
            "certificate: the key is not the authority's",
        ),
        (
            answer(
                folder,
                "sub.csr",
                "root",
                "basicConstraints=CA:FALSE\n",
                month,
            ),
            vec![pem("root")],
            "certificate: basicConstraints is not CA:TRUE",
        ),
        (
            answer(folder, "sub.csr", "root", "keyUsage=keyCertSign\n", month),
            vec![pem("root")],
            "certificate: basicConstraints is not CA:TRUE",
        ),
        (
            answer(
                folder,
                "sub.csr",
                "root",
                "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n",
                month,
            ),
            vec![pem("root")],
            "certificate: keyUsage does not hold keyCertSign",
        ),
        (
            answer(folder, "sub.csr", "root", CA, "-days -1"),
            vec![pem("root")],
            "certificate: not valid now",
        ),
        (
            good.clone(),
            vec![],
            "chain: the issuer's certificate is missing",
        ),
        (
            good.clone(),
            vec![pem("other")],
            "chain: certificate 1 did not issue the one below it",
        ),
        (
            good.clone(),
            vec![pem("root"), pem("other")],
            "chain: certificate 2 did not issue the one below it",
        ),
        (
            answer(folder, "sub.csr", "leaf", CA, month),
            vec![pem("leaf")],
            "chain: certificate 1 is not a CA's, or its pathLenConstraint allows no further CA",
        ),
        (
            answer(folder, "sub.csr", "short", CA, month),
            vec![pem("short")],
            "chain: certificate 1 is not a CA's, or its pathLenConstraint allows no further CA",
        ),
        (
            answer(folder, "sub.csr", "root", CA, "-days 30 -sha1"),
            vec![pem("root")],
            "chain: certificate 1 did not issue the one below it",
        ),
        (
            good.clone(),
            vec!["nonsense".to_owned()],
            "chain[0]: not one certificate in PEM",
        ),
        (
            good.clone(),
            vec![pem("root"); 11],
            "chain: at most 10 certificates",
        ),
    ];
    // Certificates of this moment begin after the world's clock stood still.
    world.clock.advance(std::time::Duration::from_secs(60));
    let install = async |certificate: &str, chain: &[String]| {
        let body = json!({ "certificate": certificate, "chain": chain });
        admin.post(&format!("{path}/certificate"), body).await
    };
    for (certificate, chain, reason) in rows {
        assert_eq!(install(&certificate, &chain).await.reasons(), [reason]);
        assert_eq!(
            admin.get(&path).await.expect(200)["state"],
            "AWAITING_CERTIFICATE"
        );
    }
    let shown = install(&good, &[pem("root")]).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["certificate"]["issuer"]),
        (&json!("ACTIVE"), &json!("CN=outside-root"))
    );
    assert_eq!(shown["chain"][0]["subject"], "CN=outside-root");
    admin
        .post(
            &format!("{path}/raCertificates"),
            json!({ "commonName": "RA" }),
        )
        .await
        .expect(201);
    // A later certificate may come of another CA, but for the same name.
    let later = answer(folder, "sub.csr", "other", CA, month);
    install(&later, &[pem("other")]).await.expect(200);
    let renamed = answer(folder, "sub.csr", "root", CA, "-days 30 -subj /CN=renamed");
    let reasons = install(&renamed, &[pem("root")]).await.reasons();
    assert_eq!(
        reasons,
        ["certificate: subject or subjectKeyIdentifier is not that of the certificate it replaces"]
    );
}

#[tokio::test]
async fn a_root_has_neither_a_request_nor_a_certificate_to_install() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let path = format!("/authorities/{}", admin.authority("root").await);
    let reason = "the authority is a root: it signs its own certificate";
    assert_eq!(admin.get(&format!("{path}/csr")).await.reasons(), [reason]);
    let pem = text(&admin.get(&path).await.expect(200)["certificate"]["pem"]);
    let body = json!({ "certificate": pem, "chain": [pem] });
    assert_eq!(
        admin
            .post(&format!("{path}/certificate"), body)
            .await
            .reasons(),
        [reason]
    );
}

#[tokio::test]
async fn roots_and_requests_are_made_with_every_key_algorithm() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let temporary = tempfile::tempdir().unwrap();
    for algorithm in scep_protocol::KeyAlgorithm::ALL {
        let name = algorithm.name();
        for kind in ["ROOT", "SUBORDINATE"] {
            let body = json!({
                "name": format!("{name}-{kind}"), "kind": kind, "keyAlgorithm": name, "subject": "CN=CA", "validity": "P1Y"
            });
            let made = admin.post("/authorities", body).await.expect(201);
            assert_eq!(
                (&made["kind"], &made["keyAlgorithm"]),
                (&json!(kind), &json!(name))
            );
            let uuid = text(&made["uuid"]);
            if kind == "ROOT" {
                let pem = text(&made["certificate"]["pem"]);
                std::fs::write(temporary.path().join("ca.pem"), pem).unwrap();
                openssl(
                    temporary.path(),
                    "verify -x509_strict -CAfile ca.pem ca.pem",
                );
            } else {
                let csr = admin
                    .get(&format!("/authorities/{uuid}/csr"))
                    .await
                    .expect(200);
                std::fs::write(temporary.path().join("ca.csr"), text(&csr)).unwrap();
                openssl(temporary.path(), "req -in ca.csr -noout -verify");
            }
        }
    }
}
