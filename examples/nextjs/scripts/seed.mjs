// npm run seed: see seed.py, which it runs with the settings of .env.local.
import { spawnSync } from 'node:child_process';
import { databaseUrl, settings } from './environment.mjs';
import { fail, root } from './processes.mjs';
import { findPython } from './python.mjs';

const current = settings(true);
const args = process.argv.slice(2);
if (!databaseUrl(current) && !args.includes('--help')) {
  fail('DATABASE_URL is not set: cp .env.example .env.local, and edit that. (npm run dev without it brings its own users.)');
}
const { status } = spawnSync(findPython(), ['scripts/seed.py', ...args], { cwd: root, env: { ...process.env, ...current }, stdio: 'inherit' });
process.exit(status ?? 1);
