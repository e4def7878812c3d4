'use client';

import { useState } from 'react';
import { load, type Result } from '@/lib/load';

const ROUTES = [
  { path: '/api/users', title: 'Python, thawpool' },
  { path: '/api/users-js', title: 'JavaScript, Pages Router' },
  { path: '/api/users-js-app', title: 'JavaScript, App Router' },
];
const SIZES = [50, 200, 500];

export function LoadTest() {
  const [size, setSize] = useState(SIZES[1] ?? 200);
  const [running, setRunning] = useState<string | null>(null);
  const [results, setResults] = useState<Record<string, Result>>({});

  async function run() {
    if (running) return;
    setResults({});
    for (const { path } of ROUTES) {
      setRunning(path);
      const result = await load(path, size);
      setResults((before) => ({ ...before, [path]: result }));
    }
    setRunning(null);
  }

  const done = Object.keys(results).length;
  return (
    <section id="load-test" aria-labelledby="load-title" className="card">
      <h2 id="load-title">Load test</h2>
      <p className="quiet">
        The same users by Python and by JavaScript, each with a pool of at most 5 connections. A browser itself sends 6
        requests at a time over HTTP/1.1, and more over HTTP/2. JavaScript&apos;s pg speaks PostgreSQL alone.
      </p>
      <div className="row">
        <label htmlFor="size">Requests at once</label>
        <select id="size" value={size} onChange={(event) => setSize(Number(event.target.value))}>
          {SIZES.map((number) => (
            <option key={number}>{number}</option>
          ))}
        </select>
        <button id="run" className="primary" onClick={run} aria-disabled={running !== null}>
          {running ? 'Running …' : 'Run'}
        </button>
      </div>
      <p role="status" className="unseen">
        {running ? `Running, ${done} of ${ROUTES.length} routes done.` : done > 0 && 'The load test is done.'}
      </p>
      {(running || done > 0) && (
        <dl id="results">
          {ROUTES.map(({ path, title }) => (
            <div key={path} data-path={path}>
              <dt>
                {title} <code>{path}</code>
              </dt>
              <dd>{results[path] ? <Outcome {...results[path]} /> : running === path ? 'Running …' : '—'}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

function Outcome({ answered, failed, median, slowest, total, javascript, others }: Result) {
  return (
    <>
      <span className={failed ? 'wrong' : 'good'}>
        {answered} answered, {failed} failed
      </span>
      <span>
        half within {median.toFixed(0)} ms, slowest {slowest.toFixed(0)} ms, all in {total.toFixed(0)} ms
      </span>
      <span>
        {javascript === null
          ? 'The server could not be asked for its connections.'
          : `Connections at the server: ${javascript} of the JavaScript pool, ${others} of Python and others.`}
      </span>
    </>
  );
}
