// npm start: what npm run build has made, with the Python functions beside it, as in production.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUrl, inherited, settings } from './environment.mjs';
import { fail, freePort, listening, next, Processes, root, say } from './processes.mjs';
import { findPython, uvicorn } from './python.mjs';

/** Where the build expects the functions, as next.config.ts says, unless PYTHON_ORIGIN says that they run elsewhere. */
const FUNCTIONS = 5328;

const current = settings(false);
if (!existsSync(join(root, '.next', 'BUILD_ID'))) fail('There is no build yet: npm run build');
if (!databaseUrl(current)) fail('DATABASE_URL is not set: cp .env.example .env.local, and edit that. (npm run dev needs none.)');

const python = inherited.PYTHON_ORIGIN ? null : findPython();
const port = Number(inherited.PORT) || (await freePort(3000));
const processes = new Processes();
processes.start('next', process.execPath, [next, 'start', '--port', String(port)], inherited);
if (python) {
  processes.start('api', python, uvicorn(FUNCTIONS), { ...current, PYTHONUNBUFFERED: '1' });
  await listening(FUNCTIONS);
}
await listening(port);
say(`ready: http://localhost:${port}   Ctrl-C ends everything`);
