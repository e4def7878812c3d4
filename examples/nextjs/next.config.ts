import type { NextConfig } from 'next';

// Where the Python functions are. Next.js writes it into the build; on Vercel, vercel.json says it instead.
const python = process.env.PYTHON_ORIGIN ?? 'http://127.0.0.1:5328';
const routes = ['/api/users', '/api/time', '/api/connections'];

const config: NextConfig = {
  poweredByHeader: false,
  turbopack: { root: process.cwd() },
  rewrites: async () =>
    process.env.VERCEL ? [] : routes.map((route) => ({ source: route, destination: `${python}${route}` })),
};

export default config;
