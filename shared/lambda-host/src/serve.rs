//! A function from its start to its end.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use scep_protocol::Rejection;
use scep_service::ErrorChain;
use serde_json::Value;
use tokio::runtime::Runtime;
use tracing::Level;

use crate::environment::Environment;
use crate::{event, logs};

/// How long before Lambda ends a request it is answered that we are too busy.
const MARGIN: Duration = Duration::from_millis(500);

/// Runs a function: logs, then what `function` makes of its settings. An error ends the process, and is logged.
pub fn main<F>(function: impl FnOnce(Environment) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
{
    let level = Environment::of_process().log_level("SCEPTER_LOG_LEVEL");
    logs::start(*level.as_ref().unwrap_or(&Level::INFO));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let run = runtime
        .map_err(Into::into)
        .and_then(|runtime| level.map(|_| runtime).map_err(Into::into))
        .and_then(|runtime: Runtime| runtime.block_on(function(Environment::of_process())));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = ErrorChain(&*error);
            tracing::error!(%error, "the function does not run");
            ExitCode::FAILURE
        }
    }
}

/// Answers requests from API Gateway, one after the other. `reject` makes the answers to those that `answer` never sees,
/// or does not answer in the time that Lambda gives.
///
/// # Errors
/// When the Runtime API fails.
pub async fn serve(
    answer: impl AsyncFn(Parts, Result<Bytes, Rejection>) -> Response<Bytes>,
    reject: impl AsyncFn(Rejection) -> Response<Bytes>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (answer, reject) = (&answer, &reject);
    let service = service_fn(
        move |event: LambdaEvent<ApiGatewayV2httpRequest>| async move {
            let (request, context) = event.into_parts();
            let response = respond(request, &context, answer, reject).await;
            Ok::<_, std::convert::Infallible>(event::answer(response))
        },
    );
    lambda_runtime::run(service).await
}

/// As [`serve`], and does `work` each time that a schedule calls, whatever it says.
///
/// # Errors
/// When the Runtime API fails.
pub async fn serve_with_schedule<E>(
    answer: impl AsyncFn(Parts, Result<Bytes, Rejection>) -> Response<Bytes>,
    reject: impl AsyncFn(Rejection) -> Response<Bytes>,
    work: impl AsyncFn() -> Result<(), E>,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    E: Error + Send + Sync + 'static,
{
    let (answer, reject, work) = (&answer, &reject, &work);
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        // EventBridge names itself; API Gateway's events have no such field.
        if event.get("source").and_then(Value::as_str) == Some("aws.events") {
            work().await?;
            return Ok(Value::Null);
        }
        let request = serde_json::from_value(event)?;
        let response = respond(request, &context, answer, reject).await;
        let answer = serde_json::to_value(event::answer(response))?;
        Ok::<_, Box<dyn Error + Send + Sync>>(answer)
    });
    lambda_runtime::run(service).await
}

async fn respond(
    request: ApiGatewayV2httpRequest,
    context: &Context,
    answer: &impl AsyncFn(Parts, Result<Bytes, Rejection>) -> Response<Bytes>,
    reject: &impl AsyncFn(Rejection) -> Response<Bytes>,
) -> Response<Bytes> {
    let (head, body) = match event::request(request) {
        Ok(request) => request,
        Err(rejection) => return reject(rejection).await,
    };
    match tokio::time::timeout(left(context), answer(head, body)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("the request took longer than the function may");
            reject(Rejection::TryLater).await
        }
    }
}

/// Until the function must have answered.
fn left(context: &Context) -> Duration {
    let deadline = UNIX_EPOCH + Duration::from_millis(context.deadline);
    let left = deadline.duration_since(SystemTime::now());
    left.unwrap_or_default().saturating_sub(MARGIN)
}
