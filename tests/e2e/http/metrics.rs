//! `/metrics` of the real binary, in the format of Prometheus.

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::server::{Build, Server, binary, http};
use scepter_tests::world::CHALLENGE;

#[test]
fn measurements_are_shown_and_attackers_make_up_no_series() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Debug), data.path(), &[]);
    let ra_certificate = server.ra_certificate();
    let device = Device::rsa();
    for challenge in [CHALLENGE, "wrong"] {
        let request = device.enrolment("device-1", challenge);
        assert_eq!(
            server.post(&device.message(&request, &ra_certificate)).0,
            200
        );
    }
    let base = format!("http://{}", server.address);
    for unknown in ["made-up-1", "made-up-2"] {
        let url = format!("{base}/api/v1/protocols/scep/{unknown}?operation=GetCACaps");
        expect_status(http(&[&url], &[]), 404);
    }
    let text = expect_status(http(&[&format!("{base}/metrics")], &[]), 200);
    let text = String::from_utf8(text).unwrap();
    for line in [
        r#"scepter_enrolments_total{profile="default",message_type="PKCSReq",pki_status="SUCCESS",fail_info=""} 1"#,
        r#"scepter_enrolments_total{profile="default",message_type="PKCSReq",pki_status="FAILURE",fail_info="badRequest"} 1"#,
        r#"scepter_requests_total{operation="GetCACert",status="200"} 1"#,
        r#"scepter_requests_total{operation="GetCACaps",status="404"} 2"#,
        r#"scepter_request_seconds_count{operation="PKIOperation"} 2"#,
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    assert!(
        text.contains(
            r#"scepter_certificate_remaining_days{certificate="authority",name="demo-ca"} 365"#
        ),
        "{text}"
    );
    // The first CRL is valid for seven days.
    let crl = r#"scepter_crl_remaining_hours{authority="demo-ca"} 16"#;
    assert!(text.contains(crl), "{text}");
    assert!(!text.contains("made-up"));
    assert!(text.ends_with("# EOF\n"));
}
