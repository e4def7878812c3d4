import type { NextConfig } from 'next';

// Where the Python functions are. Next.js writes it into the build. Vercel's builder, which sets NOW_BUILDER, reads
// vercel.json instead; VERCEL would not tell, since `vercel env pull` may write it into .env.local.
const python = process.env.PYTHON_ORIGIN || (process.env.NOW_BUILDER ? null : 'http://127.0.0.1:5328');
const routes = ['/api/users', '/api/time', '/api/connections'];

const config: NextConfig = {
  poweredByHeader: false,
  turbopack: { root: process.cwd() },
  rewrites: async () => (python ? routes.map((route) => ({ source: route, destination: `${python}${route}` })) : []),
};

export default config;
