import { Page } from '../../components/Page';

export function CertificatePage() {
  return <Page title="CertificatePage">{null}</Page>;
}
