// One pool for both routers, which the build puts into bundles of their own.
import { Pool } from 'pg';

export const SQL = 'SELECT id, name, email FROM users ORDER BY id LIMIT 50';
export const pool = (globalThis.pool ??= new Pool({ connectionString: process.env.DATABASE_URL, max: 5 }));
