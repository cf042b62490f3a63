//! An authority below an external CA: its request, and the certificates that it accepts.

use std::process::Command;

use scepter_tests::admin::{Admin, text};
use scepter_tests::world::World;
use serde_json::json;
use strum::VariantArray;

/// External CAs, made by openssl in their own folder.
pub(crate) struct Outside(pub(crate) tempfile::TempDir);

pub(crate) const CA: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

pub(crate) const MONTH: &str = "-days 30";

impl Outside {
    #[track_caller]
    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&self.0)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}\n{said}");
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.path().join(file), text).unwrap();
    }

    pub(crate) fn pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(format!("{name}.pem"))).unwrap()
    }

    /// Creates a CA: `NAME.key` and `NAME.pem`, self-signed with these extensions.
    pub(crate) fn make(&self, name: &str, extensions: &str) {
        let sections = "[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n";
        self.write(&format!("{name}.cnf"), &format!("{sections}{extensions}"));
        self.openssl(&format!(
            "ecparam -name prime256v1 -genkey -noout -out {name}.key"
        ));
        self.openssl(&format!(
            "req -x509 -new -key {name}.key -days 30 -subj /CN=outside-{name} -out {name}.pem -config {name}.cnf"
        ));
    }

    /// Signs a request with a CA and these extensions, and returns the certificate in PEM.
    pub(crate) fn answer(
        &self,
        request: &str,
        issuer: &str,
        extensions: &str,
        more: &str,
    ) -> String {
        self.write("ext.cnf", extensions);
        self.openssl(&format!(
            "x509 -req -in {request} -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -extfile ext.cnf -out answer.pem {more}"
        ));
        self.pem("answer")
    }

    /// Certificates and chains that are invalid for the request in `sub.csr`, and the reasons.
    fn list_unfit(&self) -> Vec<(String, Vec<String>, &'static str)> {
        let root = || vec![self.pem("root")];
        let of_root = |extensions, more| self.answer("sub.csr", "root", extensions, more);
        let of = |issuer| {
            (
                self.answer("sub.csr", issuer, CA, MONTH),
                vec![self.pem(issuer)],
            )
        };
        let foreign = self.answer("foreign.csr", "root", CA, MONTH);
        let (no_key_usage, other_usage) = (
            "basicConstraints=CA:FALSE\n",
            "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n",
        );
        let not_ca = "chain: certificate 1 is not a CA's (basicConstraints CA:TRUE, keyUsage keyCertSign), or its pathLenConstraint allows no further CA";
        let ((by_leaf, leaf), (by_short, short)) = (of("leaf"), of("short"));
        let good = of_root(CA, MONTH);
        vec![
            (
                foreign,
                root(),
                "certificate: the key is not the authority's",
            ),
            (
                of_root(no_key_usage, MONTH),
                root(),
                "certificate: basicConstraints is not CA:TRUE",
            ),
            (
                of_root("keyUsage=keyCertSign\n", MONTH),
                root(),
                "certificate: basicConstraints is not CA:TRUE",
            ),
            (
                of_root(other_usage, MONTH),
                root(),
                "certificate: keyUsage does not include keyCertSign",
            ),
            (
                of_root(CA, "-days -1"),
                root(),
                "certificate: not valid now",
            ),
            (
                of_root(CA, "-days 30 -sha1"),
                root(),
                "chain: certificate 1 signed the one below it in a way that is not supported",
            ),
            (by_leaf, leaf, not_ca),
            (by_short, short, not_ca),
            (
                good.clone(),
                vec![],
                "chain: the issuer's certificate is missing",
            ),
            (
                good.clone(),
                vec![self.pem("other")],
                "chain: certificate 1 did not issue the one below it",
            ),
            (
                good.clone(),
                [root(), vec![self.pem("other")]].concat(),
                "chain: certificate 2 did not issue the one below it",
            ),
            (
                good.clone(),
                vec!["nonsense".to_owned()],
                "chain[0]: not one certificate in PEM",
            ),
            (
                good,
                vec![self.pem("root"); 11],
                "chain: at most 10 certificates",
            ),
        ]
    }
}

