// How many statements a second, one after the other and from many workers at once? What bench/questions asks of Python.

export function throughput(pool, task) {
  return task.part === 'sequential' ? sequential(pool, task) : concurrent(pool, task);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function request(pool, sql) {
  const conn = await pool.lease();
  try {
    return await pool.rows(conn, sql);
  } finally {
    pool.release(conn);
  }
}

// -- one request after the other ------------------------------------------------------------------

const ORDER = ['raw', 'pool', 'control'];

async function sequential(pool, task) {
  const [first, second] = [await pool.raw(), await pool.raw()];
  const block = async (who, sql, count) => {
    const conn = who === 'raw' ? first : second;
    const ask = who === 'pool' ? () => request(pool, sql) : () => pool.rows(conn, sql);
    const [start, spent] = [process.hrtime.bigint(), process.cpuUsage()];
    for (let i = 0; i < count; i++) await ask();
    const { user, system } = process.cpuUsage(spent);
    return { time: Number(process.hrtime.bigint() - start) / count, cpu: ((user + system) * 1e3) / count };
  };
  const found = {};
  for (const [name, sql] of Object.entries(task.statements)) {
    const turns = await blocks(block, sql, task);
    for (const who of ['raw', 'pool']) {
      found[`${name}: ${who} q/s`] = 1e9 / median(turns.map((turn) => turn[who].time));
      found[`${name}: ${who} CPU`] = median(turns.map((turn) => turn[who].cpu));
    }
    found[`${name}: ratio`] = median(turns.map(({ raw, pool }) => raw.time / pool.time));
    found[`${name}: control`] = median(turns.map(({ raw, control }) => raw.time / control.time));
  }
  return found;
}

async function blocks(block, sql, task) {
  for (let i = 0; i < 5; i++) for (const who of ORDER) await block(who, sql, task.warm); // five times, for the compiler
  const count = Math.max(5, Math.floor(task.block / (await block('raw', sql, task.warm)).time));
  const turns = [];
  for (let i = 0; i < task.blocks; i++) {
    const turn = {};
    for (const who of ORDER.toSorted(() => Math.random() - 0.5)) turn[who] = await block(who, sql, count);
    turns.push(turn);
  }
  return turns;
}

// -- many workers at once -------------------------------------------------------------------------

async function concurrent(pool, task) {
  const held = await Promise.all(Array.from({ length: 5 }, pool.lease));
  held.forEach((conn) => pool.release(conn));
  const found = { requests: 0 };
  for (const [name, load] of Object.entries(task.loads)) {
    const { requests, ...figures } = await closedLoop(pool, ...load);
    found.requests += requests;
    for (const [key, value] of Object.entries(figures)) found[`${name}: ${key}`] = value;
  }
  return found;
}

async function closedLoop(pool, workers, sql, warm, seconds) {
  const now = () => performance.now() / 1e3;
  const start = now() + warm;
  const end = start + seconds;
  const [served, waits] = [new Array(workers).fill(0), []];
  let [requests, errors, unserved] = [0, 0, 0];
  const work = async (number) => {
    for (let began = now(); began < end; began = now()) {
      try {
        const conn = await pool.lease();
        const entered = now();
        try {
          await pool.rows(conn, sql);
        } finally {
          pool.release(conn);
        }
        requests++;
        if (entered > end) unserved = Math.max(unserved, end - began);
        else if (entered >= start) waits.push(entered - began);
        if (start <= now() && now() <= end) served[number]++;
      } catch {
        errors++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  };
  await Promise.all(served.map((_, number) => work(number)));
  return { requests, errors, ...summary(served, waits, unserved, seconds) };
}

function summary(served, waits, unserved, seconds) {
  waits.sort((a, b) => a - b);
  const [least, most] = [Math.min(...served), Math.max(...served)];
  const [p50, longest] = [median(waits), waits.at(-1)];
  return {
    'q/s': served.reduce((sum, each) => sum + each, 0) / seconds,
    share: least ? Math.max(1, (most - 1) / least) : null, // where a window is cut parts two equals by one request
    never: served.filter((each) => each === 0).length,
    p50,
    p99: waits[Math.floor(0.99 * waits.length)],
    max: longest,
    unserved,
    'max/median': Math.max(longest, unserved) / p50,
  };
}
