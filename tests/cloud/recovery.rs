//! What docs/recovery.md says for a disaster, carried out by its own commands.

use std::process::{Command, Stdio};

use scep_cms::certificate::Certificate;
use scepter_tests::assert::expect_status;
use scepter_tests::device::{CertRep, Device, Request};
use serde_json::{Value, json};

use crate::shell::Shell;
use crate::stack::{ALONE, Api, STACK};

const CHALLENGE: &str = "s3cret";

/// A stack beside that of all tests, as its administrator sees it, and an endpoint for devices.
struct Site {
    shell: Shell,
    admin: Api<'static>,
    scep_url: String,
    crl_url: String,
}

impl Site {
    /// Deploys a stack with this name and parameters, and an endpoint of the same name.
    fn deploy(name: &str, parameters: &[&str]) -> Self {
        STACK.deploy_another(name, &[&["Edge=false"], parameters].concat());
        let mut shell = Shell::open();
        let site = Self::find(&mut shell, name);
        let (admin, scep_url, crl_url) = site;
        // Devices of these tests renew what they have just got.
        let early = json!({ "renewalThreshold": 36500 });
        admin.endpoint_with(name, CHALLENGE, &early).unwrap();
        Self {
            shell,
            admin,
            scep_url,
            crl_url,
        }
    }

    /// Finds the stack of the shell's region, as docs/deploy.md begins.
    fn find(shell: &mut Shell, name: &str) -> (Api<'static>, String, String) {
        let named = format!("stack={name}");
        shell.run_documented("deploy.md", "stack=scepter", &[("stack=scepter", &named)]);
        let mut ask = |what: &str| shell.run(&format!("echo {what}"));
        let admin = STACK.api_at(&ask("$(output ApiUrl)"), &ask("$token"));
        let scep_url = ask("$(output ScepUrl)").replace("{scepProfileName}", name);
        let crl_url = ask("$(output CrlUrl)").replace("{authorityName}", name);
        (admin, scep_url, crl_url)
    }

    fn ask(&self, signer: &Device, key: &Device, request: &Request) -> CertRep {
        let ra_certificate = STACK.ra_certificate(&self.scep_url);
        let message = signer.message(request, &ra_certificate);
        let reply = expect_status(STACK.post(&self.scep_url, &message), 200);
        key.read(&reply, &ra_certificate)
    }

    /// Enrols a device, which then holds its certificate.
    fn enrol(&self, common_name: &str) -> Device {
        let device = Device::rsa();
        let request = device.enrolment(common_name, CHALLENGE);
        let leaf = self.ask(&device, &device, &request).leaf();
        device.holding(leaf)
    }

    /// The response to a device that renews its certificate.
    fn renew(&self, device: &Device, common_name: &str) -> CertRep {
        self.ask(device, device, &Device::rsa().renewal(common_name))
    }

    #[track_caller]
    fn refuses_renewal(&self, device: &Device, common_name: &str, reason: &str) {
        let (_, text) = self.renew(device, common_name).failure();
        assert!(text.contains(reason), "{text}");
    }

    /// The certificates with this serial number in the inventory.
    fn find_certificates(&self, serial_number: &str) -> Vec<Value> {
        let path = format!("/certificates?serialNumber={serial_number}");
        let (status, page) = self.admin.call("GET", &path, &Value::Null);
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    #[track_caller]
    fn revoke(&self, certificate: &Certificate, reason: &str) {
        let found = self.find_certificates(&serial_number(certificate));
        let uuid = found[0]["uuid"].as_str().unwrap();
        let path = format!("/certificates/{uuid}/revoke");
        let alone = json!({ "reason": reason, "successors": false });
        assert_eq!(self.admin.call("POST", &path, &alone).0, 204);
    }

    /// The number of the CRL, and what OpenSSL prints of it.
    fn read_crl(&self) -> (u64, String) {
        let crl = expect_status(STACK.http(&[&self.crl_url], &[]), 200);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crl");
        std::fs::write(&file, crl).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["crl", "-inform", "DER", "-noout", "-crlnumber", "-text"]);
        let output = openssl
            .arg("-in")
            .arg(file)
            .stderr(Stdio::inherit())
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let number = text
            .lines()
            .find_map(|line| line.strip_prefix("crlNumber=0x"));
        (u64::from_str_radix(number.unwrap(), 16).unwrap(), text)
    }
}

fn serial_number(certificate: &Certificate) -> String {
    certificate.issuer_and_serial_number().serial_number_hex()
}

