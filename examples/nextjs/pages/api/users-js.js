// The same users in JavaScript, Pages Router: a client is taken from the pool, and released whatever happens.
import { firstPage, pool } from '@/lib/db';

/** @param {import('next').NextApiRequest} request @param {import('next').NextApiResponse} response */
export default async function handler(request, response) {
  try {
    const client = await pool.connect();
    try {
      response.status(200).json(await firstPage(client));
    } finally {
      client.release();
    }
  } catch (error) {
    console.error(error);
    response.status(500).json({ error: 'Database connection failed' });
  }
}
