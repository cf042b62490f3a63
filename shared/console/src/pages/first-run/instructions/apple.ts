import { escapeXml, type Enrolment, type Instruction } from './enrolment';

/** The identifiers of a configuration profile and its payloads: UUIDs, of which no two are alike. */
export interface ProfileIds {
  profile: string;
  scep: string;
  root: string;
}

/** Apple's devices, by a configuration profile to be installed or given to an MDM. */
export function apple(enrolment: Enrolment, ids: ProfileIds): Instruction {
  return {
    id: 'apple',
    title: 'Apple',
    parts: [
      {
        kind: 'text',
        text: 'A configuration profile for iOS, iPadOS, macOS and tvOS: it makes the device trust the authority, and enrol. Open it on one device, or upload it to your MDM and put the MDM’s variables in place of the name.',
      },
      {
        kind: 'file',
        name: 'scepter.mobileconfig',
        type: 'application/x-apple-aspen-config',
        content: mobileconfig(enrolment, ids),
      },
      {
        kind: 'settings',
        settings: [
          ['URL', enrolment.url],
          ['Challenge', enrolment.challenge ?? 'none: your MDM provides one'],
          ['Subject', `CN=${enrolment.deviceName}`],
          ['Key type and size', 'RSA, 2048'],
          ['Key usage', '5 (signing and encryption)'],
          ['CA fingerprint (SHA-1)', enrolment.fingerprintSha1],
        ],
      },
      {
        kind: 'text',
        text: 'For almost every error the device shows “The SCEP server returned an invalid response”: Requests says why.',
      },
    ],
  };
}

/** A configuration profile with Apple's SCEP payload and the authority's certificate. */
export function mobileconfig(enrolment: Enrolment, ids: ProfileIds): string {
  const challenge =
    enrolment.challenge === null
      ? ''
      : `
        <key>Challenge</key>
        <string>${escapeXml(enrolment.challenge)}</string>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadType</key>
  <string>Configuration</string>
  <key>PayloadVersion</key>
  <integer>1</integer>
  <key>PayloadIdentifier</key>
  <string>scepter.${ids.profile}</string>
  <key>PayloadUUID</key>
  <string>${ids.profile}</string>
  <key>PayloadDisplayName</key>
  <string>${escapeXml(`Certificate for ${enrolment.deviceName}`)}</string>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadType</key>
      <string>com.apple.security.scep</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
      <key>PayloadIdentifier</key>
      <string>scepter.${ids.scep}</string>
      <key>PayloadUUID</key>
      <string>${ids.scep}</string>
      <key>PayloadDisplayName</key>
      <string>SCEP</string>
      <key>PayloadContent</key>
      <dict>
        <key>URL</key>
        <string>${escapeXml(enrolment.url)}</string>
        <key>Name</key>
        <string>${escapeXml(enrolment.authority)}</string>
        <key>Subject</key>
        <array>
          <array>
            <array>
              <string>CN</string>
              <string>${escapeXml(enrolment.deviceName)}</string>
            </array>
          </array>
        </array>${challenge}
        <key>Key Type</key>
        <string>RSA</string>
        <key>Keysize</key>
        <integer>2048</integer>
        <key>Key Usage</key>
        <integer>5</integer>
        <key>CAFingerprint</key>
        <data>${octetsInBase64(enrolment.fingerprintSha1)}</data>
      </dict>
    </dict>
    <dict>
      <key>PayloadType</key>
      <string>com.apple.security.root</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
      <key>PayloadIdentifier</key>
      <string>scepter.${ids.root}</string>
      <key>PayloadUUID</key>
      <string>${ids.root}</string>
      <key>PayloadDisplayName</key>
      <string>${escapeXml(enrolment.authority)}</string>
      <key>PayloadContent</key>
      <data>${derInBase64(enrolment.authorityPem)}</data>
    </dict>
  </array>
</dict>
</plist>
`;
}

/** The octets of a fingerprint such as `AB:CD`, in base64. */
export function octetsInBase64(fingerprint: string): string {
  const octets = fingerprint.split(':').map((pair) => Number.parseInt(pair, 16));
  return btoa(String.fromCharCode(...octets));
}

/** The DER of the first certificate of a PEM text, in base64. */
function derInBase64(pem: string): string {
  const body = /-----BEGIN CERTIFICATE-----([^-]*)-----END/.exec(pem)?.[1] ?? '';
  return body.replace(/\s/g, '');
}
