// Who else speaks with the server between the clicks: strongSwan's pki enrols, openssl verifies and
// is another CA, and a receiver takes the events of a webhook.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A folder in which programs run. */
export class Workbench {
  #running = new Set();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'scepter-client-'));
  }

  /** Runs a program to its end and returns what it printed. */
  async run(program, ...parameters) {
    const execution = execute(program, parameters, { cwd: this.folder });
    this.#running.add(execution.child);
    try {
      return (await execution).stdout;
    } finally {
      this.#running.delete(execution.child);
    }
  }

  write(name, content) {
    writeFileSync(join(this.folder, name), content);
    return join(this.folder, name);
  }

  read(name) {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** Ends what still runs, and deletes the folder. */
  remove() {
    this.#running.forEach((child) => child.kill());
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A device that enrols with strongSwan's pki at a SCEP URL, as a user would type it. */
export class Device extends Workbench {
  constructor(url) {
    super();
    this.url = url;
  }

  /**
   * Enrols a new key for `CN=name,O=Corp`, asks again each second while it must wait, and returns
   * the subject of the certificate once openssl verified it. Rejects when the server refuses.
   */
  async enrol(name, challenge) {
    await this.run('pki', '--scepca', '--url', this.url, '--caout', 'ca.pem', '--raout', 'ra.pem', '--outform', 'pem', '--force');
    return this.#ask(name, name, challenge === undefined ? [] : ['--password', challenge]);
  }

  /** Renews the certificate of `name` with a new key. */
  renew(name) {
    return this.#ask(`${name}-renewed`, name, ['--cert', `${name}.crt`, '--key', `${name}.key`]);
  }

  async #ask(file, name, credentials) {
    await this.run('openssl', 'genrsa', '-traditional', '-out', `${file}.key`, '2048');
    const certificate = await this.run(
      'pki', '--scep', '--url', this.url, '--in', `${file}.key`, '--dn', `O=Corp, CN=${name}`, ...credentials,
      '--cacert-enc', 'ra.pem', '--cacert-sig', 'ra.pem', '--cacert', 'ca.pem',
      '--interval', '1', '--maxpolltime', '60', '--outform', 'pem',
    );
    this.write(`${file}.crt`, certificate);
    await this.run('openssl', 'verify', '-x509_strict', '-CAfile', 'ca.pem', `${file}.crt`);
    return (await this.run('openssl', 'x509', '-in', `${file}.crt`, '-noout', '-subject')).trim();
  }

  /** Asserts that the server refuses an enrolment. */
  async enrolInVain(name, challenge) {
    await assert.rejects(this.enrol(name, challenge));
  }
}

/** A CA of openssl that signs the requests of subordinates. */
export class OpensslCa extends Workbench {
  async create() {
    await this.run(
      'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-days', '365',
      '-subj', '/O=Corp/CN=Corp Root', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
    );
    this.certificate = this.read('root.pem');
  }

  /** Signs the PKCS #10 request (PEM) of a subordinate and returns its certificate (PEM). */
  async sign(request) {
    this.write('sub.csr', request);
    this.write('sub.cnf', 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n');
    await this.run('openssl', 'x509', '-req', '-in', 'sub.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-days', '300', '-extfile', 'sub.cnf', '-out', 'sub.pem');
    return this.read('sub.pem');
  }
}

/** A receiver of a webhook's events, which verifies them as Standard Webhooks says. */
export class WebhookReceiver {
  secret = `whsec_${randomBytes(32).toString('base64')}`;
  /** What it answers to what is well signed. */
  status = 204;
  /** The events that were well signed. */
  events = [];
  #server = createServer((request, response) => void this.#receive(request, response));

  /** Listens on a free port of the loopback interface. */
  static async start() {
    const receiver = new WebhookReceiver();
    await new Promise((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    receiver.url = `http://127.0.0.1:${receiver.#server.address().port}/hook`;
    return receiver;
  }

  async #receive(request, response) {
    const body = await text(request);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const key = Buffer.from(this.secret.slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64');
    const isSigned = signature === `v1,${expected}`;
    if (isSigned) {
      this.events.push(JSON.parse(body));
    }
    response.writeHead(isSigned ? this.status : 401).end();
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
