//! How well the time of an answer tells an attacker whether a splice was right: `cargo bench -p
//! scepter-tests --bench timing`.
//!
//! The splices are those of a client with an 8,192-bit key, with which verification takes longest;
//! right and wrong ones alternate. AUC is the probability that a right one takes longer than a
//! wrong one, or shorter, whichever is greater: 0.5 reveals nothing, 1 everything.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use scep_cms::certificate::Certificate;
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::splice::{SHAPES, plaintext, spliced};
use scepter_tests::world::PATH;

const PAIRS: usize = 2_000;
/// Every answer takes 100 ms, so several connections measure at the same time.
const CONNECTIONS: usize = 4;

fn main() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Release), data.path(), &[]);
    let generate = "genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:8192";
    let pem = openssl::run(&generate.split(' ').collect::<Vec<_>>(), &[]);
    let attacker = Device::from_pem(&pem);
    let ra_certificate = server.ra_certificate();
    let shares: Vec<_> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..CONNECTIONS)
            .map(|share| {
                let (address, attacker, ra) = (&server.address, &attacker, &ra_certificate);
                scope.spawn(move || measure_share(address, attacker, ra, share))
            })
            .collect();
        let measured = shares.into_iter().map(|share| share.join().unwrap());
        measured.collect()
    });
    let (right, wrong): (Vec<_>, Vec<_>) = shares.into_iter().flatten().unzip();
    let auc = compute_auc(&right, &wrong);
    println!(
        "answers to {PAIRS} right splices, median       {:>9.3?}",
        find_median(&right)
    );
    println!(
        "answers to {PAIRS} wrong splices, median       {:>9.3?}",
        find_median(&wrong)
    );
    println!("time tells right from wrong (AUC)             {auc:>9.3}   at most 0.53");
}

/// Measures the answers to a share of the pairs, from the last octet of the request to the first
/// octet of the answer.
fn measure_share(
    address: &str,
    attacker: &Device,
    ra_certificate: &Certificate,
    share: usize,
) -> Vec<(Duration, Duration)> {
    let key = attacker.certificate.subject_public_key_info();
    let message = |shape, guess| {
        let envelope = spliced(ra_certificate, &plaintext(shape, key, guess));
        attacker.signed(&attacker.request(Vec::new()), Some(envelope))
    };
    let mut times = Vec::new();
    for pair in 0..PAIRS / CONNECTIONS {
        let shape = SHAPES[pair % SHAPES.len()];
        // A right and a wrong splice, in alternating order.
        let (right, wrong) = (message(shape, 1), message(shape, 2));
        let first_right = (pair + share).is_multiple_of(2);
        let (first, second) = match first_right {
            true => (&right, &wrong),
            false => (&wrong, &right),
        };
        // The server closes a connection after a minute, so each message has its own.
        let (first, second) = (
            time_exchange(address, first),
            time_exchange(address, second),
        );
        times.push(match first_right {
            true => (first, second),
            false => (second, first),
        });
    }
    times
}

fn time_exchange(address: &str, message: &[u8]) -> Duration {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "POST {PATH}?operation=PKIOperation HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let (last, most) = message.split_last().unwrap();
    stream.write_all(&[head.as_bytes(), most].concat()).unwrap();
    // Let the server read everything else before the last octet arrives.
    std::thread::sleep(Duration::from_millis(2));
    let begun = Instant::now();
    stream.write_all(&[*last]).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    let took = begun.elapsed();
    assert_eq!(&answer, b"HTTP/1.1 200");
    took
}

/// The probability that a time of one kind is longer than one of the other kind, or shorter,
/// whichever is greater.
fn compute_auc(right: &[Duration], wrong: &[Duration]) -> f64 {
    let mut wrong = wrong.to_vec();
    wrong.sort();
    // A tie counts half.
    let shorter: usize = right
        .iter()
        .map(|time| {
            wrong.partition_point(|other| other < time)
                + wrong.partition_point(|other| other <= time)
        })
        .sum();
    let auc = shorter as f64 / (2 * right.len() * wrong.len()) as f64;
    auc.max(1.0 - auc)
}

fn find_median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}
