// npm run dev: Next.js and the Python functions, both reloading what you save, until one Ctrl-C.
import { watch } from 'node:fs';
import { databaseUrl, inherited, settings } from './environment.mjs';
import { freePort, listening, next, Processes, root, say } from './processes.mjs';
import { findPython, uvicorn } from './python.mjs';

const python = findPython();
const port = Number(inherited.PORT) || (await freePort(3000));
const RELOAD = ['--reload', '--reload-dir', 'api', '--timeout-graceful-shutdown', '3'];

let ending = false;
let processes = new Processes(ended);
let current = settings(true);

async function start() {
  const given = databaseUrl(current);
  const database = given ?? (await temporaryDatabase());
  const functions = await freePort(5328);
  processes.start('api', python, uvicorn(functions, ...RELOAD), {
    ...current,
    ...(given ? {} : { DATABASE_URL: database }),
    PYTHONUNBUFFERED: '1',
  });
  processes.start('next', process.execPath, [next, 'dev', '--port', String(port)], {
    ...inherited,
    ...(given ? {} : { DATABASE_URL: database }),
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

/** @param {string} name @param {number | null} code */
function ended(name, code) {
  say(`${name} ended by itself (${code === null ? 'a signal' : `code ${code}`}), and so the rest.`);
  void end(1);
}

/** @param {number} code */
async function end(code) {
  if (ending) return;
  ending = true;
  await processes.stop();
  process.exit(code);
}

/** Start all again where a .env file changed what they see. */
async function reread() {
  const changed = settings(true);
  if (ending || JSON.stringify(changed) === JSON.stringify(current)) return;
  say('the .env files have changed: starting again ...');
  current = changed;
  await processes.stop();
  if (ending) return;
  processes = new Processes(ended);
  await start();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end(0));

let rereading = start();
/** @type {NodeJS.Timeout | undefined} */
let soon;
watch(root, (_, file) => {
  if (!file?.startsWith('.env')) return;
  clearTimeout(soon); // editors write a file in several steps
  soon = setTimeout(() => {
    rereading = rereading.then(reread);
  }, 200);
});
