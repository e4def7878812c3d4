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

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(LONGEST);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  let response: Response;
  try {
    response = await fetch(path, { cache: 'no-store', ...init, signal });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError('unreachable');
  }
  if (response.status < 500) return response;
  if (response.status === 503) throw new ApiError('busy');
  const said: unknown = await response.json().catch(() => null);
  const away = said instanceof Object && 'error' in said && said.error === 'Database connection failed';
  throw new ApiError(away ? 'away' : 'broken');
}

/** What kind of trouble an error is. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof ApiError ? error.trouble : 'broken';
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await call(path, { signal });
  if (!response.ok) throw new ApiError('broken');
  return (await response.json()) as T;
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
  const response = await call('/api/users', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, email }),
  });
  if (response.status === 201) return (await response.json()) as User;
  if (response.status === 409 || response.status === 422) return (await response.json()) as { fields: Fields };
  if (response.status === 413) return { fields: { body: 'is too large' } };
  throw new ApiError('broken');
}
