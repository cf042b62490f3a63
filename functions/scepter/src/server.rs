//! HTTP over sockets: accepts connections, and enforces limits on hostile clients.

use std::io::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use scep_http::ClientAddress;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::connection;
use crate::connections::{Connections, Limits, Place};
use crate::trusted_proxies::TrustedProxies;

/// The most connections at a time. Another one takes the place of the slowest.
pub(crate) const MAX_CONNECTIONS: u16 = 900;

/// The most open sockets, including those that are being closed; further connections wait to be
/// accepted. A process usually has 1,024 file descriptors; the rest is left for the database, keys
/// and tokens.
const MAX_SOCKETS: usize = 960;

/// The most connections that wait to be accepted, if the system allows as many. Beyond it the
/// system drops a connection attempt, which the client's TCP repeats a second later.
const BACKLOG: u32 = 4_096;

/// How long requests in progress may take after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after a failed accept, for example when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket, together with the signals that stop the server gracefully.
pub(crate) struct Server {
    listener: TcpListener,
    terminate: Signal,
    interrupt: Signal,
}

impl Server {
    /// Binds the address. From here on, SIGTERM and SIGINT no longer end the process;
    /// [`serve_until_signal`] handles them.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, Error> {
        let listener = bind_listener(address)
            .map_err(|error| Error::other(format!("listening on {address}: {error}")))?;
        Ok(Self {
            listener,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The address that the server listens on.
    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr()
    }
}

fn bind_listener(address: SocketAddr) -> Result<TcpListener, Error> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As `TcpListener::bind` does: a restarted server can bind the port although connections of its
    // predecessor still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until SIGTERM or SIGINT, then lets requests in progress finish. See [`Limits`] for
/// `connections_per_address`. Each request gets its [`ClientAddress`] as an extension.
pub(crate) async fn serve_until_signal(
    server: Server,
    router: Router,
    connections_per_address: u16,
    proxies: TrustedProxies,
) -> Result<(), Error> {
    tracing::info!(address = %server.address()?, "listening");
    let Server {
        listener,
        mut terminate,
        mut interrupt,
    } = server;
    let connections = Connections::new(Limits {
        total: MAX_CONNECTIONS.into(),
        per_address: connections_per_address.into(),
    });
    let proxies = Arc::new(proxies);
    tokio::select! {
        () = accept_connections(&listener, &connections, &router, &proxies) => {}
        () = first_of(&mut terminate, &mut interrupt) => {}
    }
    drop(listener);
    tracing::info!("shutting down");
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shut_down())
        .await
        .is_err()
    {
        tracing::warn!("shutdown timed out while requests were still running");
    }
    Ok(())
}

async fn first_of(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}

async fn accept_connections(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    router: &Router,
    proxies: &Arc<TrustedProxies>,
) {
    let sockets = Arc::new(Semaphore::new(MAX_SOCKETS));
    // The semaphore is never closed, so a permit is always granted eventually.
    while let Ok(permit) = Arc::clone(&sockets).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let place = connections.enter(peer.ip());
                let (router, proxies) = (router.clone(), Arc::clone(proxies));
                tokio::spawn(async move {
                    let answer = |request: Request<Incoming>, place: Arc<Place>| {
                        let mut request = request.map(Body::new);
                        let client = proxies.find_client(peer.ip(), request.headers());
                        request.extensions_mut().insert(place);
                        request.extensions_mut().insert(ClientAddress(client));
                        let router = router.clone();
                        async move {
                            let answered = router.oneshot(request).await;
                            answered.unwrap_or_else(|never| match never {})
                        }
                    };
                    connection::serve_connection(stream, place, answer).await;
                    // The permit counts sockets, so it is held until the stream has been dropped.
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
