//! What devices ask of a server in this process.

use scep_cms::certificate::Certificate;
use scep_cms::public_key::PublicKey;
use scep_service::ports::Clock;

use crate::assert::assert_status;
use crate::device;
use crate::device::{CertRep, Device};
use crate::world::{CHALLENGE, World};

impl<S, D> World<S, D> {
    /// Sends a request of this device and reads the reply, verified with the RA certificate.
    pub async fn ask(&self, device: &Device, request: &device::Request) -> CertRep {
        let message = device.message(request, &self.ra_certificate);
        self.exchange(device, message).await
    }

    /// Posts a message of this device and reads the reply, verified with the RA certificate.
    pub async fn exchange(&self, device: &Device, message: Vec<u8>) -> CertRep {
        let response = self.post(message).await;
        assert_status(&response, 200);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/x-pki-message");
        assert_eq!(headers["cache-control"], "no-store");
        // The reply to a key that cannot decrypt is encrypted under the challengePassword.
        let is_rsa = matches!(device.certificate.public_key(), Ok(PublicKey::Rsa { .. }));
        let password = (!is_rsa).then_some(CHALLENGE);
        device.read_with(response.body(), &self.ra_certificate, password)
    }

    /// Creates a device and enrols it as `CN=common_name, O=Corp`; it signs with the issued
    /// certificate.
    pub async fn enrolled(&self, common_name: &str) -> Device {
        let device = Device::rsa();
        let request = device.enrolment(common_name, CHALLENGE);
        device.holding(self.ask(&device, &request).await.leaf())
    }

    /// Enrols a device as [`Self::enrolled`] does, and moves the clock to when it may renew.
    pub async fn enrol_renewable(&self, common_name: &str) -> Device {
        let device = self.enrolled(common_name).await;
        self.make_renewable(&device.certificate);
        device
    }

    /// Moves the clock into the second half of this certificate's validity, when it may be renewed.
    pub fn make_renewable(&self, certificate: &Certificate) {
        let validity = certificate.validity().unwrap();
        let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
        let wait: time::Duration = half - self.clock.now() + time::Duration::HOUR;
        self.clock.advance(wait.try_into().unwrap());
    }
}
