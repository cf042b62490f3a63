//! The command `openssl`: another opinion on certificates, CRLs and messages.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use scep_cms::certificate::Certificate;

/// Runs openssl with this standard input and returns its standard output; a failure prints what
/// openssl wrote to standard error.
#[track_caller]
pub fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Prints parts of a certificate with `openssl x509`.
#[track_caller]
pub fn print(certificate: &Certificate, parts: &[&str]) -> String {
    let fixed = ["x509", "-inform", "DER", "-noout"];
    let printed = run(&[&fixed, parts].concat(), certificate.der());
    String::from_utf8(printed).unwrap()
}

/// Prints an extension of a certificate; empty if the certificate does not have it.
#[track_caller]
pub fn print_extension(certificate: &Certificate, extension: &str) -> String {
    let printed = print(certificate, &["-ext", extension]);
    if printed.contains("No extensions matching") {
        return String::new();
    }
    printed
}

/// Verifies a CRL with its issuer's certificate and prints it.
#[track_caller]
pub fn print_crl(crl: &[u8], issuer: &Certificate) -> String {
    let folder = tempfile::tempdir().unwrap();
    let issuer = write_pem(folder.path(), "ca.pem", issuer);
    let arguments = [
        "crl", "-inform", "DER", "-text", "-noout", "-verify", "-CAfile",
    ];
    String::from_utf8(run(&[&arguments[..], &[&issuer]].concat(), crl)).unwrap()
}

/// Writes a file into this folder and returns its path.
pub fn write(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Writes a certificate in PEM into this folder and returns its path.
#[track_caller]
pub fn write_pem(folder: &Path, name: &str, certificate: &Certificate) -> String {
    let pem = run(&["x509", "-inform", "DER"], certificate.der());
    write(folder, name, &pem)
}
