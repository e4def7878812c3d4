// What do a lease and a return cost? In blocks of some milliseconds, with warm connections.

const BLOCKS = 20;
const BLOCK = 20e6; // nanoseconds

export async function lease(pool) {
  const held = await Promise.all(Array.from({ length: 5 }, pool.lease));
  held.forEach((conn) => pool.release(conn));
  const block = async (count) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) pool.release(await pool.lease());
    return Number(process.hrtime.bigint() - start) / count;
  };
  await block(20_000); // for the compiler
  const count = Math.ceil(BLOCK / (await block(5_000)));
  const times = [];
  for (let i = 0; i < BLOCKS; i++) times.push(await block(count));
  times.sort((a, b) => a - b);
  return { ns: times[BLOCKS / 2], ratio: null };
}
