// The same users in JavaScript, App Router. pool.query takes a client and releases it.
import { firstPage, pool } from '@/lib/db';

export const dynamic = 'force-dynamic';

export async function GET() {
  try {
    return Response.json(await firstPage(pool));
  } catch (error) {
    console.error(error);
    return Response.json({ error: 'Database connection failed' }, { status: 500 });
  }
}
