const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates in a text, each in PEM; what stands between them is left out. */
export function pemCertificates(text: string): string[] {
  return text.match(BLOCK)?.map((block) => `${block}\n`) ?? [];
}

/** The DER of a certificate in PEM. */
export function derOfPem(pem: string): Uint8Array<ArrayBuffer> {
  const base64 = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, '');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The PEM text of a file that is a certificate in DER, or else the file's own text. */
export function pemOfFile(content: Uint8Array): string {
  // An ASN.1 SEQUENCE of more than 255 octets, as every certificate is; "0" and U+0082 are no text.
  if (content[0] !== 0x30 || content[1] !== 0x82) {
    return new TextDecoder().decode(content);
  }
  const base64 = btoa(Array.from(content, (octet) => String.fromCharCode(octet)).join(''));
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** A name for a file, from a text that may hold anything. */
export function fileName(text: string, extension: string): string {
  const stem = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80);
  return `${stem || 'certificate'}.${extension}`;
}
