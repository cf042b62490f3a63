import { Page } from '../../components/Page';

export function CertificatesPage() {
  return <Page title="CertificatesPage">{null}</Page>;
}
