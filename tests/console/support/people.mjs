// The console as it is in AWS, where people sign in at a user pool: the door in tests/support, with
// its double of the pool.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { BINARY } from './server.mjs';

const PROGRAM = join(dirname(BINARY), 'people-door');

/** A running door and its pool. */
export class PeopleDoor {
  #child;

  static async start() {
    assert.ok(existsSync(PROGRAM), `${PROGRAM} is missing: run cargo build -p scepter-tests --bins`);
    const door = new PeopleDoor();
    // It ends with its standard input.
    door.#child = spawn(PROGRAM, { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface(door.#child.stdout)) {
      const { url, pool, password } = JSON.parse(line);
      return Object.assign(door, { origin: url, pool, password });
    }
    throw new Error('the door did not open');
  }

  /** Tells the pool something, at the URLs that only tests have. */
  async tellPool(method, path, body) {
    const response = await fetch(`${this.pool}/_tests${path}`, { method, body });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.text();
  }

  /** Asserts that the console kept to the protocol. */
  async checkObjections() {
    assert.deepEqual(JSON.parse(await this.tellPool('GET', '/objections')), []);
  }

  stop() {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    return ended;
  }
}
