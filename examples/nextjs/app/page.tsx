import { Users } from '@/components/Users';

export default function Page() {
  return (
    <main>
      <h1>Users</h1>
      <p className="lead">
        The page is Next.js. Its users come from <code>/api/users</code>, a function in Python with one pool of at most 5
        connections.
      </p>
      <noscript>It needs JavaScript, without which nothing can be shown here.</noscript>
      <Users />
    </main>
  );
}
