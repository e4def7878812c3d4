'use client';

import { useEffect, useState } from 'react';
import type { Trouble } from '@/lib/api';

const WORDS: Record<Trouble, { title: string; text: string }> = {
  away: {
    title: 'The database cannot be reached at the moment.',
    text: 'Nothing is lost: the page goes on by itself as soon as it is back.',
  },
  busy: {
    title: 'The database is busy.',
    text: 'All its connections are in use. The page tries again by itself.',
  },
  broken: {
    title: 'The app has made an error.',
    text: 'Its log says which. If the table users is missing, npm run seed creates it. The page tries again by itself.',
  },
  unreachable: {
    title: 'The app does not answer.',
    text: 'You may be offline, or it is starting up. The page tries again by itself.',
  },
};

type Props = { trouble: Trouble | null; retryAt: number | null; stale: boolean; retry: () => void };

/** What is wrong, in words for a person, and when it is tried again. It says so too when all is well again. */
export function TroubleBar({ trouble, retryAt, stale, retry }: Props) {
  const [recovered, setRecovered] = useState(false);
  const [before, setBefore] = useState(trouble);
  if (before !== trouble) {
    setBefore(trouble);
    setRecovered(trouble === null);
  }
  useEffect(() => {
    if (!recovered) return;
    const timer = setTimeout(() => setRecovered(false), 5000);
    return () => clearTimeout(timer);
  }, [recovered]);

  return (
    <div id="trouble" role="status" data-trouble={trouble ?? 'none'}>
      {trouble && (
        <div className={`bar ${trouble === 'broken' ? 'bad' : 'warn'}`}>
          <div>
            <strong>{WORDS[trouble].title}</strong> {WORDS[trouble].text}
            {stale && ' What you see below was loaded before.'}
          </div>
          <button id="retry" onClick={retry}>
            Try now <Countdown until={retryAt} />
          </button>
        </div>
      )}
      {recovered && <div className="bar good">All is well again.</div>}
    </div>
  );
}

/** For the eye alone: nobody wants to hear every second. */
function Countdown({ until }: { until: number | null }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = until === null ? null : Math.max(0, Math.ceil((until - now) / 1000));
  return (
    <span aria-hidden="true" className="countdown">
      {seconds === null ? '…' : `${seconds} s`}
    </span>
  );
}
