export { RequestsPage } from './RequestsPage';
export { RequestPage } from './RequestPage';
export { TransactionPage } from './TransactionPage';
