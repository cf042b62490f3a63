import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import {
  createContext,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react';
import { useBlocker, type NavigateOptions } from 'react-router';

interface Guard {
  /** Notes what would be lost. @returns a function that takes it back. */
  warn: (text: string) => () => void;
  /** Does what leaves the page, after asking when something would be lost. */
  leave: (act: () => void) => void;
}

const Context = createContext<Guard>({ warn: () => () => {}, leave: (act) => act() });

/** The options of a navigation that loses nothing that is still wanted, as after a save. */
export const WITHOUT_ASKING: NavigateOptions = { state: 'without asking' };

/** Asks before a page is left on which something would be lost. */
export function LeaveGuard({ children }: { children: ReactNode }) {
  const [warnings, setWarnings] = useState<{ text: string }[]>([]);
  const [wanted, setWanted] = useState<{ act: () => void }>();
  const isGuarded = warnings.length > 0;
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      isGuarded &&
      nextLocation.state !== WITHOUT_ASKING.state &&
      currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (isGuarded) {
      window.addEventListener('beforeunload', ask);
    }
    return () => window.removeEventListener('beforeunload', ask);
  }, [isGuarded]);

  const warn = useCallback((text: string) => {
    const warning = { text };
    setWarnings((others) => [...others, warning]);
    return () => setWarnings((all) => all.filter((item) => item !== warning));
  }, []);
  const leave = useCallback(
    (act: () => void) => {
      if (isGuarded) {
        setWanted({ act });
      } else {
        act();
      }
    },
    [isGuarded],
  );
  const guard = useMemo(() => ({ warn, leave }), [warn, leave]);

  function stay() {
    setWanted(undefined);
    blocker.reset?.();
  }
  function proceed() {
    setWanted(undefined);
    blocker.proceed?.();
    wanted?.act();
  }
  return (
    <Context value={guard}>
      {children}
      {(wanted ?? (blocker.state === 'blocked' && isGuarded)) && (
        <Modal
          visible
          header="Leave this page?"
          onDismiss={stay}
          footer={
            <Box float="right">
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" onClick={proceed}>
                  Leave
                </Button>
                <Button variant="primary" onClick={stay}>
                  Stay
                </Button>
              </SpaceBetween>
            </Box>
          }
        >
          <SpaceBetween size="xs">
            {warnings.map(({ text }) => (
              <div key={text}>{text}</div>
            ))}
          </SpaceBetween>
        </Modal>
      )}
    </Context>
  );
}

/** Has the user asked before they leave the page, and lose what is nowhere else.
 *  @param children - what is lost, in one sentence. */
export function LeaveWarning({ children }: { children: string }) {
  const { warn } = use(Context);
  useEffect(() => warn(children), [warn, children]);
  return null;
}

/** A function that does what leaves the page otherwise than by a link, after asking. */
export function useLeave(): Guard['leave'] {
  return use(Context).leave;
}
