//! The entrance for real clients: an HTTP proxy that resolves every host name to the emulator, as
//! DNS would in AWS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Opens a proxy to the emulator and returns its URL, for `http_proxy`.
pub(crate) fn open(emulator: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                // An error means that the client has disconnected, which its own script reports.
                let _ = pass_request(&client, emulator);
            });
        }
    });
    url
}

/// Forwards one request: `GET http://host/path` becomes `GET /path` with that Host header.
fn pass_request(client: &TcpStream, emulator: u16) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (method, rest) = line.split_once(" http://").unwrap_or_default();
    let (url, version) = rest.rsplit_once(' ').unwrap_or_default();
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let mut head = format!("{method} /{path} {version}Host: {host}\r\nConnection: close\r\n");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let name = line.split(':').next().unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "host" | "connection" | "proxy-connection" | "expect" => continue,
            "content-length" => length = line[name.len() + 1..].trim().parse().unwrap_or(0),
            _ => {}
        }
        head.push_str(&line);
        if line == "\r\n" || line.is_empty() {
            break;
        }
    }
    let mut server = TcpStream::connect(("127.0.0.1", emulator))?;
    server.write_all(head.as_bytes())?;
    std::io::copy(&mut reader.take(length), &mut server)?;
    std::io::copy(&mut server, &mut &*client)?;
    client.shutdown(Shutdown::Both)
}
