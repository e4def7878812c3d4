// npm start: what npm run build has made, with the Python functions beside it, as in production.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUrl, inherited, settings } from './environment.mjs';
import { fail, freePort, listening, next, Processes, root, say } from './processes.mjs';
import { findPython, uvicorn } from './python.mjs';

const current = settings(false);
if (!existsSync(join(root, '.next', 'BUILD_ID'))) fail('There is no build yet: npm run build');
if (!databaseUrl(current)) fail('DATABASE_URL is not set: cp .env.example .env.local, and edit that. (npm run dev needs none.)');

const port = Number(inherited.PORT) || (await freePort(3000));
const processes = new Processes((name, code) => {
  say(`${name} ended by itself (${code === null ? 'a signal' : `code ${code}`}), and so the rest.`);
  void end(1);
});
let ending = false;

/** @param {number} code */
async function end(code) {
  if (ending) return;
  ending = true;
  await processes.stop();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end(0));

processes.start('next', process.execPath, [next, 'start', '--port', String(port)], inherited);
// With PYTHON_ORIGIN the functions run elsewhere. The build has it in its rewrites, and has the default else.
if (!inherited.PYTHON_ORIGIN) {
  processes.start('api', findPython(), uvicorn(5328), { ...current, PYTHONUNBUFFERED: '1' });
  await listening(5328);
}
await listening(port);
say(`ready: http://localhost:${port}   Ctrl-C ends everything`);
