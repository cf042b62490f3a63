import { expect, test } from 'vitest';

import { missingIn, NEW_FIRST_RUN } from './draft';
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

test('a step cannot be left without what it needs', () => {
  expect([0, 1, 2, 3, 4].map((step) => missingIn(step, NEW_FIRST_RUN))).toEqual(
    Array<undefined>(5).fill(undefined),
  );
  const { scepProfile } = NEW_FIRST_RUN;
  const draft = { ...NEW_FIRST_RUN, raProfileName: ' ', scepProfile };
  expect(missingIn(2, draft)).toContain('name');
  const withStatic = { ...draft, scepProfile: { ...scepProfile, sources: ['STATIC' as const] } };
  expect(missingIn(3, withStatic)).toContain('password');
});

test('no preset lets everybody in by one password', () => {
  for (const preset of PRESETS) {
    expect(preset.sources).not.toContain('STATIC');
  }
});
