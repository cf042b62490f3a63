//! A persistent HTTP connection that costs the machine little, so that a measurement shows the
//! server.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a request may take before the measurement fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request as it is sent.
#[derive(Clone)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// A request without a body; `target` is the path with the query.
    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target, "", &[])
    }

    /// A POST of a binary message.
    pub(crate) fn post(target: &str, body: &[u8]) -> Self {
        Self::new("POST", target, "", body)
    }

    /// A request with header lines, each with its end.
    pub(crate) fn new(method: &str, target: &str, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        Self([head.as_bytes(), body].concat())
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A connection that opens again when the server closes it.
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to an address with a port.
    pub(crate) fn open(address: &str) -> Self {
        Self::try_open(address).unwrap_or_else(|| panic!("nothing listens on {address}"))
    }

    /// Connects to an address with a port, if something listens there.
    pub(crate) fn try_open(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads the answer.
    pub(crate) fn exchange(&mut self, request: &Request) -> Answer {
        let line = self.send(request).unwrap_or_else(|| {
            // A server may close a connection that was idle, just as the next request comes.
            *self = Self::open(&self.address);
            let line = self.send(request);
            line.unwrap_or_else(|| panic!("{} closes every connection", self.address))
        });
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
        let (mut length, mut is_chunked, mut closes) = (0, false, false);
        loop {
            let line = self.read_line().to_ascii_lowercase();
            match line
                .split_once(':')
                .map(|(name, value)| (name, value.trim()))
            {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("transfer-encoding", value)) => is_chunked = value == "chunked",
                Some(("connection", value)) => closes = value == "close",
                Some(_) => {}
                None => break,
            }
        }
        let body = match is_chunked {
            true => self.read_chunks(),
            false => self.read_octets(length),
        };
        if closes {
            *self = Self::open(&self.address);
        }
        Answer { status, body }
    }

    /// Sends a request and returns the first line of the answer; `None` if the server has closed
    /// the connection.
    fn send(&mut self, request: &Request) -> Option<String> {
        self.stream.get_mut().write_all(&request.0).ok()?;
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("reading an answer: {error}"),
        }
    }

    /// Sends a request and returns the body of a success.
    #[track_caller]
    pub(crate) fn fetch(&mut self, request: &Request) -> Vec<u8> {
        let answer = self.exchange(request);
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            (200..300).contains(&answer.status),
            "{} {text}",
            answer.status
        );
        answer.body
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn read_octets(&mut self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.read_line(), 16).unwrap();
            body.extend(self.read_octets(length));
            self.read_line();
            if length == 0 {
                return body;
            }
        }
    }
}
