/** What can be wrong with a request that opened, and with a poll or a query. */
export const REQUEST_REASONS = {
  challenge: {
    title: 'The challenge is wrong',
    advice:
      'See whether the device has the challenge of this SCEP Profile, and whether the source that made it is among the profile’s challenge sources.',
  },
  challengeExpired: {
    title: 'The one-time challenge has expired or was deleted',
    advice: 'Make a new one; if devices come late, with a longer validity.',
  },
  challengeMisbound: {
    title: 'The one-time challenge is for something else',
    advice:
      'The request asks for other names, another RA Profile or another transactionID than the challenge has. Correct the device, or make a challenge for what it asks.',
  },
  challengeMissing: {
    title: 'The request has no challenge',
    advice:
      'Enter a challenge in the device, or let an administrator approve each request: require approval in the SCEP Profile.',
  },
  challengeUsed: {
    title: 'The one-time challenge was used before',
    advice:
      'Look at the certificate for which it was used: if that is not of this device, the challenge has leaked. Make a new one for this device.',
  },
  csr: {
    title: 'The request contradicts itself or cannot be read',
    advice: 'Correct what the device asks for; the message above names the fault.',
  },
  denied: {
    title: 'Intune or the webhook refused the enrolment',
    advice: 'The message above has their reason. Look for the device there.',
  },
  enrolmentNotAuthorised: {
    title: 'Nothing authorises enrolments under this profile',
    advice:
      'Add a challenge source to the SCEP Profile, or let an administrator approve each request.',
  },
  keyRevoked: {
    title: 'The key belongs to a revoked certificate',
    advice:
      'A key whose certificate was revoked is never certified again. Have the device make a new key.',
  },
  lockedOut: {
    title: 'The client is locked out after too many wrong challenges',
    advice:
      'It is free again by itself after at most an hour. If it is a device of yours, free it in the lock-outs of the SCEP Profile.',
  },
  nothingPending: {
    title: 'Nothing is pending under this transactionID',
    advice:
      'The device polls for a request that was never made, is already answered, or was not approved in time. Let it enrol again.',
  },
  pollOfAnother: {
    title: 'The poll is signed with another key than the request',
    advice:
      'Two devices use the same transactionID, or the device has made a new key since. Let it enrol again.',
  },
  rejected: {
    title: 'An administrator rejected the request',
    advice: 'The device may ask again, since its transactionID is free.',
  },
  renewalNames: {
    title: 'The renewal asks for names that the certificate does not have',
    advice: 'A renewal keeps its names. For other names let the device enrol with a challenge.',
  },
  renewalSubject: {
    title: 'The renewal asks for another subject',
    advice: 'A renewal keeps its subject. For another one let the device enrol with a challenge.',
  },
  renewalTooEarly: {
    title: 'The certificate may not be renewed yet',
    advice:
      'Nothing is wrong: the device tries again. If it should renew earlier, raise the renewal threshold of the SCEP Profile.',
  },
  revoked: {
    title: 'The certificate of this transaction is revoked',
    advice: 'A revoked certificate is not sent again. Let the device enrol with a new key.',
  },
  rule: {
    title: 'The request violates a rule of the RA Profile',
    advice:
      'Correct what the device asks for, or the rules of the RA Profile; the message above names the rule.',
  },
  tooManyPending: {
    title: 'Too many requests wait for approval',
    advice: 'Approve or reject those that wait; the device tries again.',
  },
  tooManySuccessors: {
    title: 'The certificate was renewed too often',
    advice:
      'Look at its successors: if the device cannot have made them, its key has leaked. Revoke them, or the certificate.',
  },
  transactionTaken: {
    title: 'The transactionID belongs to another key',
    advice:
      'Two devices send the same transactionID, or the device has made a new key while its request waits. Reject the old request, or have the device choose another transactionID.',
  },
  unknownCertificate: {
    title: 'The authority has not issued the certificate that was asked for',
    advice: 'The client asks for a serial number of another authority. Correct it there.',
  },
};
