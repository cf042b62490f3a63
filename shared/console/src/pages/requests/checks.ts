import { wordsOf } from '../../components/refusals/words';

/** A check that a request passes. */
export interface CheckText {
  title: string;
  /** What is checked and why, in a sentence. */
  explanation: string;
}

const CHECKS = new Map<string, CheckText>(
  Object.entries({
    availability: {
      title: 'The endpoint serves',
      explanation:
        'Both profiles are linked and enabled, and the certificates of the RA and the authority are valid.',
    },
    format: {
      title: 'The message can be read',
      explanation: 'What was sent is a SignedData, the outer form of every SCEP message.',
    },
    attributes: {
      title: 'The attributes of the message',
      explanation:
        'messageType, transactionID and senderNonce are there once each and well formed.',
    },
    algorithms: {
      title: 'The algorithms of the message',
      explanation: 'Its digest, its signature algorithm and the signer’s key are supported.',
    },
    signature: {
      title: 'The signature of the message',
      explanation: 'The message was signed by the key that it names, and was not changed since.',
    },
    replyEncryption: {
      title: 'The reply can be encrypted',
      explanation: 'The signer’s key can decrypt, or a challenge stands in for it.',
    },
    signer: {
      title: 'The signer',
      explanation:
        'Who signs may send such a message: a renewal or a query needs a valid certificate of this authority.',
    },
    encryption: {
      title: 'The encryption of the message',
      explanation: 'It is encrypted to the RA certificate, with algorithms that are supported.',
    },
    content: {
      title: 'The message opens',
      explanation:
        'What is inside is intact, and its own signature shows that the device has the key.',
    },
    request: {
      title: 'The request inside',
      explanation: 'The PKCS #10 request can be read and does not contradict itself.',
    },
    authorisation: {
      title: 'Authorisation',
      explanation:
        'A renewal is due and asks for the same names, or a challenge source vouches for the enrolment.',
    },
    key: {
      title: 'The key',
      explanation: 'It is strong enough for the RA Profile, and no certificate of it was revoked.',
    },
    transaction: {
      title: 'The transactionID',
      explanation: 'It is free, or belongs to the device that sends it.',
    },
    approval: {
      title: 'Approval',
      explanation: 'An administrator has approved the request, or nobody has to.',
    },
    rules: {
      title: 'The rules of the RA Profile',
      explanation: 'The names and usages that the certificate will have are allowed.',
    },
    query: {
      title: 'The certificate that is asked for',
      explanation: 'The authority has issued the certificate of a GetCert or GetCRL.',
    },
  }),
);

/** What a check is. One that a later server has is made readable. */
export function checkText(code: string): CheckText {
  return CHECKS.get(code) ?? { title: wordsOf(code), explanation: '' };
}

/** Every check that this version knows, by the code that the API has for it. */
export const CHECK_CODES: readonly string[] = [...CHECKS.keys()];
