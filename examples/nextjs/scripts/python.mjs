// The Python that runs the functions: found, or made in .venv.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './processes.mjs';

const OLDEST = '3.11';
const MODULES = ['thawpool', 'starlette', 'uvicorn', 'psycopg', 'asyncmy'];
const PROBE = `
import sys, importlib.util
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(*sys.version_info[:2], ','.join(missing))
`;
const NO_VENV = 'On Debian and Ubuntu, making an environment takes a package of its own: apt-get install python3-venv';

/**
 * Its program. In this order: $PYTHON; .venv here; the active environment if it has all that is needed; a new .venv.
 * Packages are installed into .venv alone.
 */
export function findPython() {
  if (process.env.PYTHON) {
    return usable(process.env.PYTHON, 'PYTHON') ?? fail(`PYTHON is ${process.env.PYTHON}, which does not run.`);
  }
  const own = program(join(root, '.venv'));
  if (!existsSync(own)) {
    const active = process.env.VIRTUAL_ENV && program(process.env.VIRTUAL_ENV);
    if (active && probe(active)?.missing === '') return active;
    create();
  }
  const found = probe(own);
  if (!found) fail('.venv is broken: delete it, and run this again.');
  if (!found.recent) fail(`.venv has Python ${found.version}: delete it, and run this again with ${OLDEST} or newer.`);
  if (found.missing) {
    console.log(`Installing requirements-dev.txt into .venv (${found.missing} missing) ...`);
    // Where making it was broken off, or uv made it, there is no pip yet.
    if (!has(own, 'pip')) run(own, ['-m', 'ensurepip', '--default-pip'], () => console.error(NO_VENV));
    run(own, ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '-r', 'requirements-dev.txt']);
  }
  return own;
}

/** How uvicorn is told to serve the functions. @param {number} port @param {string[]} more */
export function uvicorn(port, ...more) {
  return ['-m', 'uvicorn', 'index:app', '--app-dir', 'api', '--port', String(port), ...more];
}

/** @param {string} python @param {string} name */
function usable(python, name) {
  const found = probe(python);
  if (found && !found.recent) fail(`${name} is Python ${found.version}; this needs ${OLDEST} or newer.`);
  if (found?.missing) fail(`${name} lacks ${found.missing}: install requirements-dev.txt there.`);
  return found && python;
}

function create() {
  const names = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];
  const base = names.find((name) => probe(name)?.recent);
  if (!base) fail(`No Python ${OLDEST} or newer on PATH: install one from https://www.python.org/downloads/`);
  console.log(`Making .venv with Python ${probe(base)?.version} ...`);
  run(base, ['-m', 'venv', '--clear', '.venv'], () => {
    rmSync(join(root, '.venv'), { recursive: true, force: true }); // half of one
    console.error(NO_VENV);
  });
}

/** @param {string} environment */
function program(environment) {
  return process.platform === 'win32' ? join(environment, 'Scripts', 'python.exe') : join(environment, 'bin', 'python');
}

/** @param {string} python */
function probe(python) {
  const { status, stdout } = spawnSync(python, ['-c', PROBE, ...MODULES], { encoding: 'utf8', cwd: root });
  if (status !== 0) return undefined;
  const [major, minor, missing = ''] = stdout.trim().split(' ');
  const recent = Number(major) === 3 && Number(minor) >= 11;
  return { version: `${major}.${minor}`, recent, missing };
}

/** @param {string} python @param {string} module */
function has(python, module) {
  return spawnSync(python, ['-c', `import ${module}`], { cwd: root }).status === 0;
}

/** @param {string} command @param {string[]} args @param {() => void} [failed] what else to do then */
function run(command, args, failed) {
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  failed?.();
  fail(signal ? 'Stopped.' : `That failed: ${command} ${args.join(' ')}`);
}
