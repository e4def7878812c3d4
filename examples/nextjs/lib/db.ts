import { Pool } from 'pg';

export type User = { id: number; name: string; email: string };
export type Page = { users: User[]; next: number | null };

const PAGE = 50;
const SQL = 'SELECT id, name, email FROM users WHERE id > $1 ORDER BY id LIMIT $2';

// One pool of 5 for both routers and for every reload: Next.js loads this module more than once, globalThis is one.
const shared = globalThis as typeof globalThis & { usersPool?: Pool };

const refuse = () => Promise.reject(new Error('DATABASE_URL is no URL of PostgreSQL, and pg speaks nothing else'));
// pg would try all the same, and MySQL locks out a host from which too many go wrong.
const nobody = { connect: refuse, query: refuse } as unknown as Pool;

function create(): Pool {
  const connectionString = process.env.DATABASE_URL;
  if (!connectionString?.startsWith('postgres')) return nobody;
  const pool = new Pool({ connectionString, max: 5, application_name: 'users-js' });
  // Without a listener, an idle connection that the server closes would end the whole process.
  pool.on('error', (error) => console.error(`pg: an idle connection was lost: ${error.message}`));
  return pool;
}

export const pool = (shared.usersPool ??= create());

/** What api/index.py answers, from the same SQL. */
export async function firstPage(client: { query: Pool['query'] }): Promise<Page> {
  const { rows } = await client.query<User>(SQL, [0, PAGE + 1]);
  return { users: rows.slice(0, PAGE), next: rows.length > PAGE ? (rows[PAGE - 1]?.id ?? null) : null };
}
