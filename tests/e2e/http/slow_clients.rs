//! Clients that make the server wait: a thousand sockets that never read, or send one octet at a
//! time, do not block other clients.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::world::PATH;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream as AsyncStream};
use tokio::runtime::Runtime;

// About as many as the server may have file descriptors, so that it runs out if it keeps them all.
const SOCKETS: usize = 1_000;

/// How long each kind of attack lasts.
const WATCHED: Duration = Duration::from_secs(3);

/// The time within which other clients must be answered.
const PROMPT: Duration = Duration::from_secs(1);

/// The behaviour of an attacker's sockets.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Requests certificates continuously and reads nothing.
    ReadNothing,
    /// Sends a request head one octet at a time.
    TrickleHead,
    /// Sends a request body one octet at a time.
    TrickleBody,
}

/// Starts a server with the usual limit of file descriptors, and raises this process's limit to
/// have enough for all sockets.
fn start_server() -> (tempfile::TempDir, Server) {
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
    let pid = Pid::from_raw(server.child.id().cast_signed());
    prlimit(pid, Resource::Nofile, usual).unwrap();
    (data, server)
}

async fn connect_from(from: Ipv4Addr, server: SocketAddr) -> std::io::Result<AsyncStream> {
    let socket = TcpSocket::new_v4()?;
    // A small receive buffer fills soon, so that a server whose client does not read must wait.
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

/// Sends a request on its own connection, and returns the status and how long the answer took.
fn ask_path(server: SocketAddr, path: &str) -> (String, Duration) {
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
fn check_attackers(from: &[Ipv4Addr]) {
    let (_data, server) = start_server();
    let address: SocketAddr = server.address.parse().unwrap();
    for kind in [Kind::TrickleHead, Kind::TrickleBody, Kind::ReadNothing] {
        let attackers = Runtime::new().unwrap();
        for (_, from) in (0..SOCKETS).zip(from.iter().cycle()) {
            let from = *from;
            attackers.spawn(async move {
                loop {
                    if let Ok(stream) = connect_from(from, address).await {
                        // Returns an error when the server closes the connection.
                        let _ = misbehave(kind, stream).await;
                    }
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            });
        }
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        while begun.elapsed() < WATCHED {
            for (path, status) in [
                ("/health", "200 OK"),
                ("/api/v1/authorities", "401 Unauthorized"),
            ] {
                let (mut answered, mut took) = ask_path(address, path);
                // A client behind the attackers' address shares its limit: when it is slower to
                // send its request than they are to connect, it loses its connection, and tries
                // again. It too is answered within the time.
                while from.len() == 1 && !answered.starts_with("HTTP/") && took < PROMPT {
                    let (next, took_longer) = ask_path(address, path);
                    answered = next;
                    took += took_longer;
                }
                assert_eq!(answered, format!("HTTP/1.1 {status}"), "{path}, {kind:?}");
                assert!(took < PROMPT, "{path} took {took:?}, {kind:?}");
                slowest = slowest.max(took);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        attackers.shutdown_timeout(PROMPT);
        let lines = server.log.try_iter().collect::<Vec<_>>();
        println!(
            "{kind:?} from {} addresses: slowest answer {slowest:?}, {} log lines",
            from.len(),
            lines.len()
        );
        // The server logs closed connections once a minute, and stops answering a client that does
        // not read.
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
    check_attackers(&[Ipv4Addr::LOCALHOST]);
}

#[test]
fn a_thousand_slow_sockets_of_many_addresses_keep_nobody_out() {
    let addresses: Vec<_> = (1..=50)
        .map(|last| Ipv4Addr::new(127, 0, 0, last))
        .collect();
    check_attackers(&addresses);
}

#[test]
fn a_connection_has_a_hundred_requests_and_no_more_in_the_log() {
    let (_data, server) = start_server();
    server.log.try_iter().for_each(drop);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(10 * PROMPT)).unwrap();
    let asked = format!("GET {PATH}?operation=GetCACaps HTTP/1.1\r\nHost: a\r\n\r\n");
    // The server closes the connection before it has read all requests.
    let _ = stream.write_all(asked.repeat(1_000).as_bytes());
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert_eq!(
        ask_path(server.address.parse().unwrap(), "/health").0,
        "HTTP/1.1 200 OK"
    );
    std::thread::sleep(Duration::from_millis(200));
    let lines = server.log.try_iter().collect::<Vec<_>>();
    let asked = lines.iter().filter(|line| line.contains("GetCACaps"));
    assert_eq!(asked.count(), 100);
}
