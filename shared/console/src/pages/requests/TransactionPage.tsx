import { Page } from '../../components/Page';

export function TransactionPage() {
  return <Page title="TransactionPage">{null}</Page>;
}
