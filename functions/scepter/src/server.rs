//! HTTP over sockets: accepts connections, enforces limits on hostile clients, and routes requests.

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
    BodyError, CRL_PREFIX, EveryOperation, MAX_BODY_BYTES, PublishedCrls, at_fixed_path,
    read_options, rejection_response, respond_crl, respond_scep,
};
use scep_protocol::{HttpRejection, ProfileName};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::connection;
use crate::connections::{Connections, Limits, Place};
use crate::prometheus::PrometheusMetrics;

/// The most connections at a time. Another one takes the place of the slowest.
pub(crate) const MAX_CONNECTIONS: u16 = 900;

/// The most open sockets, including those that are being closed; further connections wait to be
/// accepted. A process usually has 1,024 file descriptors; the rest is left for the database, keys
/// and tokens.
const MAX_SOCKETS: usize = 960;

/// The most connections that wait to be accepted, if the system allows as many. Beyond it the
/// system drops a connection attempt, which the client's TCP repeats a second later.
const BACKLOG: u32 = 4_096;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of an oversized body is read before the client is disconnected.
const MAX_DISCARDED_BYTES: usize = 16 * MAX_BODY_BYTES;

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

/// The services that requests are routed to.
pub(crate) struct Services {
    pub(crate) scep: EveryOperation,
    pub(crate) management: Router,
    pub(crate) crls: PublishedCrls,
    pub(crate) metrics: Arc<PrometheusMetrics>,
    /// The SCEP Profile at the fixed paths of devices whose path cannot be configured.
    pub(crate) default_scep_profile: ProfileName,
}

/// Serves until SIGTERM or SIGINT, then lets requests in progress finish. See [`Limits`] for
/// `connections_per_address`.
pub(crate) async fn serve_until_signal(
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
        total: MAX_CONNECTIONS.into(),
        per_address: connections_per_address.into(),
    });
    let (shutdown, _) = watch::channel(());
    let services = Arc::new(services);
    tokio::select! {
        () = accept_connections(&listener, &connections, &shutdown, &services) => {}
        () = first_of(&mut terminate, &mut interrupt) => {}
    }
    drop(listener);
    tracing::info!("shutting down");
    shutdown.send_replace(());
    // Each connection holds a receiver, so the channel is closed once the last connection has
    // ended.
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, shutdown.closed())
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
    shutdown: &watch::Sender<()>,
    services: &Arc<Services>,
) {
    let sockets = Arc::new(Semaphore::new(MAX_SOCKETS));
    // The semaphore is never closed, so a permit is always granted eventually.
    while let Ok(permit) = Arc::clone(&sockets).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let place = connections.enter(peer.ip());
                let services = Arc::clone(services);
                let shutdown_receiver = shutdown.subscribe();
                tokio::spawn(async move {
                    let answer = |request, place: Arc<Place>| {
                        let services = Arc::clone(&services);
                        async move { answer_request(&services, request, &place).await }
                    };
                    connection::serve_connection(stream, place, shutdown_receiver, answer).await;
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

async fn answer_request(
    services: &Services,
    request: Request<Incoming>,
    place: &Place,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let head = at_fixed_path(head, &services.default_scep_profile);
    if let Some(answered) = answer_without_body(services, &head, place).await {
        return answered;
    }
    // Read before the request lines up, so that slow senders hold no permit.
    let body = tokio::time::timeout(BODY_TIMEOUT, read_body(body))
        .await
        .unwrap_or(Err(BodyError::TimedOut));
    let path = head.uri.path();
    // SCEP's prefix lies below that of management. Unknown paths go to SCEP, which answers in text.
    if !path.starts_with(management_api::PREFIX) || path.starts_with(scep_http::PREFIX) {
        let _permit = place.answer_in_line().await;
        let response = respond_scep(&services.scep, &head, body).await;
        return response.map(Body::from);
    }
    place.mark_answering();
    match body {
        Ok(body) => {
            let request = Request::from_parts(head, Body::from(body));
            let answered = services.management.clone().oneshot(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
        Err(error) => management_api::body_error_response(error),
    }
}

/// The response to a request that its head alone determines; a body is ignored.
async fn answer_without_body(
    services: &Services,
    head: &Parts,
    place: &Place,
) -> Option<Response<Body>> {
    let path = head.uri.path();
    // Health and metrics do not wait in line: monitoring must work while the server is busy.
    if path == "/health" {
        place.mark_answering();
        let healthy = || Response::new(Body::from("ok\n"));
        return Some(read_only(&head.method, healthy));
    }
    if path == "/metrics" {
        place.mark_answering();
        return Some(read_only(&head.method, || services.metrics.response()));
    }
    if path.starts_with(CRL_PREFIX) {
        let _permit = place.answer_in_line().await;
        let response = respond_crl(&services.crls, head).await;
        return Some(response.map(Body::from));
    }
    None
}

/// The response of a read-only resource. Load balancers probe with HEAD and OPTIONS; hyper omits
/// the body of a response to HEAD.
fn read_only(method: &Method, read: impl FnOnce() -> Response<Body>) -> Response<Body> {
    match *method {
        Method::GET | Method::HEAD => read(),
        Method::OPTIONS => read_options().map(Body::from),
        _ => rejection_response(HttpRejection::ReadOnly).map(Body::from),
    }
}

/// Reads the whole body. An oversized one is read further, up to [`MAX_DISCARDED_BYTES`], because a
/// client that is disconnected while it sends may never see the response.
async fn read_body(mut body: Incoming) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    let mut bytes: usize = 0;
    while let Some(frame) = body.frame().await {
        // Trailers carry nothing that SCEP or the management API uses.
        let Ok(data) = frame.map_err(|_| BodyError::Unreadable)?.into_data() else {
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
        return Err(BodyError::TooLarge);
    }
    Ok(collected.freeze())
}
