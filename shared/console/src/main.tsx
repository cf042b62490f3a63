import '@cloudscape-design/global-styles/index.css';
import './styles.css';

import { I18nProvider } from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, RouterProvider } from 'react-router';

import { applyAppearance } from './app/appearance';
import { routes } from './app/routes';

applyAppearance();
const router = createBrowserRouter(routes, { basename: '/console' });
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <I18nProvider locale="en" messages={[messages]}>
        <RouterProvider router={router} />
      </I18nProvider>
    </StrictMode>,
  );
}