/// The emulator restores the present state of a table, so the last moment that was good is the
/// present, and the disaster follows.
#[test]
fn a_restored_stack_serves_the_devices_of_before_and_revokes_what_was_lost() {
    let _shared = ALONE.read();
    let mut site = Site::deploy("restored", &["ProfilesMaxAgeSeconds=1"]);
    let (early, stolen) = (site.enrol("early"), site.enrol("stolen"));
    let moment = site.shell.run("date -u +%Y-%m-%dT%H:%M:%SZ");
    let edit = [("2026-11-28T09:00:00Z", moment.as_str())];
    let recovery = "recovery.md";
    site.shell
        .run_documented(recovery, "restore-table-to-point-in-time", &edit);
    // What the restored tables do not know.
    let lost = site.enrol("lost");
    // The emulator may deliver the last lines of a log with the next request.
    for _ in 0..3 {
        STACK.post(&site.scep_url, b"no message");
    }
    site.revoke(&stolen.certificate, "keyCompromise");
    let (number, listed) = site.read_crl();
    assert!(listed.contains(&serial_number(&stolen.certificate)));

    site.shell
        .run_documented(recovery, "CertificatesTableName=$new", &[]);
    site.renew(&early, "early").leaf();
    let serial_number_of_lost = serial_number(&lost.certificate);
    assert_eq!(
        site.find_certificates(&serial_number_of_lost),
        [Value::Null; 0]
    );
    site.refuses_renewal(&lost, "lost", "was not issued by this authority");
    let before = site.find_certificates(&serial_number(&stolen.certificate));
    assert_eq!(before[0]["revokedAt"], Value::Null);

    // Both the old table and the log know it.
    let signed = site.shell.run_documented(recovery, "aws logs", &[]);
    assert!(signed.contains(&serial_number_of_lost), "{signed}");
    let uuid = before[0]["uuid"].as_str().unwrap();
    let revoked = format!("revoked {uuid} keyCompromise");
    let without_zone = "! python3 infra/copy-certificates.py $old $new 2026-11-28T09:00:00";
    site.shell.run(without_zone);
    // The time in an item is earlier than its write: so much earlier, here.
    let written_later = r#"$new $(date -ud "$moment 4 minutes" +%FT%TZ)"#;
    let written_later = [("$new $moment", written_later)];
    let mut copy = |token: &str| {
        site.shell.run(&format!("now_valid=$token token={token}"));
        let copied = site
            .shell
            .run_documented(recovery, "copy-certificates.py", &written_later);
        site.shell.run("token=$now_valid");
        copied.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let copied = copy("expired");
    assert!(copied.contains(&format!("copied {serial_number_of_lost}")));
    assert!(copied.contains(&revoked));
    // What an expired token left out is printed again, until it is done.
    assert_eq!(copy("$token"), [revoked]);
    assert_eq!(copy("$token"), [""; 0]);
    let (restored, listed) = site.read_crl();
    assert!(restored > number, "{restored} after {number}");
    assert!(listed.contains(&serial_number(&stolen.certificate)));

    site.renew(&lost, "lost").leaf();
    site.revoke(&lost.certificate, "superseded");
    let (_, listed) = site.read_crl();
    assert!(listed.contains(&serial_number_of_lost));
    site.refuses_renewal(&lost, "lost", "is revoked");
}

#[test]
fn a_stack_in_another_region_continues_with_replicas_of_tables_and_keys() {
    let _shared = ALONE.read();
    let parameters = ["MultiRegionKeys=true", "ProfilesMaxAgeSeconds=1"];
    let mut site = Site::deploy("wide", &parameters);
    let (device, stolen) = (site.enrol("device"), site.enrol("stolen"));
    site.revoke(&stolen.certificate, "keyCompromise");
    let (number, _) = site.read_crl();
    let recovery = "recovery.md";
    site.shell
        .run_documented(recovery, "--replica-updates", &[]);
    site.shell.run_documented(recovery, "replicate-key", &[]);
    // Its tables belong to no stack, and it goes on.
    site.renew(&device, "device").leaf();
    let late = site.enrol("late");

    site.shell
        .run_documented(recovery, "describe-stacks --stack-name $stack", &[]);
    site.shell
        .run_documented(recovery, "put-function-concurrency", &[]);
    let (status, _) = STACK.post(&site.scep_url, b"no message");
    assert_eq!(status, 429, "a stopped stack answers");

    let public = site.crl_url.split("/crl/").next().unwrap().to_owned();
    let same_name = [("http://pki.example.com", public.as_str())];
    site.shell
        .run_documented(recovery, "AWS_DEFAULT_REGION=$other", &same_name);
    let url = site.scep_url.clone();
    (site.admin, site.scep_url, site.crl_url) = Site::find(&mut site.shell, "wide");
    assert_ne!(site.scep_url, url);
    for (device, name) in [(&device, "device"), (&late, "late")] {
        let leaf = site.renew(device, name).leaf();
        let mut parts = leaf.der().windows(public.len());
        assert!(parts.any(|octets| octets == public.as_bytes()), "{public}");
    }
    // A parameter that the command does not name.
    let functions = "aws lambda list-functions --query 'Functions[].Environment.Variables'";
    let settings = site.shell.run(functions);
    assert!(settings.contains(r#""SCEPTER_PROFILES_MAX_AGE_SECONDS": "1""#));
    site.refuses_renewal(&stolen, "stolen", "is revoked");
    site.revoke(&late.certificate, "superseded");
    let (there, listed) = site.read_crl();
    assert!(there > number, "{there} after {number}");
    for revoked in [&stolen, &late] {
        assert!(listed.contains(&serial_number(&revoked.certificate)));
    }
}
