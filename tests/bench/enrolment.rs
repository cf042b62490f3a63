//! The cost of an enrolment: the server's CPU time compared with the three RSA private operations
//! that it requires (decrypt the request, sign the certificate, sign the reply), which
//! `openssl speed` measures in the same run; start-up time; memory.
//!
//!     cargo bench -p scepter-tests
//!
//! The environment variable `SCEPTER_BINARY` selects another build to measure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scep_service::ports::Transactions;
use scepter_tests::device::Device;
use scepter_tests::samples::{claim, key, record};
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::world::{CHALLENGE, PATH};
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use time::OffsetDateTime;

const WARM_UP: usize = 50;
const ENROLMENTS: usize = 2_000;
/// Concurrent connections, to measure a busy server rather than one that wakes up for each request.
const CONNECTIONS: usize = 4;
const STARTS: usize = 5;

fn main() {
    let binary =
        std::env::var_os("SCEPTER_BINARY").map_or_else(|| binary(Build::Release), PathBuf::from);
    let data = tempfile::tempdir().unwrap();
    drop(Server::start(&binary, data.path(), &[]));
    let mut times = [(); STARTS].map(|()| {
        let begun = Instant::now();
        let server = Server::start(&binary, data.path(), &[]);
        let time = begun.elapsed();
        server.terminate();
        time
    });
    times.sort();
    let start_up = times[STARTS / 2];

    let server = Server::start(&binary, data.path(), &[]);
    let at_rest = read_resident(&server);
    let before = measure_rsa();
    let cost = measure_enrolment(&server);
    let after = measure_rsa();
    let needed = 3 * (before + after) / 2;
    let ratio = cost.as_secs_f64() / needed.as_secs_f64();
    let loaded = read_resident(&server);
    let recording = measure_recording();

    println!("three RSA-2048 private operations (openssl)  {needed:>9.1?}");
    println!("CPU of the server for an enrolment           {cost:>9.1?}");
    println!("ratio                                        {ratio:>9.2}   at most 1.5");
    println!("of that, SDK and embedded database            {recording:>9.1?}   measured alone");
    println!("start-up after the first, median of {STARTS}        {start_up:>9.1?}   under 200 ms");
    println!("resident at rest                             {at_rest:>6.1} MB");
    println!(
        "resident after {} enrolments               {loaded:>6.1} MB   under 40 MB",
        WARM_UP + ENROLMENTS
    );
}

/// The CPU time of an enrolment's two writes, through the SDK into the embedded database, in this
/// process.
fn measure_recording() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamoDb::open(&folder.path().join("bench.db")).unwrap();
    let (client, tables) = (database.client(), Tables::prefixed("bench"));
    let certificate = Device::rsa().certificate;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        create_tables(&client, &tables).await.unwrap();
        let store = DynamoDbStore::new(client, tables);
        let before = read_cpu_time(std::process::id());
        for index in 0..ENROLMENTS {
            let now = OffsetDateTime::now_utc();
            let mut claim = claim(key(&format!("bench {index}")), None, now);
            claim.issuance.to_be_signed = certificate.der().to_vec();
            store.claim(&claim).await.unwrap();
            let serial_number = claim.claim.as_u128();
            let record = record(claim.key, serial_number, &certificate, now);
            store
                .complete(claim.claim, &record, OffsetDateTime::now_utc(), &[])
                .await
                .unwrap();
        }
        (read_cpu_time(std::process::id()) - before) / u32::try_from(ENROLMENTS).unwrap()
    })
}

/// The CPU time that the server's process takes for one enrolment.
fn measure_enrolment(server: &Server) -> Duration {
    let mut connection = Connection::open(&server.address);
    let chain = connection.exchange("GET", "?operation=GetCACert", &[]);
    let chain = DegenerateSignedData::from_ber(&chain).unwrap();
    let ra_certificate = Certificate::from_der(&chain.certificates[0]).unwrap();
    let device = Device::rsa();
    let messages: Vec<_> = (0..WARM_UP + ENROLMENTS)
        .map(|index| {
            // Each request must differ: a repeated one gets the same certificate without a
            // signature.
            let mut request = device.enrolment(&format!("bench {index}"), CHALLENGE);
            request.transaction_id = format!("bench {index}");
            device.message(&request, &ra_certificate)
        })
        .collect();
    let (warm_up, measured) = messages.split_at(WARM_UP);
    for message in warm_up {
        connection.exchange("POST", "?operation=PKIOperation", message);
    }
    let before = read_cpu_time(server.child.id());
    let (address, device, ra_certificate) = (&server.address, &device, &ra_certificate);
    std::thread::scope(|scope| {
        for share in measured.chunks(ENROLMENTS.div_ceil(CONNECTIONS)) {
            scope.spawn(move || {
                let mut connection = Connection::open(address);
                let mut last = Vec::new();
                for message in share {
                    last = connection.exchange("POST", "?operation=PKIOperation", message);
                }
                device.read(&last, ra_certificate).leaf();
            });
        }
    });
    let spent = read_cpu_time(server.child.id()) - before;
    spent / u32::try_from(ENROLMENTS).unwrap()
}

/// The user and system time of a process, all threads.
fn read_cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // USER_HZ is 100 on every Linux.
    Duration::from_millis(ticks * 10)
}

/// The resident set size (VmRSS) in megabytes.
fn read_resident(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1_000.0
}

fn measure_rsa() -> Duration {
    let output = Command::new("openssl")
        .args(["speed", "-seconds", "3", "rsa2048"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("rsa 2048 bits"))
        .unwrap();
    let seconds = line
        .split_whitespace()
        .nth(3)
        .unwrap()
        .trim_end_matches('s');
    Duration::from_secs_f64(seconds.parse().unwrap())
}

/// A persistent HTTP connection that reconnects when the server closes it.
struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
        }
    }

    fn exchange(&mut self, method: &str, query: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!(
            "{method} {PATH}{query} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\n\r\n"
        );
        let request = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&request).unwrap();
        let (mut length, mut closes) = (0, false);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            match line.trim().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("connection", value)) => closes = value == "close",
                Some(_) => {}
                None if line.trim().is_empty() => break,
                None => assert!(line.contains("200"), "{line}"),
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        if closes {
            *self = Self::open(&self.address);
        }
        body
    }
}
