//! HTTP on a socket: every limit that a hostile peer meets before `scep-http` sees its request.

use std::convert::Infallible;
use std::io::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use scep_http::{CRL_PREFIX, EveryOperation, MAX_BODY_BYTES, PublishedCrls, respond, respond_crl};
use scep_protocol::Rejection;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::prometheus::PrometheusMetrics;

/// Most connections at one time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1_000;

/// How long a peer may take to send a request's head, or keep a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

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
        let listener = TcpListener::bind(address)
            .await
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

/// What requests are answered by.
pub(crate) struct Services {
    pub(crate) scep: EveryOperation,
    pub(crate) management: Router,
    pub(crate) crls: PublishedCrls,
    pub(crate) metrics: Arc<PrometheusMetrics>,
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish.
pub(crate) async fn run(server: Server, services: Services) -> Result<(), Error> {
    tracing::info!(address = %server.address()?, "listening");
    let Server {
        listener,
        mut terminate,
        mut interrupt,
    } = server;
    let connections = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let services = Arc::new(services);
    tokio::select! {
        () = accept(&listener, &connections, &free, &services) => {}
        () = either(&mut terminate, &mut interrupt) => {}
    }
    drop(listener);
    tracing::info!("shutting down");
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shutdown())
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
    connections: &GracefulShutdown,
    free: &Arc<Semaphore>,
    services: &Arc<Services>,
) {
    // The semaphore is never closed, so a permit always comes.
    while let Ok(permit) = Arc::clone(free).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(services), connections.watcher());
                tokio::spawn(async move {
                    connection.await;
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

async fn connection(stream: TcpStream, services: Arc<Services>, watcher: Watcher) {
    let service = service_fn(move |request| {
        let services = Arc::clone(&services);
        async move { Ok::<_, Infallible>(answer(&services, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        // Old devices say that they have sent everything by closing their half.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}

async fn answer(services: &Services, request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() == "/health" && request.method() == Method::GET {
        return Response::new(Body::from("ok\n"));
    }
    if request.uri().path() == "/metrics" && request.method() == Method::GET {
        return services.metrics.response();
    }
    let (head, body) = request.into_parts();
    if head.uri.path().starts_with(CRL_PREFIX) {
        return respond_crl(&services.crls, &head).await.map(Body::from);
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, whole(body)).await;
    let body = body.unwrap_or(Err(Rejection::UnreadableMessage));
    let path = head.uri.path();
    if !path.starts_with(management_api::PREFIX) || path.starts_with(scep_http::PREFIX) {
        let response = respond(&services.scep, &head, body).await;
        return response.map(Body::from);
    }
    match body {
        Ok(body) => {
            let request = Request::from_parts(head, Body::from(body));
            let answered = services.management.clone().oneshot(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
        Err(rejection) => management_api::body_not_read(rejection),
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
