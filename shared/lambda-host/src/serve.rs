//! The life of a function: start, requests, end.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use scep_http::{BodyError, rejection_response};
use scep_protocol::refusal::HttpRejection;
use scep_service::error_chain::ErrorChain;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::util::MapFutureLayer;
use tracing::Level;

use crate::{Environment, FrontDoors, ScheduledTask, event, logs};

/// The time before Lambda's deadline at which an unfinished request is answered as temporarily
/// unavailable.
// When Lambda ends a function at the deadline, the client gets an error of API Gateway, and the
// process is lost with everything that it has cached.
const MARGIN: Duration = Duration::from_millis(500);

/// How long a function works on after a response, at most.
const REST_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs a function: starts logging, then runs `function` with its settings. An error is logged and
/// ends the process.
pub fn main<F>(function: impl FnOnce(Environment) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
{
    // An invalid level is an error like any other invalid setting. It is reported after logging has
    // started, so logging starts at INFO then.
    let level = Environment::of_process().log_level("SCEPTER_LOG_LEVEL");
    logs::start_logging(*level.as_ref().unwrap_or(&Level::INFO));
    // Lambda gives an instance one request at a time, so more threads would have nothing to do.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| level.map(|_| runtime).map_err(Into::into))
        .and_then(|runtime: Runtime| runtime.block_on(function(Environment::of_process())));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&*error), "startup failed");
            ExitCode::FAILURE
        }
    }
}

/// Answers SCEP requests from API Gateway, one after the other. A request that never reaches
/// `answer`, or that `answer` does not finish in the time that Lambda allows, is rejected.
///
/// # Errors
/// If the Runtime API fails.
pub async fn serve(
    doors: &FrontDoors,
    answer: impl AsyncFn(Parts, Result<Bytes, BodyError>) -> Response<Bytes>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    serve_then(doors, answer, async || {}).await
}

/// Answers SCEP requests as [`serve`] does, and does `rest` after each response is sent, for at
/// most two seconds.
///
/// # Errors
/// If the Runtime API fails.
// Lambda hands a response on as soon as it has it, and freezes the process once it asks for the
// next request: a task beside requests might never be done.
pub async fn serve_then(
    doors: &FrontDoors,
    answer: impl AsyncFn(Parts, Result<Bytes, BodyError>) -> Response<Bytes>,
    rest: impl AsyncFn(),
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (answer, rest) = (&answer, &rest);
    let service = service_fn(
        move |event: LambdaEvent<ApiGatewayV2httpRequest>| async move {
            let (request, context) = event.into_parts();
            let response = respond(request, &context, doors, answer).await;
            Ok::<_, std::convert::Infallible>(event::build_response(response))
        },
    );
    let layer = MapFutureLayer::new(move |sending| send_then(sending, rest));
    lambda_runtime::Runtime::new(service)
        .layer(TracingLayer::new())
        .layer(layer)
        .run()
        .await
}

/// Sends a response, and then does the rest, whose failure concerns no client.
async fn send_then<T>(sending: impl Future<Output = T>, rest: &impl AsyncFn()) -> T {
    let sent = sending.await;
    if tokio::time::timeout(REST_TIMEOUT, rest()).await.is_err() {
        tracing::error!("what follows a response timed out");
    }
    sent
}

/// Runs `work` for the task of each event, one after the other. An error, or an event without a
/// known task, fails the invocation, which Lambda repeats and counts among the errors of the
/// function.
///
/// # Errors
/// If the Runtime API fails.
pub async fn serve_schedule<E>(
    work: impl AsyncFn(ScheduledTask) -> Result<(), E>,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    E: Error + Send + Sync + 'static,
{
    let work = &work;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        work(ScheduledTask::parse(&event.payload)?).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    lambda_runtime::run(service).await
}

async fn respond(
    request: ApiGatewayV2httpRequest,
    context: &Context,
    doors: &FrontDoors,
    answer: &impl AsyncFn(Parts, Result<Bytes, BodyError>) -> Response<Bytes>,
) -> Response<Bytes> {
    match event::parse_request(request, doors) {
        Ok((head, body)) => answer_in_time(context, answer(head, body))
            .await
            .unwrap_or_else(|| rejection_response(HttpRejection::TryLater)),
        Err(rejection) => rejection_response(rejection),
    }
}

/// Waits for a response; `None`, with a line in the log, if Lambda's deadline comes first.
pub async fn answer_in_time<T>(context: &Context, answer: impl Future<Output = T>) -> Option<T> {
    match tokio::time::timeout(time_remaining(context), answer).await {
        Ok(response) => Some(response),
        Err(_) => {
            tracing::error!("the request timed out");
            None
        }
    }
}

/// The time that remains until the function must answer.
fn time_remaining(context: &Context) -> Duration {
    let deadline = UNIX_EPOCH + Duration::from_millis(context.deadline);
    deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn what_follows_a_response_begins_once_it_is_sent() {
        let steps = RefCell::new(Vec::new());
        let sending = async {
            tokio::task::yield_now().await;
            steps.borrow_mut().push("sent");
            7
        };
        let rest = async || steps.borrow_mut().push("rest");
        assert_eq!(send_then(sending, &rest).await, 7);
        assert_eq!(*steps.borrow(), ["sent", "rest"]);
    }
}
