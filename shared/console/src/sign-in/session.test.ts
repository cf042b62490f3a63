import { beforeEach, describe, expect, it, vi } from 'vitest';

import { session } from './session';

/** The credentials of a person. */
function credentialsOf(subject: string | undefined) {
  return {
    subject,
    token: () => Promise.resolve(`of ${subject}`),
    revoke: vi.fn(),
    leave: vi.fn(),
  };
}

/** The states of the session from now on. */
function watchStates(): string[] {
  const states: string[] = [];
  session.subscribe(() => states.push(session.state));
  return states;
}

describe('a session', () => {
  beforeEach(() => {
    session.end();
  });

  it('goes on when the same person signs in elsewhere', async () => {
    session.begin(credentialsOf('1'));
    session.expire();
    const states = watchStates();
    const onOther = vi.fn();
    const before = session.handovers;
    session.resume(credentialsOf('1'), onOther);
    expect(states).toEqual(['signed-in']);
    expect([onOther.mock.calls.length, session.handovers]).toEqual([0, before]);
    expect(await session.token()).toBe('of 1');
  });

  it.each([
    ['1', '2'],
    ['1', undefined],
    [undefined, '1'],
    [undefined, undefined],
  ])('of %s keeps nothing for %s', async (subject, other) => {
    const former = credentialsOf(subject);
    session.begin(former);
    session.expire();
    const states = watchStates();
    const onOther = vi.fn();
    const before = session.handovers;
    session.resume(credentialsOf(other), onOther);
    expect(states).toEqual(['signed-out', 'signed-in']);
    expect([onOther.mock.calls.length, session.handovers]).toEqual([1, before + 1]);
    expect(former.revoke).toHaveBeenCalledOnce();
    expect(await session.token()).toBe(`of ${other}`);
  });

  it('that has not expired is continued by nobody', async () => {
    session.resume(credentialsOf('2'), vi.fn());
    expect(session.state).toBe('signed-out');
    session.begin(credentialsOf('1'));
    session.resume(credentialsOf('2'), vi.fn());
    expect(await session.token()).toBe('of 1');
  });

  it('ends with its credentials', () => {
    const credentials = credentialsOf('1');
    session.begin(credentials);
    expect(session.end()).toBe(credentials);
    expect(credentials.revoke).toHaveBeenCalledOnce();
    expect([session.state, session.end()]).toEqual(['signed-out', undefined]);
  });
});
