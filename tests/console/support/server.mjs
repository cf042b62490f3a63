// The server as a process: the real binary, with the console in it and its data in a temporary
// folder.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');

/** The folder into which tests/interop/install.sh installs tools. */
export const TOOLS = join(target, 'interop');
export const BINARY = process.env.SCEPTER_BINARY ?? join(target, 'debug/scepter');

/** The token of an administrator with every scope. */
export const ADMIN_TOKEN = 'the-token-of-an-administrator-in-tests';

/** A running server. */
export class Server {
  #child;
  #data;
  #log = [];

  /**
   * Starts the server on a free port and waits until it serves. Without `demo` it begins empty.
   */
  static async start({ demo = true, environment = {} } = {}) {
    assert.ok(existsSync(BINARY), `${BINARY} is missing: run cargo build -p scepter`);
    const server = new Server();
    server.#data = mkdtempSync(join(tmpdir(), 'scepter-console-'));
    const settings = ['serve', '--listen', '127.0.0.1:0', '--data', server.#data];
    server.#child = spawn(BINARY, demo ? settings : [...settings, '--no-demo'], {
      env: { ...process.env, SCEPTER_ADMIN_TOKEN: ADMIN_TOKEN, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface(server.#child.stderr).on('line', (line) => server.#log.push(line));
    const words = new Map();
    const lines = createInterface(server.#child.stdout);
    for await (const line of lines) {
      const [, name, value] = line.match(/^(\w+ \w+|\w+) {2,}(\S+)/) ?? [];
      words.set(name, value);
      // The token's line follows the URL; the last line of a demo is a command for strongSwan.
      if (demo ? line.includes('pki --scepca') : name === 'API token') {
        server.origin = new URL(words.get('API URL')).origin;
        server.scepUrl = words.get('SCEP URL');
        server.challenge = words.get('Challenge');
        return server;
      }
    }
    throw new Error(`the server did not start:\n${server.#log.join('\n')}`);
  }

  /** The lines that the server logged. */
  get log() {
    return this.#log;
  }

  /** Calls the management API as an administrator and returns status, body and ETag. */
  async request(method, path, body, headers = {}) {
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json') && text !== '';
    return { status: response.status, etag: response.headers.get('ETag'), body: isJson ? JSON.parse(text) : text };
  }

  /** Does the same as `request` for one that must succeed, and returns the body. */
  async call(method, path, body, headers) {
    const response = await this.request(method, path, body, headers);
    assert.ok(response.status < 300, `${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
    return response.body;
  }

  /** Ends the process and deletes its data. */
  async stop() {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) {
      await ended;
    }
    rmSync(this.#data, { recursive: true, force: true });
  }
}
