//! Clients that send messages made beforehand, so that the machine's time is the server's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_cms::pki_message::PkiMessage;
use scepter_tests::device::{Device, Request as Message};
use scepter_tests::world::CHALLENGE;

use crate::http::{Connection, Request};
use crate::process::read_cpu_time;
use crate::servers::Running;

/// What a load took.
pub(crate) struct Outcome {
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// The CPU time of the server, with what it did beside.
    pub(crate) cpu: Duration,
    /// The time of each request, shortest first.
    latencies: Vec<Duration>,
    /// The bodies of the answers, in the order of the requests.
    pub(crate) bodies: Vec<Vec<u8>>,
}

impl Outcome {
    /// The answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.bodies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The CPU time of an answer, in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.bodies.len() as f64
    }

    /// The time within which this share of the requests was answered, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.latencies.len() * percent).div_ceil(100).max(1) - 1;
        self.latencies[index].as_secs_f64() * 1e3
    }

    /// Asserts that each answer is a CertRep with SUCCESS.
    #[track_caller]
    pub(crate) fn expect_certificates(&self) {
        for body in &self.bodies {
            let message = PkiMessage::from_ber(body).unwrap();
            let attributes = message.cert_rep().unwrap();
            assert_eq!(attributes.pki_status, PkiStatus::Success, "{attributes:?}");
        }
    }

    /// Counts the answers that are CertReps with SUCCESS, and asserts that the others are CertReps.
    #[track_caller]
    pub(crate) fn count_certificates(&self) -> usize {
        let is_granted = |body: &&Vec<u8>| {
            let message = PkiMessage::from_ber(body).unwrap();
            message.cert_rep().unwrap().pki_status == PkiStatus::Success
        };
        self.bodies.iter().filter(is_granted).count()
    }
}

/// Has this number of clients send the requests as fast as they are answered, each on a connection
/// of its own.
pub(crate) fn run_load(server: &Running, requests: &[Request], clients: usize) -> Outcome {
    let mut connections: Vec<_> = (0..clients)
        .map(|_| Connection::open(&server.address))
        .collect();
    let next = AtomicUsize::new(0);
    let cpu_before = read_cpu_time(server.process());
    let begun = Instant::now();
    let shares: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter_mut()
            .map(|connection| {
                let next = &next;
                scope.spawn(move || send_share(connection, requests, next))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let elapsed = begun.elapsed();
    let cpu = read_cpu_time(server.process()) - cpu_before;
    let mut answers: Vec<_> = shares.into_iter().flatten().collect();
    answers.sort_by_key(|(index, ..)| *index);
    let mut latencies: Vec<_> = answers.iter().map(|(_, latency, _)| *latency).collect();
    latencies.sort();
    Outcome {
        elapsed,
        cpu,
        latencies,
        bodies: answers.into_iter().map(|(.., body)| body).collect(),
    }
}

fn send_share(
    connection: &mut Connection,
    requests: &[Request],
    next: &AtomicUsize,
) -> Vec<(usize, Duration, Vec<u8>)> {
    let mut answers = Vec::new();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(index) else {
            return answers;
        };
        let begun = Instant::now();
        let body = connection.fetch(request);
        answers.push((index, begun.elapsed(), body));
    }
}

/// A device with a certificate that a server issued.
pub(crate) struct Holder {
    device: Device,
    /// The CN of the certificate.
    name: String,
}

/// Devices that enrol. A server treats the keys of all devices alike, so a few are enough.
pub(crate) struct Fleet {
    devices: Vec<Device>,
    /// What the names of further requests continue from.
    made: usize,
}

impl Fleet {
    /// Creates the devices, with RSA-2048 keys.
    pub(crate) fn new() -> Self {
        let devices = (0..DEVICES).map(|_| Device::rsa()).collect();
        Self { devices, made: 0 }
    }

    /// Makes PKCSReqs for this server, each with a name and a transactionID of its own.
    pub(crate) fn enrolments(&mut self, server: &Running, count: usize) -> Vec<Request> {
        let recipient = server.recipient();
        self.build(server, count, |device, name| {
            let mut message = device.enrolment(name, CHALLENGE);
            name.clone_into(&mut message.transaction_id);
            device.message(&message, &recipient)
        })
    }

    /// Reads the certificates in the answers to [`Self::enrolments`].
    pub(crate) fn read(&self, outcome: &Outcome, recipient: &Certificate) -> Vec<Holder> {
        let first = self.made - outcome.bodies.len();
        let read = |(index, body): (usize, &Vec<u8>)| {
            let device = self.device(first + index);
            Holder {
                device: device.holding(device.read(body, recipient).leaf()),
                name: write_name(first + index),
            }
        };
        outcome.bodies.iter().enumerate().map(read).collect()
    }

    /// Makes a RenewalReq by each of these devices for its certificate.
    pub(crate) fn renewals(&mut self, server: &Running, holders: &[Holder]) -> Vec<Request> {
        let recipient = server.recipient();
        let target = server.operation("PKIOperation");
        let first = self.made;
        self.made += holders.len();
        let build = |(index, holder): (usize, &Holder)| {
            let Holder { device, name } = holder;
            let csr = device.csr(name, Some(CHALLENGE), &[]);
            let mut message = Message {
                message_type: scep_cms::message_type::MessageType::RenewalReq,
                ..device.request(csr)
            };
            message.transaction_id = write_name(first + index);
            Request::post(&target, &device.message(&message, &recipient))
        };
        holders.iter().enumerate().map(build).collect()
    }

    fn build(
        &mut self,
        server: &Running,
        count: usize,
        build: impl Fn(&Device, &str) -> Vec<u8> + Sync,
    ) -> Vec<Request> {
        let target = server.operation("PKIOperation");
        let first = self.made;
        self.made += count;
        let numbers: Vec<_> = (first..first + count).collect();
        let make = |number: &usize| {
            Request::post(&target, &build(self.device(*number), &write_name(*number)))
        };
        std::thread::scope(|scope| {
            let shares: Vec<_> = numbers
                .chunks(count.div_ceil(BUILDERS).max(1))
                .map(|share| scope.spawn(move || share.iter().map(make).collect::<Vec<_>>()))
                .collect();
            shares
                .into_iter()
                .flat_map(|share| share.join().unwrap())
                .collect()
        })
    }

    fn device(&self, number: usize) -> &Device {
        &self.devices[number % self.devices.len()]
    }
}

fn write_name(number: usize) -> String {
    format!("bench-{number}")
}

const DEVICES: usize = 8;

/// The threads that make messages.
const BUILDERS: usize = 2;
