//! HTTP on a socket: every limit that a hostile peer meets before `scep-http` sees its request.

use std::convert::Infallible;
use std::io::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use scep_http::{MAX_BODY_BYTES, respond};
use scep_protocol::Rejection;
use scep_service::Issuing;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;

/// Most connections at one time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1_000;

/// How long a peer may take to send a request's head, or keep a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a peer may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long running requests may take to end after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after the system refused a connection, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the address.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::other(format!("listening on {address}: {error}")))
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish.
pub(crate) async fn run(listener: TcpListener, issuing: Issuing) -> Result<(), Error> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let connections = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let issuing = Arc::new(issuing);
    tokio::select! {
        () = accept(&listener, &connections, &free, &issuing) => {}
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
    issuing: &Arc<Issuing>,
) {
    // The semaphore is never closed, so a permit always comes.
    while let Ok(permit) = Arc::clone(free).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(issuing), connections.watcher());
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

async fn connection(stream: TcpStream, issuing: Arc<Issuing>, watcher: Watcher) {
    let service = service_fn(move |request| {
        let issuing = Arc::clone(&issuing);
        async move { Ok::<_, Infallible>(answer(&issuing, request).await.map(Full::new)) }
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

async fn answer(issuing: &Issuing, request: Request<Incoming>) -> Response<Bytes> {
    if request.uri().path() == "/health" && request.method() == Method::GET {
        return Response::new(Bytes::from_static(b"ok\n"));
    }
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Rejection::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Rejection::UnreadableMessage),
    };
    respond(issuing, &head, body).await
}
