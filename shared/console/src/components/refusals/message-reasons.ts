const UPDATE_CLIENT = 'Update the SCEP client of the device, or choose another algorithm in it.';

/** What can be wrong with a message before its contents are looked at. */
export const MESSAGE_REASONS = {
  attribute: {
    title: 'An attribute of the message is missing or malformed',
    advice:
      'The client does not follow RFC 8894: transactionID, messageType and senderNonce are each needed once. Update it.',
  },
  contentEncryption: {
    title: 'The message is encrypted with an unsupported algorithm',
    advice: `${UPDATE_CLIENT} AES is supported, and triple DES where the SCEP Profile allows legacy algorithms.`,
  },
  digest: {
    title: 'The message has an unsupported digest',
    advice: `${UPDATE_CLIENT} SHA-256, SHA-384 and SHA-512 are supported, and SHA-1 where the SCEP Profile allows legacy algorithms.`,
  },
  envelope: {
    title: 'The message does not open to an intact request',
    advice:
      'The message above names the fault, which the client is not told. Most often the device has an old RA certificate, or another challenge than the one it encrypts under: have it read the CA certificates again. Many such messages from one address may be an attack.',
  },
  keyTransport: {
    title: 'The key of the message is encrypted with an unsupported algorithm',
    advice: `${UPDATE_CLIENT} RSA with PKCS #1 v1.5 or OAEP is supported.`,
  },
  messageType: {
    title: 'The messageType is unknown',
    advice: 'The client sends what no SCEP client sends. Update it, or find out who sends this.',
  },
  noEnvelope: {
    title: 'The message carries no request',
    advice: 'The client sent a message without its encrypted part. Update it.',
  },
  noPassword: {
    title: 'The message is encrypted under a challenge, but the profile has none',
    advice:
      'For a device whose key cannot decrypt, make a one-time challenge with the transactionID that it will send, or give the SCEP Profile a challengePassword.',
  },
  passwordRecipient: {
    title: 'The message is encrypted under a challenge in a malformed structure',
    advice: 'The client does not follow RFC 3211. Update it.',
  },
  queryEnvelope: {
    title: 'The query does not open to an intact one',
    advice:
      'The message above names the fault. Have the client read the CA certificates again, so that it encrypts to the RA certificate of today.',
  },
  recipient: {
    title: 'The message is encrypted to another certificate',
    advice:
      'The device has the RA certificate of another server or an old one. Have it read the CA certificates again.',
  },
  recipientAuthority: {
    title: 'The message is encrypted to the authority instead of the RA certificate',
    advice:
      'The device must encrypt to the RA certificate. If it can take only one certificate, set the form of GetCACert in the SCEP Profile to “raOnly”.',
  },
  requestTooLarge: {
    title: 'The request is larger than 16 KiB',
    advice: 'Have the device ask for fewer names and extensions.',
  },
  signature: {
    title: 'The signature of the message does not verify',
    advice:
      'The message was changed on its way, or its signer’s certificate is not in it. Look for a proxy that changes bodies; then update the client.',
  },
  signerAlgorithm: {
    title: 'The message is signed with an unsupported algorithm',
    advice: UPDATE_CLIENT,
  },
  signerCannotDecrypt: {
    title: 'The reply cannot be encrypted to the signer’s key',
    advice:
      'A device with an EC key needs a challenge: make a one-time challenge with the transactionID that it will send, or have it use an RSA key.',
  },
  signerExpired: {
    title: 'The signer’s certificate is not valid now',
    advice:
      'A certificate that has expired cannot be renewed: let the device enrol again with a new challenge. If it should be valid, see whether the clock of the device is right.',
  },
  signerKey: {
    title: 'The signer’s key is not supported',
    advice:
      'Have the device use an RSA key of 2048 bits or more, or an EC key on P-256, P-384 or P-521.',
  },
  signerRevoked: {
    title: 'The signer’s certificate is revoked',
    advice:
      'Find out why it was revoked. If the device may have a certificate again, let it enrol with a new key and a new challenge.',
  },
  signerUnknown: {
    title: 'The signer’s certificate is not one of this authority and RA Profile',
    advice:
      'Only a certificate that was issued under this RA Profile can renew or query. Correct the URL in the device, or let it enrol.',
  },
  unreadableMessage: {
    title: 'The message is not a readable SignedData',
    advice:
      'What was sent is no SCEP message, or a proxy changed it. Look at the client and at what is between it and the server.',
  },
};
