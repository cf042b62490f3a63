//! HTTP on a socket: every limit that a hostile peer meets before `scep-http` sees its request.

use std::io::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use scep_http::{
    CRL_PREFIX, EveryOperation, MAX_BODY_BYTES, PublishedCrls, at_fixed_path, read_options, reject,
    respond, respond_crl,
};
use scep_protocol::{ProfileName, Rejection};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::connection;
use crate::connections::{Connections, Limits, Place};
use crate::prometheus::PrometheusMetrics;

/// Most connections at one time; one more costs the slowest its place.
pub(crate) const MAX_CONNECTIONS: u16 = 900;

/// Most sockets, with those that are just being closed; more wait to be accepted. Of the 1,024 file
/// descriptors that a process usually has, the rest is for the database, keys and tokens.
const MAX_SOCKETS: usize = 960;

/// Most connections that wait to be accepted, as far as the system allows: one more is lost, and
/// tried again a second later.
const BACKLOG: u32 = 4_096;

/// How long a peer may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body that is too large is read before the peer is cut off.
const MAX_DISCARDED_BYTES: usize = 16 * MAX_BODY_BYTES;

/// How long running requests may take to end after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after the system refused a connection, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens, in a process that ends in good order.
pub(crate) struct Server {
    listener: TcpListener,
    terminate: Signal,
    interrupt: Signal,
}

impl Server {
    /// Binds the address; from here on SIGTERM and SIGINT wait for [`run`].
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, Error> {
        let listener = listener(address)
            .map_err(|error| Error::other(format!("listening on {address}: {error}")))?;
        Ok(Self {
            listener,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr()
    }
}

fn listener(address: SocketAddr) -> Result<TcpListener, Error> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As tokio's own way of listening: a restart finds the port that connections of before still
    // hold.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What requests are answered by.
pub(crate) struct Services {
    pub(crate) scep: EveryOperation,
    pub(crate) management: Router,
    pub(crate) crls: PublishedCrls,
    pub(crate) metrics: Arc<PrometheusMetrics>,
    /// The SCEP Profile at the paths that devices do not let anybody choose.
    pub(crate) default_scep_profile: ProfileName,
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish. `connections_per_address`:
/// see [`Limits`].
pub(crate) async fn run(
    server: Server,
    services: Services,
    connections_per_address: u16,
) -> Result<(), Error> {
    tracing::info!(address = %server.address()?, "listening");
    let Server {
        listener,
        mut terminate,
        mut interrupt,
    } = server;
    let connections = Connections::new(Limits {
        in_all: MAX_CONNECTIONS.into(),
        of_an_address: connections_per_address.into(),
    });
    let (shutdown, _) = watch::channel(());
    let services = Arc::new(services);
    tokio::select! {
        () = accept(&listener, &connections, &shutdown, &services) => {}
        () = either(&mut terminate, &mut interrupt) => {}
    }
    drop(listener);
    tracing::info!("shutting down");
    shutdown.send_replace(());
    // It is closed when the last connection is gone.
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, shutdown.closed())
        .await
        .is_err()
    {
        tracing::warn!("requests were still running");
    }
    Ok(())
}

async fn either(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    shutdown: &watch::Sender<()>,
    services: &Arc<Services>,
) {
    let sockets = Arc::new(Semaphore::new(MAX_SOCKETS));
    // The semaphore is never closed, so a permit always comes.
    while let Ok(permit) = Arc::clone(&sockets).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let place = connections.enter(peer.ip());
                let services = Arc::clone(services);
                let shutdown = shutdown.subscribe();
                tokio::spawn(async move {
                    let answer = |request, place: Arc<Place>| {
                        let services = Arc::clone(&services);
                        async move { answer(&services, request, &place).await }
                    };
                    connection::serve(stream, place, shutdown, answer).await;
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

async fn answer(services: &Services, request: Request<Incoming>, place: &Place) -> Response<Body> {
    let (head, body) = request.into_parts();
    let head = at_fixed_path(head, &services.default_scep_profile);
    if let Some(answered) = answer_without_body(services, &head, place).await {
        return answered;
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, whole(body)).await;
    let body = body.unwrap_or(Err(Rejection::UnreadableMessage));
    let path = head.uri.path();
    if !path.starts_with(management_api::PREFIX) || path.starts_with(scep_http::PREFIX) {
        let _permit = place.answers_in_line().await;
        let response = respond(&services.scep, &head, body).await;
        return response.map(Body::from);
    }
    place.answers();
    match body {
        Ok(body) => {
            let request = Request::from_parts(head, Body::from(body));
            let answered = services.management.clone().oneshot(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
        Err(rejection) => management_api::body_not_read(rejection),
    }
}

/// The answer to what its head alone asks for, whatever body may follow.
async fn answer_without_body(
    services: &Services,
    head: &Parts,
    place: &Place,
) -> Option<Response<Body>> {
    let path = head.uri.path();
    if path == "/health" {
        place.answers();
        let healthy = || Response::new(Body::from("ok\n"));
        return Some(read_only(&head.method, healthy));
    }
    if path == "/metrics" {
        place.answers();
        return Some(read_only(&head.method, || services.metrics.response()));
    }
    if path.starts_with(CRL_PREFIX) {
        let _permit = place.answers_in_line().await;
        let response = respond_crl(&services.crls, head).await;
        return Some(response.map(Body::from));
    }
    None
}

/// The answer of something that is only read, also to the HEAD and OPTIONS of load balancers. To HEAD hyper sends no body.
fn read_only(method: &Method, read: impl FnOnce() -> Response<Body>) -> Response<Body> {
    match *method {
        Method::GET | Method::HEAD => read(),
        Method::OPTIONS => read_options().map(Body::from),
        _ => reject(Rejection::ReadOnly).map(Body::from),
    }
}

/// The whole body. One that is too large is read a while longer: a peer that is cut off while it sends loses the answer.
async fn whole(mut body: Incoming) -> Result<Bytes, Rejection> {
    let mut collected = BytesMut::new();
    let mut bytes: usize = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Rejection::UnreadableMessage)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        bytes = bytes.saturating_add(data.len());
        if bytes <= MAX_BODY_BYTES {
            collected.extend_from_slice(&data);
        }
        if bytes > MAX_DISCARDED_BYTES {
            break;
        }
    }
    if bytes > MAX_BODY_BYTES {
        return Err(Rejection::BodyTooLarge);
    }
    Ok(collected.freeze())
}
