import TopNavigation, {
  type TopNavigationProps,
} from '@cloudscape-design/components/top-navigation';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { useCaller } from '../api/caller';
import { useLeave } from '../components/LeaveGuard';
import { signOut } from '../sign-in/handover';
import { type Appearance, chooseAppearance, chosenAppearance } from './appearance';

const APPEARANCES: { id: Appearance; text: string }[] = [
  { id: 'system', text: 'As the system' },
  { id: 'light', text: 'Light' },
  { id: 'dark', text: 'Dark' },
];

/** The bar above every page: the name, the appearance, and who is signed in. */
export function Header() {
  const navigate = useNavigate();
  const caller = useCaller();
  const leave = useLeave();
  const [appearance, setAppearance] = useState(chosenAppearance);

  const utilities: TopNavigationProps.Utility[] = [
    {
      type: 'menu-dropdown',
      iconName: 'settings',
      ariaLabel: 'Appearance',
      title: 'Appearance',
      items: APPEARANCES.map((item) => ({
        ...item,
        itemType: 'checkbox',
        checked: item.id === appearance,
      })),
      onItemClick: ({ detail }) => {
        const chosen = APPEARANCES.find((item) => item.id === detail.id);
        if (chosen) {
          chooseAppearance(chosen.id);
          setAppearance(chosen.id);
        }
      },
    },
    {
      type: 'menu-dropdown',
      iconName: 'user-profile',
      text: caller.data?.name ?? '',
      ariaLabel: 'Your session',
      description: caller.data && `May ${caller.data.scopes.join(', ')}`,
      items: [{ id: 'sign-out', text: 'Sign out' }],
      onItemClick: () => leave(signOut),
    },
  ];
  return (
    <div id="header">
      <TopNavigation
        identity={{
          href: '/console/',
          title: 'Scepter',
          logo: { src: `${import.meta.env.BASE_URL}icon.svg`, alt: 'Logo' },
          onFollow: (event) => {
            event.preventDefault();
            void navigate('/');
          },
        }}
        utilities={utilities}
      />
    </div>
  );
}
