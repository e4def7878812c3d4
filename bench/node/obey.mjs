// A pool that obeys orders on its input: what bench/questions/_actor.py is for Python.
import { createInterface } from 'node:readline';
import { writeSync } from 'node:fs';
import { open } from './pools.mjs';

const SQL = 'SELECT 1';
const THINK = 20; // milliseconds
const SLEEP = 50;

const now = () => Number(process.hrtime.bigint()) / 1e9;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (answer) => {
  let data = Buffer.from(JSON.stringify(answer) + '\n');
  while (data.length) data = data.subarray(writeSync(1, data));
};
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const named = (error) => error.code ?? `${error.name}: ${String(error.message).slice(0, 40)}`;

export async function obey(_, task) {
  const acts = new Map(); // a pool's name: its acts, and the promise that its last order ends with
  tell({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    if (!acts.has(order.pool)) acts.set(order.pool, { acts: new Acts(task), last: Promise.resolve() });
    const entry = acts.get(order.pool);
    entry.last = entry.last.then(() => serve(entry.acts, order));
  }
  process.exit(0);
}

async function serve(acts, order) {
  let answer;
  try {
    answer = await acts[order.do](order);
  } catch (error) {
    answer = { error: named(error) };
  }
  tell({ pool: order.pool, did: order.do, ...answer });
}

class Acts {
  constructor(task) {
    this.task = task;
  }

  async open({ size, address }) {
    this.size = size;
    this.pool = open({ ...this.task, size, address });
    return {};
  }

  async touch() {
    const conns = await Promise.all(Array.from({ length: this.size }, () => this.pool.lease()));
    for (const conn of conns) await this.pool.rows(conn, SQL);
    conns.forEach((conn) => this.pool.release(conn));
    this.touched = now();
    return {};
  }

  async request(sent = () => {}) {
    const conn = await this.pool.lease();
    sent();
    try {
      await this.pool.rows(conn, SQL);
    } catch (error) {
      this.pool.release(conn, error);
      throw error;
    }
    this.pool.release(conn);
  }

  async requests(order) {
    const idle = now() - this.touched;
    for (let i = 0; i < order.count; i++) {
      const start = now();
      let error = null;
      try {
        await this.request();
      } catch (failed) {
        error = named(failed);
      }
      tell({ pool: order.pool, did: order.do, request: error, seconds: now() - start });
      if (error === null && order.until_answered) break;
    }
    return { idle };
  }

  async dial({ count }) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = now();
      const conn = await this.pool.raw();
      await this.pool.rows(conn, SQL);
      times.push(now() - start);
      await conn.end();
    }
    return { seconds: median(times), control: times.at(-1) - median(times.slice(0, -1)) };
  }

  async close() {
    await this.pool.close();
    return {};
  }

  async load({ workers }) {
    this.over = false;
    this.ended = [];
    this.current = Array.from({ length: workers }, () => null);
    for (let worker = 0; worker < workers; worker++) this.work(worker);
    return {};
  }

  async work(worker) {
    while (!this.over) {
      const start = now();
      let sent = null;
      let error = null;
      this.current[worker] = start;
      try {
        await this.request(() => (sent = now()));
      } catch (failed) {
        error = named(failed);
      }
      this.ended.push([start, sent, now(), error]);
      this.current[worker] = null;
      await sleep(error === null ? THINK : SLEEP);
    }
  }

  async halt() {
    this.over = true;
    return { ended: this.ended, open: this.current.filter((start) => start !== null), now: now() };
  }
}
