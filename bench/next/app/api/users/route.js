import { pool, SQL } from '../../../lib/db';

export const dynamic = 'force-dynamic'; // one statement for each request, not one for the build

export async function GET() {
  try {
    const { rows } = await pool.query(SQL);
    return Response.json(rows);
  } catch {
    return Response.json({ error: 'Database connection failed' }, { status: 500 });
  }
}
