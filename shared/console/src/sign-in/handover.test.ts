import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

import { receiveSignOut, signOut } from './handover';
import { session } from './session';

// Another tab.
const other = new BroadcastChannel('scepter.session');
afterAll(() => other.close());

/** Begins a session. Returns its credentials. */
function beginSession() {
  const token = () => Promise.resolve('token');
  const credentials = { subject: '1', token, revoke: vi.fn(), leave: vi.fn() };
  session.begin(credentials);
  return credentials;
}

describe('signing out', () => {
  afterEach(() => {
    session.end();
  });

  it('ends the session here, tells the other tabs, and leaves', async () => {
    const credentials = beginSession();
    const told = new Promise((resolve) => {
      other.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    });
    signOut();
    expect(session.state).toBe('signed-out');
    expect(credentials.revoke).toHaveBeenCalledOnce();
    expect(credentials.leave).toHaveBeenCalledOnce();
    expect(await told).toEqual({ kind: 'signed-out' });
  });

  it('in another tab ends the session here, without leaving the page', async () => {
    const credentials = beginSession();
    const stop = receiveSignOut();
    other.postMessage({ kind: 'signed-out' });
    await vi.waitFor(() => expect(session.state).toBe('signed-out'));
    expect(credentials.revoke).toHaveBeenCalledOnce();
    expect(credentials.leave).not.toHaveBeenCalled();
    stop();
  });
});
