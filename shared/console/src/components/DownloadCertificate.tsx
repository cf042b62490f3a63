import ButtonDropdown, {
  type ButtonDropdownProps,
} from '@cloudscape-design/components/button-dropdown';

import type { CertificateDetail } from '../api/schema';
import { derOfPem, fileName } from './certificate-files';
import { saveFile } from './download';

/** Downloads a certificate in PEM or DER, and its chain where there is one.
 *  @param chain - the certificates above it, its issuer's first. */
export function DownloadCertificate({
  certificate,
  chain = [],
  name = certificate.subject,
  variant = 'normal',
  text = 'Download',
}: {
  certificate: CertificateDetail;
  chain?: CertificateDetail[];
  /** The beginning of the file's name. */
  name?: string;
  variant?: 'normal' | 'inline-icon';
  text?: string;
}) {
  const items: ButtonDropdownProps.Item[] = [
    { id: 'pem', text: 'PEM (.pem)' },
    { id: 'cer', text: 'DER (.cer)' },
  ];
  if (chain.length > 0) {
    items.push({ id: 'chain', text: 'With its chain (.pem)' });
  }
  function save(form: string) {
    if (form === 'cer') {
      saveFile(derOfPem(certificate.pem), 'application/pkix-cert', fileName(name, 'cer'));
    } else {
      const all = form === 'chain' ? [certificate, ...chain] : [certificate];
      const pem = all.map((each) => each.pem).join('');
      const stem = form === 'chain' ? `${name}-chain` : name;
      saveFile(pem, 'application/x-pem-file', fileName(stem, 'pem'));
    }
  }
  return (
    <ButtonDropdown
      variant={variant}
      items={items}
      ariaLabel={`Download ${certificate.subject}`}
      expandToViewport
      onItemClick={({ detail }) => save(detail.id)}
    >
      {variant === 'normal' ? text : undefined}
    </ButtonDropdown>
  );
}
