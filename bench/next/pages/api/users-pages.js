import { pool, SQL } from '../../lib/db';

export default async function handler(request, response) {
  try {
    const { rows } = await pool.query(SQL);
    response.status(200).json(rows);
  } catch {
    response.status(500).json({ error: 'Database connection failed' });
  }
}
