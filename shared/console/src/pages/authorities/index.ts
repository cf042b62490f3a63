export { AuthoritiesPage } from './AuthoritiesPage';
export { NewAuthorityPage } from './NewAuthorityPage';
export { AuthorityPage } from './AuthorityPage';
