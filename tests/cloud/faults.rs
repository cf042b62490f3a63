//! Failures of AWS: 503 without a half-completed state, never a FAILURE.

use std::time::Duration;

use scepter_tests::device::Device;
use serde_json::{Value, json};

use crate::stack::{ALONE, STACK};

const CHALLENGE: &str = "s3cret";

/// Injects a fault while a device enrols; after the fault ends, the device's retry succeeds.
#[track_caller]
fn check_fault(name: &str, fault: &Value) {
    let admin = STACK.admin();
    admin.endpoint(name, CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", name);
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let message = device.message(&device.enrolment(name, CHALLENGE), &ra_certificate);
    STACK.faults(fault);
    let arguments = ["--include", "--data-binary", "@-", &url];
    let (status, answer) = STACK.http(&arguments, &message);
    STACK.faults(&json!({}));
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert_eq!(status, 503, "{fault}: {answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
    assert!(answer.contains("the server is busy"), "{answer}");
    let (status, reply) = STACK.post(&url, &message);
    assert_eq!(status, 200, "{fault}");
    let leaf = device.read(&reply, &ra_certificate).leaf();
    admin.has_issued_only(name, &leaf);
}

#[test]
fn a_throttled_dynamodb_is_a_503_and_the_next_try_goes_through() {
    let _alone = ALONE.write();
    for (index, operation) in ["GetItem", "PutItem", "UpdateItem"].into_iter().enumerate() {
        let code = "ProvisionedThroughputExceededException";
        let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
        check_fault(&format!("dynamodb-{index}"), &json!({ operation: code }));
    }
}

#[test]
fn a_failing_kms_is_a_503_and_the_next_try_goes_through() {
    let _alone = ALONE.write();
    for (index, (operation, code)) in [
        ("Sign", "ThrottlingException"),
        ("Sign", "KMSInternalException"),
        ("Sign", "DependencyTimeoutException"),
        ("Decrypt", "ThrottlingException"),
    ]
    .into_iter()
    .enumerate()
    {
        check_fault(&format!("kms-{index}"), &json!({ operation: code }));
    }
}

#[test]
fn administration_says_503_too_and_the_name_is_still_free() {
    let _alone = ALONE.write();
    let admin = STACK.admin();
    let authority = json!({ "name": "halved", "subject": "CN=Halved", "keyAlgorithm": "EC_P256" });
    // In the order in which a creation calls them, because each attempt continues the one before.
    for operation in ["TransactWriteItems", "CreateKey", "GetPublicKey", "Sign"] {
        STACK.faults(&json!({ operation: "ThrottlingException" }));
        let refused = admin.make("/authorities", &authority);
        STACK.faults(&json!({}));
        assert_eq!(refused, Err(503), "{operation}");
    }
    // The key is found by its tag, which KMS shows late.
    let made = (0..60).any(|_| {
        std::thread::sleep(Duration::from_secs(1));
        admin.make("/authorities", &authority).is_ok()
    });
    assert!(made);
}
