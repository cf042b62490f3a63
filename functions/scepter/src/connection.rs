//! Serves one connection within time limits: for the head, the body, the response, and the
//! connection as a whole.

use std::convert::Infallible;
use std::io::{Error, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_io_timeout::TimeoutWriter;

use crate::connections::Place;

/// How long a client may take to send a request's head, or leave a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a write of a response may make no progress.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a connection accepts new requests.
const LIFE: Duration = Duration::from_secs(60);

/// How long the last response may take after [`LIFE`] has passed.
const LAST_ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// The most requests that a connection may carry. It bounds the responses and log lines that a
/// client causes by sending many requests and reading nothing.
const MAX_REQUESTS: u32 = 100;

/// Serves a connection until the client closes it, a limit is reached, another connection takes its
/// place, or the server shuts down. On shutdown the request in progress is still answered.
pub(crate) async fn serve_connection<S, F>(
    stream: S,
    place: Place,
    answer: impl Fn(Request<Incoming>, Arc<Place>) -> F,
) where
    S: AsyncRead + AsyncWrite + Send,
    F: Future<Output = Response<Body>>,
{
    let place = Arc::new(place);
    let reads = Arc::new(AtomicU32::new(0));
    let stream = ClientStream::new(stream, Arc::clone(&place), Arc::clone(&reads));
    let (requests, reads_before) = (AtomicU32::new(0), AtomicU32::new(0));
    let service = service_fn(|request| {
        let number = requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let reads_now = reads.load(Ordering::Relaxed);
        // No read happened since the previous request, so the client pipelined this one behind it.
        let was_sent_ahead = reads_before.swap(reads_now, Ordering::Relaxed) == reads_now;
        let answering = answer(request, Arc::clone(&place));
        let place = Arc::clone(&place);
        async move {
            let permit = match was_sent_ahead {
                true => place.wait_in_pipeline().await,
                false => None,
            };
            let mut response = answering.await;
            // The permit is released before the response is written: a client that does not read
            // must not block the others in the line.
            drop(permit);
            if number >= MAX_REQUESTS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            place.mark_answered();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        // Small clients search for `Content-Type:` and `Content-Length:` in exactly this spelling.
        .title_case_headers(true)
        // Old devices close their half of the connection to signal the end of the request.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = place.wait_until_taken() => return,
        () = tokio::time::sleep(LIFE) => {}
        () = place.wait_for_shutdown() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => log_end(ended),
        () = place.wait_until_taken() => {}
        () = tokio::time::sleep(LAST_ANSWER_TIMEOUT) => {}
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// The client's stream. It fails writes that make no progress, and reports when the server waits
/// for the client.
struct ClientStream<S> {
    stream: Pin<Box<TimeoutWriter<S>>>,
    place: Arc<Place>,
    /// The number of reads that returned data.
    reads: Arc<AtomicU32>,
}

impl<S: AsyncRead + AsyncWrite> ClientStream<S> {
    fn new(stream: S, place: Arc<Place>, reads: Arc<AtomicU32>) -> Self {
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(WRITE_TIMEOUT));
        Self {
            stream: Box::pin(stream),
            place,
            reads,
        }
    }

    fn note_pending<T>(&self, polled: Poll<T>) -> Poll<T> {
        if polled.is_pending() {
            self.place.mark_waiting();
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let polled = self.stream.as_mut().poll_read(cx, buffer);
        // Only this connection's task uses the counter, so relaxed ordering suffices.
        if polled.is_ready() {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.note_pending(polled)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let polled = self.stream.as_mut().poll_write(cx, octets);
        self.note_pending(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let polled = self.stream.as_mut().poll_write_vectored(cx, octets);
        self.note_pending(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = self.stream.as_mut().poll_flush(cx);
        self.note_pending(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = self.stream.as_mut().poll_shutdown(cx);
        self.note_pending(polled)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::connections::{Connections, Limits};

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";

    /// A connection that is being served.
    struct Served {
        client: DuplexStream,
        /// Finishes when the connection ends, with the number of seconds that it lasted.
        server: JoinHandle<u64>,
        connections: Arc<Connections>,
    }

    impl Served {
        /// Serves responses with a body of the given size, after waiting up to 30 seconds for the
        /// request's body.
        fn new(octets: usize) -> Self {
            let (client, stream) = tokio::io::duplex(1024);
            let connections = Connections::new(Limits {
                total: 100,
                per_address: 1,
            });
            let place = connections.enter(Ipv4Addr::LOCALHOST.into());
            let answer = move |request: Request<Incoming>, place: Arc<Place>| async move {
                let body = timeout(Duration::from_secs(30), request.into_body().collect());
                let read = body.await.is_ok_and(|body| body.is_ok());
                place.mark_answering();
                let mut response = Response::new(Body::from(vec![b'a'; octets]));
                if !read {
                    *response.status_mut() = http::StatusCode::BAD_REQUEST;
                }
                response
            };
            Self {
                client,
                server: tokio::spawn(async move {
                    let begun = Instant::now();
                    serve_connection(stream, place, answer).await;
                    begun.elapsed().as_secs()
                }),
                connections,
            }
        }
    }

    /// Sends one octet per second until a write fails.
    async fn trickle(mut client: impl AsyncWrite + Unpin, octets: &[u8]) {
        for octet in octets.iter().cycle() {
            if client.write_all(&[*octet]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_given_up() {
        let mut served = Served::new(10_000);
        served.client.write_all(GET).await.unwrap();
        assert_eq!(served.server.await.unwrap(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_octet_by_octet_ends_with_the_connection() {
        let mut served = Served::new(10_000);
        served.client.write_all(GET).await.unwrap();
        let (mut reader, _writer) = tokio::io::split(served.client);
        let reading = tokio::spawn(async move {
            while reader.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(served.server.await.unwrap(), 75);
        reading.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_gains_nothing() {
        let served = Served::new(1);
        let (_reader, writer) = tokio::io::split(served.client);
        let trickling = tokio::spawn(trickle(writer, b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaa"));
        assert_eq!(served.server.await.unwrap(), 15);
        trickling.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_gains_nothing() {
        let mut served = Served::new(1);
        served.client.write_all(POST).await.unwrap();
        let (mut reader, writer) = tokio::io::split(served.client);
        let trickling = tokio::spawn(trickle(writer, b"a"));
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 400"));
        assert_eq!(served.server.await.unwrap(), 30);
        trickling.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_again_and_again_is_served_for_a_minute() {
        let mut served = Served::new(1);
        let mut answer = [0; 1024];
        let mut answers = 0;
        loop {
            let _ = served.client.write_all(GET).await;
            let octets = served.client.read(&mut answer).await.unwrap();
            if octets == 0 {
                break;
            }
            answers += 1;
            sleep(Duration::from_secs(7)).await;
        }
        assert_eq!((answers, served.server.await.unwrap()), (9, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_hundredth_answer_is_the_last() {
        let served = Served::new(1);
        let (mut reader, mut writer) = tokio::io::split(served.client);
        let asking = tokio::spawn(async move {
            for _ in 0..200 {
                if writer.write_all(GET).await.is_err() {
                    return;
                }
            }
        });
        let mut answers = Vec::new();
        let _ = reader.read_to_end(&mut answers).await;
        let answers = String::from_utf8(answers).unwrap();
        assert_eq!(answers.matches("200 OK").count(), 100);
        assert_eq!(answers.matches("Connection: close").count(), 1);
        asking.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_lets_the_running_request_end_and_an_idle_connection_go() {
        let mut served = Served::new(1);
        served.client.write_all(POST).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        tokio::spawn(Arc::clone(&served.connections).shut_down());
        sleep(Duration::from_secs(1)).await;
        served.client.write_all(&[0; 1000]).await.unwrap();
        let mut answer = String::new();
        served.client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(served.server.await.unwrap(), 2);

        let mut served = Served::new(1);
        served.client.write_all(GET).await.unwrap();
        served.client.read_u8().await.unwrap();
        sleep(Duration::from_secs(1)).await;
        tokio::spawn(Arc::clone(&served.connections).shut_down());
        assert_eq!(served.server.await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_outlives_its_connection_and_a_shutdown_waits_for_it() {
        let (mut client, stream) = tokio::io::duplex(1024);
        let connections = Connections::new(Limits {
            total: 100,
            per_address: 1,
        });
        let place = connections.enter(Ipv4Addr::LOCALHOST.into());
        client.write_all(GET).await.unwrap();
        let begun = Instant::now();
        let answer = async |_, place: Arc<Place>| {
            let answer = async {
                sleep(Duration::from_secs(100)).await;
                Response::new(Body::empty())
            };
            place.mark_answering();
            place.begin_answer(answer).await.unwrap()
        };
        serve_connection(stream, place, answer).await;
        assert_eq!(begun.elapsed().as_secs(), 75);
        connections.shut_down().await;
        assert_eq!(begun.elapsed().as_secs(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_connection_gives_its_place_to_another() {
        let served = Served::new(1);
        sleep(Duration::from_secs(1)).await;
        let other = served.connections.enter(Ipv4Addr::LOCALHOST.into());
        other.mark_waiting();
        assert_eq!(served.server.await.unwrap(), 1);
    }
}
