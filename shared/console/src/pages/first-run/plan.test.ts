import { expect, test } from 'vitest';

import { faultsIn, NEW_FIRST_RUN, type FirstRunDraft } from './draft';
import { runTasks } from './plan';
import { PRESETS } from './presets';

interface State {
  done: string[];
}

function appendTask(name: string, fails = () => false) {
  return {
    isDone: ({ done }: State) => done.includes(name),
    run: (log: string[], { done }: State) => {
      log.push(name);
      return fails() ? Promise.reject(new Error(name)) : Promise.resolve({ done: [...done, name] });
    },
  };
}

test('what exists is not created twice when a step fails and is tried again', async () => {
  let isBroken = true;
  const tasks = [appendTask('a'), appendTask('b', () => isBroken), appendTask('c')];
  const log: string[] = [];
  let state: State = { done: [] };
  const keep = (next: State) => {
    state = next;
  };
  expect(await runTasks(tasks, log, state, keep)).toMatchObject({ index: 1 });
  expect(state.done).toEqual(['a']);
  isBroken = false;
  expect(await runTasks(tasks, log, state, keep)).toBeUndefined();
  expect(state.done).toEqual(['a', 'b', 'c']);
  expect(log).toEqual(['a', 'b', 'b', 'c']);
});

/** The faults of a step. */
function faultsOf(step: number, draft: FirstRunDraft) {
  return faultsIn(step, draft).filter((fault) => fault !== undefined);
}

test('a step says everything that is wrong in it', () => {
  expect([0, 1, 2, 3, 4].flatMap((step) => faultsOf(step, NEW_FIRST_RUN))).toEqual([]);
  const { authority, scepProfile } = NEW_FIRST_RUN;
  const nameless = { ...authority, name: '', subject: ' ' };
  expect(faultsOf(0, { ...NEW_FIRST_RUN, authority: nameless })).toEqual([
    'name: Enter a name.',
    'subject: Enter a subject, such as CN=Corp Device CA,O=Corp.',
  ]);
  // What is typed for a new authority does not count when one is chosen that exists.
  expect(faultsOf(0, { ...NEW_FIRST_RUN, authority: { ...nameless, uuid: 'x' } })).toEqual([]);
  const withStatic = { ...scepProfile, name: 'a b', sources: ['STATIC' as const] };
  expect(faultsOf(3, { ...NEW_FIRST_RUN, scepProfile: withStatic })).toHaveLength(2);
});

test('no preset lets everybody in by one password', () => {
  for (const preset of PRESETS) {
    expect(preset.sources).not.toContain('STATIC');
  }
});
