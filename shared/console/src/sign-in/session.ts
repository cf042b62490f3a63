/** How a signed-in user proves who they are: the one place where the console keeps tokens. */
export interface Credentials {
  /** The person, as the identity provider knows them for good; `undefined` if that is unknown. */
  readonly subject: string | undefined;
  /** The bearer token of the management API; refreshed when it is about to expire. */
  token(): Promise<string>;
  /** Forgets the token, and has the identity provider revoke it where there is one. */
  revoke(): void;
  /** Leaves for the page at which the identity provider ends its own session, where there is one. */
  leave(): void;
}

type Listener = () => void;

/** The state of the session, which outlives pages: a form stays while its user signs in again. */
export type SessionState = 'signed-out' | 'signed-in' | 'expired';

/** Keeps the credentials in memory, so that a script of another page cannot read them. */
class Session {
  #credentials: Credentials | undefined;
  #state: SessionState = 'signed-out';
  #handovers = 0;
  readonly #listeners = new Set<Listener>();

  get state(): SessionState {
    return this.#state;
  }

  /** How often another person has continued in this tab. What a page holds belongs to one of them. */
  get handovers(): number {
    return this.#handovers;
  }

  /** The bearer token; `undefined` without a session, or when it cannot be refreshed. */
  async token(): Promise<string | undefined> {
    return this.#credentials?.token().catch(() => undefined);
  }

  begin(credentials: Credentials): void {
    this.#credentials = credentials;
    this.#change('signed-in');
  }

  /** Continues an expired session. Nothing is kept of the pages of another person.
   *  @param onOther - called before another person's session begins. */
  resume(credentials: Credentials, onOther: () => void): void {
    if (this.#state !== 'expired') {
      return;
    }
    const subject = this.#credentials?.subject;
    if (subject === undefined || subject !== credentials.subject) {
      this.#handovers += 1;
      onOther();
      this.end();
    }
    this.begin(credentials);
  }

  /** Notes that the API no longer accepts the token. Pages stay as they are. */
  expire(): void {
    if (this.#state === 'signed-in') {
      this.#change('expired');
    }
  }

  /** Ends the session in this tab.
   *  @returns its credentials, which are revoked. */
  end(): Credentials | undefined {
    const credentials = this.#credentials;
    this.#credentials = undefined;
    this.#change('signed-out');
    credentials?.revoke();
    return credentials;
  }

  readonly subscribe = (listener: Listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #change(state: SessionState): void {
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }
}

export const session = new Session();
