import AppLayoutToolbar from '@cloudscape-design/components/app-layout-toolbar';
import Flashbar from '@cloudscape-design/components/flashbar';
import { QueryClientProvider } from '@tanstack/react-query';
import { useState } from 'react';
import { Outlet } from 'react-router';

import { BreadcrumbSlot } from '../components/breadcrumb-slot';
import { LeaveGuard } from '../components/LeaveGuard';
import { Notifications, useFlashbarItems } from '../components/notifications';
import { SignInGate } from '../sign-in/SignInGate';
import { Header } from './Header';
import { Navigation } from './Navigation';
import { queryClient } from './query-client';

/** The frame of every page, for those who are signed in. */
export function Shell() {
  return (
    <SignInGate>
      <QueryClientProvider client={queryClient}>
        <Notifications>
          <LeaveGuard>
            <Frame />
          </LeaveGuard>
        </Notifications>
      </QueryClientProvider>
    </SignInGate>
  );
}

function Frame() {
  const items = useFlashbarItems();
  const [isNavigationOpen, setNavigationOpen] = useState(matchMedia('(width >= 1000px)').matches);
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  return (
    <BreadcrumbSlot value={slot}>
      <Header />
      <AppLayoutToolbar
        headerSelector="#header"
        breadcrumbs={<div ref={setSlot} />}
        navigation={<Navigation />}
        navigationOpen={isNavigationOpen}
        onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
        toolsHide
        notifications={<Flashbar items={items} stackItems />}
        stickyNotifications
        content={<Outlet />}
      />
    </BreadcrumbSlot>
  );
}
