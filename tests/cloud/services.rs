//! The services of others that the stack speaks to: Microsoft Intune, and a webhook.

use std::sync::LazyLock;

use scepter_tests::intune::IntuneDouble;
use scepter_tests::webhook::WebhookDouble;
use tokio::runtime::Runtime;

/// The services, which run as long as this process.
pub(crate) static SERVICES: LazyLock<Services> = LazyLock::new(|| {
    // Some tests have a runtime of their own, and cannot wait for another one.
    std::thread::spawn(Services::start).join().unwrap()
});

pub(crate) struct Services {
    pub(crate) intune: IntuneDouble,
    pub(crate) webhook: WebhookDouble,
    _runtime: Runtime,
}

impl Services {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (intune, webhook) =
            runtime.block_on(async { (IntuneDouble::start().await, WebhookDouble::start().await) });
        Self {
            intune,
            webhook,
            _runtime: runtime,
        }
    }
}
