// The routes, as the page calls them. What went wrong is one of a few kinds, each of which the page says in its own words.
import type { Page, User } from './db';

export type { Page, User };
export type Fields = Partial<Record<'name' | 'email' | 'body', string>>;
export type Connections = { client: string; connections: number }[];

/**
 * away: the database cannot be reached. busy: it has no connection free. broken: the app's own error, such as a missing
 * table. unreachable: no answer came from the app at all.
 */
export type Trouble = 'away' | 'busy' | 'broken' | 'unreachable';

export class ApiError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

const LONGEST = 20_000;

/** What the app answered: `said` is undefined where that is no JSON. */
type Answer = { status: number; said: unknown };

async function call(path: string, init: RequestInit = {}): Promise<Answer> {
  const limit = AbortSignal.timeout(LONGEST);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  let status: number;
  let text: string;
  try {
    const response = await fetch(path, { cache: 'no-store', ...init, signal });
    status = response.status;
    text = await response.text(); // which may break off, or come too late, after the status
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError('unreachable');
  }
  const said = parsed(text);
  if (status < 500) return { status, said };
  if (status === 503) throw new ApiError('busy');
  const away = said instanceof Object && 'error' in said && said.error === 'Database connection failed';
  throw new ApiError(away ? 'away' : 'broken');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What kind of trouble an error is. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof ApiError ? error.trouble : 'broken';
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const { status, said } = await call(path, { signal });
  if (status !== 200 || said === undefined) throw new ApiError('broken');
  return said as T;
}

export function getUsers(after: number, signal?: AbortSignal): Promise<Page> {
  return get(`/api/users?after=${after}`, signal);
}

export async function getTime(signal?: AbortSignal): Promise<string> {
  return (await get<{ time: string }>('/api/time', signal)).time;
}

export function getConnections(): Promise<Connections> {
  return get('/api/connections');
}

/** The new user, or what is wrong with which field. */
export async function addUser(name: string, email: string): Promise<User | { fields: Fields }> {
  const { status, said } = await call('/api/users', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, email }),
  });
  if (status === 413) return { fields: { body: 'is too large' } };
  if (status === 201 && said) return said as User;
  if ((status === 409 || status === 422) && said) return said as { fields: Fields };
  throw new ApiError('broken');
}
