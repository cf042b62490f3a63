//! Clients that make the server wait: a thousand sockets that read nothing, or send octet by octet,
//! keep nobody out.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::world::PATH;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream as AsyncStream};
use tokio::runtime::Runtime;

const SOCKETS: usize = 1_000;

/// For how long the server is watched under each kind of attack.
const WATCHED: Duration = Duration::from_secs(3);

/// How soon others must have their answer.
const PROMPT: Duration = Duration::from_secs(1);

/// What an attacker's sockets do.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Ask for one certificate after the other, and read nothing.
    ReadNothing,
    /// Send a head octet by octet.
    TrickleHead,
    /// Send a body octet by octet.
    TrickleBody,
}

/// A server with as many file descriptors as processes usually have, and this process with enough
/// for all the sockets.
fn server() -> (tempfile::TempDir, Server) {
    let here = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: here.maximum,
        ..here
    };
    prlimit(None, Resource::Nofile, raised).unwrap();
    assert!(here.maximum.is_none_or(|most| most >= 2 * SOCKETS as u64));
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Debug), data.path(), &[]);
    let usual = Rlimit {
        current: Some(1_024),
        maximum: Some(1_024),
    };
    let pid = Pid::from_raw(server.pid().cast_signed());
    prlimit(pid, Resource::Nofile, usual).unwrap();
    (data, server)
}

/// One socket of an attacker, who comes again when it is closed.
async fn attack(kind: Kind, from: Ipv4Addr, server: SocketAddr) {
    loop {
        if let Ok(stream) = connect(from, server).await {
            // Ends with an error when the server closes.
            let _ = misbehave(kind, stream).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn connect(from: Ipv4Addr, server: SocketAddr) -> std::io::Result<AsyncStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(2_304)?;
    socket.set_reuseaddr(true)?;
    socket.bind((from, 0).into())?;
    socket.connect(server).await
}

async fn misbehave(kind: Kind, mut stream: AsyncStream) -> std::io::Result<()> {
    let trickled = match kind {
        Kind::ReadNothing => {
            let asked = format!("GET {PATH}?operation=GetCACert HTTP/1.1\r\nHost: a\r\n\r\n");
            loop {
                stream.write_all(asked.repeat(20).as_bytes()).await?;
            }
        }
        Kind::TrickleHead => format!("GET {PATH} HTTP/1.1\r\nUser-Agent: {}", "a".repeat(1_000)),
        Kind::TrickleBody => {
            let head = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            "0".repeat(4_000)
        }
    };
    for octet in trickled.as_bytes() {
        stream.write_all(&[*octet]).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// The status of a request on a connection of its own, and how long the answer took.
fn ask(server: SocketAddr, path: &str) -> (String, Duration) {
    let begun = Instant::now();
    let exchange = || {
        let mut stream = TcpStream::connect_timeout(&server, 10 * PROMPT)?;
        stream.set_read_timeout(Some(10 * PROMPT))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange().unwrap_or_else(|error| error.to_string());
    let status = answer.lines().next().unwrap_or_default().to_owned();
    (status, begun.elapsed())
}

#[track_caller]
fn check(from: &[Ipv4Addr]) {
    let (_data, server) = server();
    let address: SocketAddr = server.address().parse().unwrap();
    for kind in [Kind::TrickleHead, Kind::TrickleBody, Kind::ReadNothing] {
        let attackers = Runtime::new().unwrap();
        for (_, from) in (0..SOCKETS).zip(from.iter().cycle()) {
            attackers.spawn(attack(kind, *from, address));
        }
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        while begun.elapsed() < WATCHED {
            for (path, status) in [
                ("/health", "200 OK"),
                ("/api/v1/authorities", "401 Unauthorized"),
            ] {
                let (answered, took) = ask(address, path);
                assert_eq!(answered, format!("HTTP/1.1 {status}"), "{path}, {kind:?}");
                assert!(took < PROMPT, "{path} took {took:?}, {kind:?}");
                slowest = slowest.max(took);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        attackers.shutdown_timeout(PROMPT);
        let lines = server.logged();
        println!(
            "{kind:?} from {} addresses: slowest answer {slowest:?}, {} log lines",
            from.len(),
            lines.len()
        );
        // Closing them is told once a minute, and what is not read is not answered on and on.
        let told = lines
            .iter()
            .filter(|line| line.contains("slow connections closed"));
        assert!(told.count() <= 1);
        assert!(lines.len() < 50 * SOCKETS, "{} lines", lines.len());
    }
    assert!(server.terminate());
}

#[test]
fn a_thousand_slow_sockets_of_one_address_keep_nobody_out() {
    check(&[Ipv4Addr::LOCALHOST]);
}

#[test]
fn a_thousand_slow_sockets_of_many_addresses_keep_nobody_out() {
    let addresses: Vec<_> = (1..=50)
        .map(|last| Ipv4Addr::new(127, 0, 0, last))
        .collect();
    check(&addresses);
}

#[test]
fn a_connection_has_a_hundred_requests_and_no_more_in_the_log() {
    let (_data, server) = server();
    server.logged();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(10 * PROMPT)).unwrap();
    let asked = format!("GET {PATH}?operation=GetCACaps HTTP/1.1\r\nHost: a\r\n\r\n");
    // It is closed before all of it is taken.
    let _ = stream.write_all(asked.repeat(1_000).as_bytes());
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert_eq!(
        ask(server.address().parse().unwrap(), "/health").0,
        "HTTP/1.1 200 OK"
    );
    std::thread::sleep(Duration::from_millis(200));
    let lines = server.logged();
    let asked = lines.iter().filter(|line| line.contains("GetCACaps"));
    assert_eq!(asked.count(), 100);
}
