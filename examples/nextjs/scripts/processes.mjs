// Processes that start together and end together.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The folder of the app. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Next.js's own program. */
export const next = fileURLToPath(import.meta.resolve('next/dist/bin/next'));
const windows = process.platform === 'win32';
/** How long a process may take to end when it is asked to, in milliseconds. */
const PATIENCE = 5000;
/** Kills a child with all that it has started as soon as its standard input ends: when we do, even by SIGKILL. */
const LEASH = 'exec 3<&0; (cat <&3; kill -s KILL -- -$$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null';

/** @param {string} message @returns {never} */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** @param {string} text */
export function say(text) {
  console.log(`app  | ${text}`);
}

/**
 * The first port from `port` on that nobody uses.
 * @param {number} port
 * @returns {Promise<number>}
 */
export function freePort(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === 'EADDRINUSE' ? resolve(freePort(port + 1)) : reject(error),
    );
    server.listen(port, () => server.close(() => resolve(port)));
  });
}

/**
 * Wait until something listens on a port of this machine.
 * @param {number} port
 */
export async function listening(port) {
  const answers = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/**
 * Children that begin and end together: on a Ctrl-C, or because one of them has ended by itself. They have process groups of
 * their own, so that a Ctrl-C reaches this process alone, which then ends them with all that they have started.
 */
export class Processes {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #running = new Set();
  #stopping = false;
  #ending = false;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void this.#end(0));
  }

  /**
   * Start one. Its lines appear behind its name.
   * @param {string} name @param {string} command @param {string[]} args @param {Record<string, string | undefined>} env
   * @param {(line: string) => boolean} [take] takes a line that shall not appear
   */
  start(name, command, args, env, take) {
    if (this.#stopping || this.#ending) return;
    const [program = command, ...before] = windows ? [command] : ['sh', '-c', LEASH, 'sh', command];
    const child = spawn(program, [...before, ...args], {
      cwd: root,
      env: /** @type {NodeJS.ProcessEnv} */ ({ ...env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) }),
      stdio: 'pipe',
      detached: !windows,
    });
    this.#running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        // Next.js ends with nothing but an order to show the cursor.
        const visible = line.replace(/\x1b\[[?0-9;]*[a-z]/gi, '').trim();
        if (visible && !take?.(line)) console.log(`${name.padEnd(4)} | ${line}`);
      });
    }
    child.once('error', (error) => say(`${command} cannot be started: ${error.message}`));
    child.once('close', (code) => {
      this.#running.delete(child);
      if (this.#stopping || this.#ending) return;
      say(`${name} has ended by itself (${code === null ? 'a signal' : `code ${code}`}), and so the rest ends.`);
      void this.#end(1);
    });
  }

  /** End all, and wait for it. Others may be started then. */
  async stop() {
    this.#stopping = true;
    const ends = [...this.#running].map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const child of this.#running) signal(child, 'SIGTERM');
    const impatient = setTimeout(() => {
      for (const child of this.#running) signal(child, 'SIGKILL');
    }, PATIENCE);
    await Promise.all(ends);
    clearTimeout(impatient);
    this.#stopping = false;
  }

  /** @param {number} code */
  async #end(code) {
    if (this.#ending) return;
    this.#ending = true;
    await this.stop();
    process.exit(code);
  }
}

/** @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} name */
function signal(child, name) {
  if (!child.pid) return;
  if (windows) {
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F']);
    return;
  }
  try {
    process.kill(-child.pid, name);
  } catch {
    // It has just ended by itself.
  }
}
