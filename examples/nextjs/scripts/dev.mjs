// npm run dev: Next.js and the Python functions, both reloading what you save, until one Ctrl-C.
import { watch } from 'node:fs';
import { databaseUrl, inherited, settings } from './environment.mjs';
import { freePort, listening, next, Processes, root, say } from './processes.mjs';
import { findPython, uvicorn } from './python.mjs';

const RELOAD = ['--reload', '--reload-dir', 'api', '--timeout-graceful-shutdown', '3'];

const python = findPython();
const port = Number(inherited.PORT) || (await freePort(3000));
const processes = new Processes();
let current = settings(true);

async function start() {
  const own = databaseUrl(current) ? {} : { DATABASE_URL: await temporaryDatabase() };
  const functions = await freePort(5328);
  processes.start('api', python, uvicorn(functions, ...RELOAD), { ...current, ...own, PYTHONUNBUFFERED: '1' });
  processes.start('next', process.execPath, [next, 'dev', '--port', String(port)], {
    ...inherited,
    ...own,
    PYTHON_ORIGIN: `http://127.0.0.1:${functions}`,
  });
  await Promise.all([listening(functions), listening(port)]);
  say(`ready: http://localhost:${port}   Ctrl-C ends everything`);
}

/** Start a PostgreSQL. @returns {Promise<string>} its URL */
function temporaryDatabase() {
  say('DATABASE_URL is not set: starting a PostgreSQL with temporary data and 150 users ...');
  say('To use a database of your own: cp .env.example .env.local, and edit that. All starts again when you save it.');
  return new Promise((resolve) => {
    processes.start('db', python, ['scripts/database.py'], inherited, (line) => {
      const isUrl = line.startsWith('postgresql://');
      if (isUrl) {
        say(`the database is ${line}`);
        resolve(line);
      }
      return isUrl;
    });
  });
}

/** Start all again where a .env file has changed what they see. */
async function reread() {
  const changed = settings(true);
  if (JSON.stringify(changed) === JSON.stringify(current)) return;
  say('the .env files have changed: starting again ...');
  current = changed;
  await processes.stop();
  await start();
}

let busy = start();
/** @type {NodeJS.Timeout | undefined} */
let soon;
watch(root, (_, file) => {
  if (!file?.startsWith('.env')) return;
  clearTimeout(soon); // editors write a file in several steps
  soon = setTimeout(() => (busy = busy.then(reread)), 200);
});
