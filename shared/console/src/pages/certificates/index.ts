export { CertificatesPage } from './CertificatesPage';
export { CertificatePage } from './CertificatePage';
