/** How a signed-in user proves who they are: the one place where the console keeps tokens. */
export interface Credentials {
  /** The bearer token of the management API; refreshed when it is about to expire. */
  token(): Promise<string>;
  /** Forgets the token, and leaves the identity provider where there is one. */
  signOut(): void;
}

type Listener = () => void;

/** The state of the session, which outlives pages: a form stays while its user signs in again. */
export type SessionState = 'signed-out' | 'signed-in' | 'expired';

/** Keeps the credentials in memory, so that a script of another page cannot read them. */
class Session {
  #credentials: Credentials | undefined;
  #state: SessionState = 'signed-out';
  readonly #listeners = new Set<Listener>();

  get state(): SessionState {
    return this.#state;
  }

  /** The bearer token; `undefined` without a session, or when it cannot be refreshed. */
  async token(): Promise<string | undefined> {
    return this.#credentials?.token().catch(() => undefined);
  }

  begin(credentials: Credentials): void {
    this.#credentials = credentials;
    this.#change('signed-in');
  }

  /** Notes that the API no longer accepts the token. Pages stay as they are. */
  expire(): void {
    if (this.#state === 'signed-in') {
      this.#change('expired');
    }
  }

  end(): void {
    const credentials = this.#credentials;
    this.#credentials = undefined;
    this.#change('signed-out');
    credentials?.signOut();
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
