//! The contract of the memory of encrypted keys.

use scep_protocol::transaction::Fingerprint;
use scep_service::ports::EnvelopeSighting::{Altered, First, Repeated};
use scep_service::ports::Transactions;
use time::Duration;

use super::challenges::current_time;

use super::adapters::store;

#[tokio::test]
async fn an_encrypted_key_is_known_by_its_ciphertext_until_it_expires() {
    let (_guard, store) = store().await;
    let start = current_time();
    let see = async |key: u8, ciphertext: u8, second: i64, memory: i64| {
        let now = start + Duration::seconds(second);
        let (key, ciphertext) = (Fingerprint([key; 32]), Fingerprint([ciphertext; 32]));
        store
            .remember_envelope(key, ciphertext, now + Duration::seconds(memory), now)
            .await
            .unwrap()
    };
    assert_eq!(see(1, 1, 0, 60).await, First);
    assert_eq!(see(1, 1, 0, 60).await, Repeated);
    assert_eq!(see(1, 2, 0, 60).await, Altered);
    assert_eq!(see(2, 2, 0, 60).await, First);
    // At its last second it is still known; afterwards it is not, with whatever ciphertext.
    assert_eq!(see(2, 1, 60, 60).await, Altered);
    assert_eq!(see(1, 1, 61, 60).await, First);
    assert_eq!(see(2, 1, 61, 60).await, First);
    assert_eq!(see(2, 2, 61, 60).await, Altered);
    // A time that has passed makes it forgotten.
    assert_eq!(see(1, 1, 62, -1).await, Repeated);
    assert_eq!(see(1, 1, 62, 60).await, First);
    assert_eq!(see(1, 1, 62, 60).await, Repeated);
}
