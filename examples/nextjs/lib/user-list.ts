// The list behind the page: pages by keyset, and one thing at a time to do. What fails is tried again by itself, later
// and later; while all is well the database is asked for its time now and then. Nothing runs while nobody looks.
import { getTime, getUsers, troubleOf, type Trouble, type User } from './api';

type Job = 'first' | 'more' | 'check';

export type View = {
  users: readonly User[];
  /** Where the next page begins; null when there is none. */
  next: number | null;
  loaded: boolean;
  loading: Job | null;
  trouble: Trouble | null;
  /** When the failed job is tried again, in milliseconds. */
  retryAt: number | null;
  /** The database's time, as it said it last. */
  time: string | null;
};

const EMPTY: View = { users: [], next: null, loaded: false, loading: 'first', trouble: null, retryAt: null, time: null };
const CHECK_AFTER = 10_000;
const RETRY_AFTER = [1000, 2000, 4000, 8000, 15_000];

export class UserList {
  #view = EMPTY;
  #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working = new AbortController();
  #due: Job = 'first';
  #failures = 0;
  /** Who was put in while a page was on its way, which may not have them yet. */
  #added: User[] = [];

  readonly view = () => this.#view;
  readonly viewBefore = () => EMPTY;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Begin; the function that this returns ends it. */
  readonly start = () => {
    const look = () => {
      if (document.visibilityState === 'visible') this.retry();
      else this.#pause();
    };
    document.addEventListener('visibilitychange', look);
    window.addEventListener('online', look);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      window.removeEventListener('online', look);
      this.#pause();
    };
  };

  /** Load the first page anew. */
  readonly refresh = () => void this.#run('first');

  /** Load the next page. */
  readonly more = () => {
    if (this.#view.loading !== 'more') void this.#run('more');
  };

  /** Do at once what is due. */
  readonly retry = () => void this.#run(this.#due);

  /** Something else has failed: so has what this would have asked for. */
  readonly fail = (trouble: Trouble) => {
    if (this.#view.trouble === null) this.#failed(this.#due, trouble);
  };

  /** Put in a user who has just been added, if the list goes that far. */
  readonly add = (user: User) => {
    this.#added.push(user);
    if (this.#view.loaded && this.#view.next === null) this.#show({ users: merge(this.#view.users, [user]) });
  };

  async #run(job: Job) {
    this.#pause();
    this.#due = job;
    this.#added = [];
    const { signal } = (this.#working = new AbortController());
    this.#show({ loading: job, retryAt: null });
    try {
      const change = await this.#do(job, signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.#show({ ...change, loading: null, trouble: null });
      // The first page is followed by the time at once.
      this.#later('check', job === 'first' ? 0 : CHECK_AFTER);
    } catch (error) {
      if (!signal.aborted) this.#failed(job, troubleOf(error));
    }
  }

  async #do(job: Job, signal: AbortSignal): Promise<Partial<View>> {
    if (job === 'check') return { time: await getTime(signal) };
    const { users: page, next } = await getUsers(job === 'more' ? (this.#view.next ?? 0) : 0, signal);
    const users = job === 'more' ? merge(this.#view.users, page) : page;
    return { users: next === null ? merge(users, this.#added) : users, next, loaded: true };
  }

  #failed(job: Job, trouble: Trouble) {
    this.#pause();
    const pause = RETRY_AFTER[Math.min(this.#failures++, RETRY_AFTER.length - 1)] ?? CHECK_AFTER;
    const wait = pause * (0.8 + 0.4 * Math.random()); // not all pages of the world at the same moment
    this.#show({ loading: null, trouble, retryAt: Date.now() + wait });
    this.#later(job, wait);
  }

  #later(job: Job, wait: number) {
    this.#due = job;
    this.#timer = setTimeout(() => void this.#run(job), wait);
  }

  /** Stop what runs or waits; it stays due. */
  #pause() {
    clearTimeout(this.#timer);
    this.#working.abort();
  }

  #show(change: Partial<View>) {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** In the order of their ids, each once. */
function merge(users: readonly User[], more: readonly User[]): readonly User[] {
  const last = users.at(-1)?.id ?? 0;
  if (more.every((user, index) => user.id > (more[index - 1]?.id ?? last))) return [...users, ...more];
  const all = new Map([...users, ...more].map((user) => [user.id, user]));
  return [...all.values()].sort((a, b) => a.id - b.id);
}
