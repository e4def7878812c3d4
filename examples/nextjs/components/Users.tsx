'use client';

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { UserList } from '@/lib/user-list';
import { AddUser } from './AddUser';
import { LoadTest } from './LoadTest';
import { TroubleBar } from './TroubleBar';

/**
 * The page. Its parts have ids: #users, #empty, #loading, #refresh, #more, #count, #trouble, #retry, #add, #name,
 * #email, #added, #load-test, #size, #run, #results.
 */
export function Users() {
  const [list] = useState(() => new UserList());
  const view = useSyncExternalStore(list.subscribe, list.view, list.viewBefore);
  const end = useRef<HTMLParagraphElement>(null);
  useEffect(list.start, [list]);

  const { users, next, loaded, loading, trouble } = view;
  const before = useRef(next);
  useEffect(() => {
    // With the last page the button goes, and the keyboard's focus with it.
    const gone = before.current !== null && next === null && document.activeElement === document.body;
    if (gone) end.current?.focus({ preventScroll: true });
    before.current = next;
  }, [next]);

  return (
    <>
      <TroubleBar trouble={trouble} retryAt={view.retryAt} stale={loaded} retry={list.retry} />
      <div className="columns">
        <section aria-labelledby="users-title" aria-busy={loading === 'first' || loading === 'more'}>
          <header>
            <h2 id="users-title">In the database</h2>
            <button id="refresh" className="small" onClick={list.refresh} aria-disabled={loading === 'first'}>
              Refresh
            </button>
            <p className="quiet">
              By its clock it is {view.time ? <time dateTime={view.time}>{clock(view.time)}</time> : '…'}
            </p>
            <a className="jump" href="#add">
              Add a user
            </a>
          </header>
          {users.length > 0 && (
            <ol id="users">
              {users.map((user) => (
                <li key={user.id}>
                  <span className="number">{user.id}</span>
                  <span className="name">{user.name}</span>
                  <span className="email">{user.email}</span>
                </li>
              ))}
            </ol>
          )}
          {!loaded && !trouble && <Skeleton />}
          {!loaded && trouble && <p className="empty">The users appear here as soon as they can be loaded.</p>}
          {loaded && users.length === 0 && (
            <p className="empty" id="empty">
              Nobody is here yet. Add the first user, or run <code>npm run seed</code>.
            </p>
          )}
          {loaded && next !== null && (
            <button id="more" className="wide" onClick={list.more} aria-disabled={loading === 'more'}>
              {loading === 'more' ? 'Loading …' : 'Load 50 more'}
            </button>
          )}
          <p className="quiet" id="count" tabIndex={-1} ref={end} role="status">
            {loaded && users.length > 0 && (next === null ? `All ${users.length} users.` : `${users.length} users so far.`)}
          </p>
        </section>
        <div className="side">
          <AddUser added={list.add} failed={list.fail} />
          <LoadTest />
        </div>
      </div>
    </>
  );
}

function Skeleton() {
  return (
    <div id="loading" role="status">
      <span className="unseen">Loading the users …</span>
      <div aria-hidden="true" className="skeleton">
        {Array.from({ length: 8 }, (_, row) => (
          <span key={row} />
        ))}
      </div>
    </div>
  );
}

/** The time of day. One without a zone, as MySQL tells it, is the server's own. */
function clock(time: string): string {
  const hasZone = /(?:Z|[+-]\d\d:\d\d)$/.test(time);
  return hasZone ? new Date(time).toLocaleTimeString() : time.slice(11, 19);
}