/// Creates a subordinate that awaits its certificate, writes its request to `sub.csr`, and returns
/// its path.
async fn create_subordinate(admin: &Admin, outside: &Outside) -> String {
    let body = json!({
        "name": "sub", "kind": "SUBORDINATE", "keyAlgorithm": "EC_P384", "subject": "CN=Sub CA,O=Corp"
    });
    let made = admin.post("/authorities", body).await.expect(201);
    assert_eq!(
        (&made["state"], &made["certificate"]),
        (&json!("AWAITING_CERTIFICATE"), &json!(null))
    );
    let path = format!("/authorities/{}", text(&made["uuid"]));
    let csr = admin.get(&format!("{path}/csr")).await;
    assert_eq!(csr.headers["content-type"], "application/x-pem-file");
    outside.write("sub.csr", &text(&csr.body));
    outside.openssl("req -in sub.csr -noout -verify");
    path
}

#[tokio::test]
async fn a_subordinate_takes_the_certificate_that_fits_it_and_no_other() {
    let world = World::new().await;
    let (admin, outside) = (Admin::of(&world), Outside(tempfile::tempdir().unwrap()));
    let path = create_subordinate(&admin, &outside).await;
    let ra_certificate = async || {
        let body = json!({ "commonName": "RA" });
        admin.post(&format!("{path}/raCertificates"), body).await
    };
    let not_yet = "the authority is not active: it awaits its certificate";
    assert_eq!(ra_certificate().await.reasons(), [not_yet]);
    outside.make("root", CA);
    outside.make("other", CA);
    outside.make("leaf", "basicConstraints=critical,CA:FALSE\n");
    outside.make(
        "short",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n",
    );
    outside.openssl("req -new -key other.key -subj /CN=Sub -out foreign.csr -config other.cnf");
    let (unfit, good) = (
        outside.list_unfit(),
        outside.answer("sub.csr", "root", CA, MONTH),
    );
    let later = outside.answer("sub.csr", "other", CA, MONTH);
    let renamed = outside.answer("sub.csr", "root", CA, "-days 30 -subj /CN=renamed");
    // openssl's certificates are valid from now, which may be later than the world's clock.
    world.clock.advance(std::time::Duration::from_secs(60));
    let install = async |certificate: &str, chain: &[String]| {
        let body = json!({ "certificate": certificate, "chain": chain });
        admin.post(&format!("{path}/certificate"), body).await
    };
    for (certificate, chain, reason) in unfit {
        assert_eq!(install(&certificate, &chain).await.reasons(), [reason]);
        let shown = admin.get(&path).await.expect(200);
        assert_eq!(shown["state"], "AWAITING_CERTIFICATE");
    }
    let shown = install(&good, &[outside.pem("root")]).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["certificate"]["issuer"]),
        (&json!("ACTIVE"), &json!("CN=outside-root"))
    );
    assert_eq!(shown["chain"][0]["subject"], "CN=outside-root");
    ra_certificate().await.expect(201);
    // A later certificate may be issued by another CA, but must keep the name.
    install(&later, &[outside.pem("other")]).await.expect(200);
    let reason =
        "certificate: subject or subjectKeyIdentifier is not that of the certificate it replaces";
    assert_eq!(
        install(&renamed, &[outside.pem("root")]).await.reasons(),
        [reason]
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
    let outside = Outside(tempfile::tempdir().unwrap());
    for algorithm in ca::key_algorithm::KeyAlgorithm::VARIANTS {
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
                outside.write("ca.pem", &pem);
                outside.openssl("verify -x509_strict -CAfile ca.pem ca.pem");
            } else {
                let csr = admin
                    .get(&format!("/authorities/{uuid}/csr"))
                    .await
                    .expect(200);
                outside.write("ca.csr", &text(&csr));
                outside.openssl("req -in ca.csr -noout -verify");
            }
        }
    }
}
