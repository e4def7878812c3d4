// The settings of both: the environment, and behind it the .env files as Next.js reads them.
import env from '@next/env';
import { root } from './processes.mjs';

/** The environment alone. Next.js is given this, and reads the files itself, again whenever they change. */
export const inherited = { ...process.env };

/** @param {boolean} dev whether .env.development counts, or .env.production @returns {Record<string, string | undefined>} */
export function settings(dev) {
  const log = { info() {}, error: console.error };
  return { ...env.loadEnvConfig(root, dev, log, true).combinedEnv };
}

/** Where the database is, by the names that thawpool knows. @param {Record<string, string | undefined>} from */
export function databaseUrl(from) {
  return from.DATABASE_URL || from.POSTGRES_URL || from.MYSQL_URL;
}
