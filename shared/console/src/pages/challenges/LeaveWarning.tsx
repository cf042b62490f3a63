import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect } from 'react';
import { useBlocker } from 'react-router';

/** Asks before the page is left, and with it what is nowhere else. */
export function LeaveWarning({ children }: { children: string }) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, []);
  return (
    blocker.state === 'blocked' && (
      <Modal
        visible
        header="Leave this page?"
        onDismiss={() => blocker.reset()}
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={() => blocker.proceed()}>
                Leave
              </Button>
              <Button variant="primary" onClick={() => blocker.reset()}>
                Stay
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        {children}
      </Modal>
    )
  );
}
