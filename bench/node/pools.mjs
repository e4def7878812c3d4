// The pools of node, at a setting: what a contender is, as bench/contenders/base.py says it for Python.
import pg from 'pg';
import mysql from 'mysql2/promise';

/** A pool with lease, release, rows and close; and raw, a connection held for good. */
export function open({ package: name, address, setting, size = 5 }) {
  const [, host, port, user, password, database] = address;
  const where = { host, port, user, password, database };
  return name === 'pg' ? openPg(where, setting === 'safe', size) : openMysql2(where, setting === 'safe', size);
}

function openPg(where, safe, max) {
  const bounds = safe
    ? { query_timeout: 2000, connectionTimeoutMillis: 2000, keepAlive: true, keepAliveInitialDelayMillis: 1000 }
    : {};
  const pool = new pg.Pool({ ...where, max, idleTimeoutMillis: 0, ...bounds });
  pool.on('error', () => {}); // without a listener an idle connection that dies ends the process
  return {
    lease: () => pool.connect(),
    release: (conn, error) => conn.release(error),
    rows: async (conn, sql) => (await conn.query(sql)).rows,
    raw: async () => {
      const client = new pg.Client(where);
      await client.connect();
      return client;
    },
    close: () => pool.end(),
  };
}

function openMysql2(where, safe, connectionLimit) {
  const bounds = safe ? { connectTimeout: 2000, enableKeepAlive: true } : {};
  const pool = mysql.createPool({ ...where, connectionLimit, maxIdle: connectionLimit, idleTimeout: 3_600_000, ...bounds });
  return {
    lease: () => pool.getConnection(),
    release: (conn, error) => (error ? conn.destroy() : conn.release()),
    rows: async (conn, sql) => (await conn.query(safe ? { sql, timeout: 2000 } : sql))[0],
    raw: () => mysql.createConnection(where),
    close: () => pool.end(),
  };
}
