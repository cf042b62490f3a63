import SideNavigation, {
  type SideNavigationProps,
} from '@cloudscape-design/components/side-navigation';
import { useLocation, useNavigate } from 'react-router';

import { useSettings } from '../api/settings';
import { addressOf, pathOf } from '../components/addresses';

/** The links to every page. */
export function Navigation() {
  const { pathname } = useLocation();
  const first = pathname.split('/')[1] ?? '';
  const navigate = useNavigate();
  const settings = useSettings();

  const links = [
    ...LINKS,
    ...(settings.data?.tokens === true ? [link('Tokens', '/tokens')] : []),
    link('Settings', '/settings'),
  ];
  return (
    <SideNavigation
      activeHref={addressOf(`/${PARTS.get(first) ?? first}`)}
      items={links}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(pathOf(event.detail.href));
      }}
    />
  );
}

function link(text: string, path: string): SideNavigationProps.Item {
  return { type: 'link', text, href: addressOf(path) };
}

/** Parts of paths that belong to the page of another part. */
const PARTS = new Map([['transactions', 'requests']]);

const LINKS: SideNavigationProps.Item[] = [
  link('Home', '/'),
  link('First run', '/first-run'),
  { type: 'divider' },
  link('Requests', '/requests'),
  link('Certificates', '/certificates'),
  link('Challenges', '/challenges'),
  { type: 'divider' },
  link('SCEP Profiles', '/scep-profiles'),
  link('RA Profiles', '/ra-profiles'),
  link('Authorities', '/authorities'),
  { type: 'divider' },
  link('Audit', '/audit'),
];
