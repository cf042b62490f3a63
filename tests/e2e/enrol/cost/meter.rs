//! The capacity units that DynamoDB would charge, as the embedded engine computes them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// The units of each table, written `table`, and of each of its indexes, written `table.index`.
pub(crate) type Units = BTreeMap<String, f64>;

/// What was consumed through a client.
#[derive(Debug, Default)]
pub(crate) struct Consumed {
    pub(crate) written: Units,
    pub(crate) read: Units,
}

/// Below the SDK, asks for the consumed capacity of each request, and adds up the answers.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    http: SharedHttpClient,
    consumed: Arc<Mutex<Consumed>>,
}

/// Wraps a client by a meter, and returns where it adds up.
pub(crate) fn metered_client(
    client: &aws_sdk_dynamodb::Client,
) -> (aws_sdk_dynamodb::Client, Arc<Mutex<Consumed>>) {
    let consumed = Arc::<Mutex<Consumed>>::default();
    let config = client.config();
    let meter = Meter {
        http: config.http_client().unwrap(),
        consumed: Arc::clone(&consumed),
    };
    let config = config.to_builder().http_client(meter).build();
    (aws_sdk_dynamodb::Client::from_conf(config), consumed)
}

impl HttpClient for Meter {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(MeteredConnector {
            connector: self.http.http_connector(settings, components),
            consumed: Arc::clone(&self.consumed),
        })
    }
}

#[derive(Clone, Debug)]
struct MeteredConnector {
    connector: SharedHttpConnector,
    consumed: Arc<Mutex<Consumed>>,
}

impl HttpConnector for MeteredConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap();
            let writes = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]
                .iter()
                .any(|operation| target.ends_with(&format!(".{operation}")));
            let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            body["ReturnConsumedCapacity"] = json!("INDEXES");
            *request.body_mut() = SdkBody::from(body.to_string());
            let answer = this.connector.call(request).await?;
            let body: Value = serde_json::from_slice(answer.body().bytes().unwrap()).unwrap();
            let mut consumed = this.consumed.lock().unwrap();
            let Consumed { written, read } = &mut *consumed;
            let units = if writes { written } else { read };
            match &body["ConsumedCapacity"] {
                Value::Array(tables) => tables.iter().for_each(|table| add_table(units, table)),
                table => add_table(units, table),
            }
            Ok(answer)
        })
    }
}

/// Adds the units of a table and of its indexes. A failed condition reports none.
fn add_table(units: &mut Units, table: &Value) {
    let Some(name) = table["TableName"].as_str() else {
        return;
    };
    let of = |detail: &Value| detail["CapacityUnits"].as_f64().unwrap();
    *units.entry(name.to_owned()).or_default() += of(&table["Table"]);
    for (index, detail) in table["GlobalSecondaryIndexes"]
        .as_object()
        .into_iter()
        .flatten()
    {
        *units.entry(format!("{name}.{index}")).or_default() += of(detail);
    }
}
