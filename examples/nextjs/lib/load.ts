// The page's small load test: many requests at once to one route, and what the server says of its connections meanwhile.
import { getConnections } from './api';

export type Result = {
  /** How many were answered 200, and how many were not. */
  answered: number;
  failed: number;
  /** Milliseconds: half of the requests took no longer, the slowest took, all together took. */
  median: number;
  slowest: number;
  total: number;
  /** The most connections that the server had from the JavaScript's pool, and from all others. */
  javascript: number | null;
  others: number | null;
};

/** How pg's pool calls itself in lib/db.ts. */
const JAVASCRIPT = 'users-js';
const ASK_EVERY = 150;

export async function load(path: string, requests: number): Promise<Result> {
  const took: number[] = [];
  let failed = 0;
  const peak = { javascript: 0, others: 0, known: false };

  async function one() {
    const began = performance.now();
    try {
      const response = await fetch(path, { cache: 'no-store' });
      await response.arrayBuffer();
      if (!response.ok) failed++;
    } catch {
      failed++;
    }
    took.push(performance.now() - began);
  }

  async function count() {
    const clients = await getConnections().catch(() => null);
    if (clients === null) return;
    const sum = (mine: boolean) =>
      clients.reduce((total, { client, connections }) => total + ((client === JAVASCRIPT) === mine ? connections : 0), 0);
    peak.javascript = Math.max(peak.javascript, sum(true));
    peak.others = Math.max(peak.others, sum(false));
    peak.known = true;
  }

  const began = performance.now();
  const counting = setInterval(() => void count(), ASK_EVERY);
  await Promise.all(Array.from({ length: requests }, one));
  const total = performance.now() - began;
  clearInterval(counting);
  await count();
  took.sort((a, b) => a - b);
  return {
    answered: requests - failed,
    failed,
    median: took[Math.floor(took.length / 2)] ?? 0,
    slowest: took.at(-1) ?? 0,
    total,
    javascript: peak.known ? peak.javascript : null,
    others: peak.known ? peak.others : null,
  };
}
