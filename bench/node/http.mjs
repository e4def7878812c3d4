// node's own HTTP server on pg: GET /api/users. ANSWER=page answers what examples/nextjs does, from the same statement.
// PREPARED=yes names the statement, so that pg prepares it once.
import http from 'node:http';
import pg from 'pg';

const answers = {
  list: {
    text: 'SELECT id, name, email FROM users ORDER BY id LIMIT 50',
    of: (rows) => rows,
  },
  page: {
    text: 'SELECT id, name, email FROM users WHERE id > $1 ORDER BY id LIMIT $2',
    values: [0, 51],
    of: (rows) => ({ users: rows.slice(0, 50), next: rows.length > 50 ? rows[49].id : null }),
  },
};
const { text, values, of } = answers[process.env.ANSWER ?? 'list'];
const query = process.env.PREPARED === 'yes' ? { name: 'users', text, values } : { text, values };
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
pool.on('error', () => {}); // without a listener an idle connection that dies ends the process

async function users() {
  try {
    return [200, of((await pool.query(query)).rows)];
  } catch {
    return [500, { error: 'Database connection failed' }];
  }
}

http
  .createServer(async (request, response) => {
    const [status, content] = await users();
    const body = JSON.stringify(content);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
