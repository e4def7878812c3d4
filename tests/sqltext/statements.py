"""Statements that leave nothing behind in their session, and statements that do or may."""

from __future__ import annotations

__all__ = ["EVERYDAY", "LEAVES", "lines"]


def lines(block: str) -> list[str]:
    return [line.strip() for line in block.splitlines() if line.strip()]


_EVERYDAY = """
    SELECT 1
    select id, name, email from users order by id
    SELECT * FROM users WHERE id = %s
    SELECT * FROM users WHERE id = ANY(%(ids)s) AND name LIKE 'a%%' AND (a, b) IN ((1, 2), (3, 4))
    SELECT count(*), sum(x) FILTER (WHERE x > 0) OVER (PARTITION BY y ORDER BY (z) ROWS UNBOUNDED PRECEDING) FROM t
    SELECT coalesce(a, 'x'), nullif(b, ''), greatest(1, 2), CAST(x AS numeric(10, 2)), y::varchar(10) FROM t
    SELECT x::vector(3), CAST(x AS public.vector(3)), embedding <-> %s::vector(3) FROM items
    SELECT extract(epoch FROM now()), date_trunc('day', ts), to_char(ts, 'YYYY'), interval '1 day' FROM t
    SELECT json_build_object('a', 1), jsonb_agg(x), x -> 'a' ->> 'b', jsonb_path_query(x, '$.a') FROM t
    SELECT upper(trim(both ' ' from x)), substring(x from 1 for 2), position('a' in x), left(x, 1) FROM t
    SELECT ARRAY(SELECT 1), array_length(a, 1), unnest(a), a[1], (a)[2] FROM t
    SELECT gen_random_uuid(), now(), current_setting('timezone'), pg_typeof(1), version(), pg_backend_pid()
    SELECT * FROM generate_series(1, 10) g(i)
    SELECT * FROM generate_series(1, 10) AS g (i) JOIN LATERAL (SELECT i) x(j) ON (true)
    SELECT * FROM unnest(%s::int[], %s::text[]) WITH ORDINALITY AS u(a, b, n)
    SELECT * FROM unnest(%s::int[]) WITH ORDINALITY u(a, n)
    SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)
    SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v (id, name) WHERE NOT EXISTS (SELECT 1)
    SELECT * FROM json_to_recordset(%s) AS x(a int, b text, c numeric(10, 2))
    SELECT * FROM a JOIN b USING (id) LEFT JOIN c ON (a.id = c.id) WHERE a.x BETWEEN (1) AND (2)
    SELECT DISTINCT ON (a) lower(b) FROM t
    SELECT DISTINCT ON (a) b FROM t TABLESAMPLE bernoulli (10) REPEATABLE (1)
    SELECT a FROM t GROUP BY GROUPING SETS ((a), (b)), ROLLUP (a), CUBE (b) HAVING (count(*) > 1)
    SELECT a FROM t WINDOW w AS (PARTITION BY a) ORDER BY (b) LIMIT (1) OFFSET (2)
    SELECT pg_catalog.lower('A'), "pg_catalog"."lower"('A'), "lower"('A'), LOWER ('A'), lower /* x */ ('A')
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t
    SELECT 1 OPERATOR(pg_catalog.+) 2
    SELECT 'set_config(''a'', ''b'', false); SET x = 1', "LISTEN x", $$ PREPARE $$ -- LISTEN
    SELECT /* ; SET a = 1; /* nested */ LISTEN */ 1
    SELECT temp, temporary FROM temp WHERE temp.temp > 1
    SELECT set_config('app.who', %s, true)
    SELECT set_config('app.user', concat('a', 'b'), TRUE), pg_catalog.set_config('a.b', 'c', true)
    SELECT pg_advisory_xact_lock(%s), pg_try_advisory_xact_lock(1, 2), pg_advisory_xact_lock(hashtext('x'))
    SELECT currval('s'), lastval()
    SELECT * FROM t FOR UPDATE OF t SKIP LOCKED
    (SELECT 1) UNION ALL (SELECT 2) INTERSECT (VALUES (1)) EXCEPT SELECT 3
    SELECT pg_notify('a', 'b'), pg_sleep(0), pg_terminate_backend(1)
    WITH a AS (SELECT 1), b AS MATERIALIZED (SELECT 2) SELECT * FROM a, b
    WITH a (x, y) AS (SELECT 1, 2), b(z) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b
    WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT sum(n) FROM t
    WITH moved AS (DELETE FROM a RETURNING *), n (x) AS (INSERT INTO b SELECT * FROM moved RETURNING x) TABLE n
    WITH u (x) AS (UPDATE a SET x = 1 RETURNING x) SELECT x FROM u
    INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id
    INSERT INTO public.users (name) VALUES (%(name)s), (DEFAULT)
    INSERT INTO "My Schema"."Users" ("Name") SELECT name FROM old
    INSERT INTO temp VALUES (1)
    INSERT INTO temp (a) VALUES (1)
    INSERT INTO t AS x (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET (a, b) = (excluded.a, x.b) WHERE (x.a > 1)
    INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT ON CONSTRAINT t_a DO NOTHING
    UPDATE t SET a = 1, b = lower(b) FROM u WHERE t.id = u.id RETURNING *
    UPDATE ONLY t SET (a, b) = (SELECT 1, 2)
    DELETE FROM t USING u WHERE t.id = u.id
    MERGE INTO t USING s ON (t.id = s.id) WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)
    VALUES (1), (2)
    TABLE users
    SHOW timezone
    SHOW ALL
    EXPLAIN SELECT 1
    EXPLAIN ANALYZE VERBOSE DELETE FROM t
    EXPLAIN (ANALYZE, FORMAT json) VALUES (1)
    EXPLAIN (COSTS off) (SELECT 1)
    BEGIN
    BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE
    START TRANSACTION
    COMMIT
    COMMIT AND NO CHAIN
    END
    ROLLBACK
    ROLLBACK TO SAVEPOINT "_pg3_1"
    ABORT
    SAVEPOINT a
    RELEASE a
    SET LOCAL statement_timeout = 1
    SET LOCAL ROLE app
    SET TRANSACTION READ ONLY
    SET CONSTRAINTS ALL DEFERRED
    BEGIN; SET LOCAL app.who = 'x'; SELECT 1; COMMIT
    SELECT 1; ; SELECT 2;
    DECLARE c CURSOR FOR SELECT 1
    DECLARE c BINARY NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1
    FETCH ALL IN c
    MOVE 1 IN c
    CLOSE c
    NOTIFY a, 'b'
    COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER)
    COPY (SELECT lower(a) FROM t) TO STDOUT
    COPY t FROM PROGRAM 'cat x'
    VACUUM (ANALYZE) t (a)
    ANALYZE t (a)
    LOCK TABLE t IN SHARE MODE
    TRUNCATE t
    CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY (START WITH 9), p numeric(10, 2) CHECK (p > 0))
    CREATE TABLE IF NOT EXISTS s.t (a int REFERENCES u (id), UNIQUE (a), PRIMARY KEY (a))
    CREATE TABLE temp (temp text)
    CREATE TABLE t AS SELECT lower(a) FROM b
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING gin (lower(a) gin_trgm_ops) INCLUDE (b)
    CREATE INDEX ON t (a) WHERE (b IS NULL)
    CREATE OR REPLACE VIEW v (a, b) AS SELECT 1, 2
    CREATE FUNCTION f(a int, b text) RETURNS TABLE (c int) LANGUAGE sql AS $$ SELECT set_config('a', 'b', false) $$
    CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END
    CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION f()
    CREATE POLICY p ON t USING (owner = current_user)
    CREATE TYPE mood AS ENUM ('a', 'b')
    ALTER TABLE t ADD COLUMN a varchar(10) DEFAULT 'x', ADD FOREIGN KEY (a) REFERENCES u (a)
    ALTER ROLE app SET statement_timeout = '1s'
    ALTER DATABASE app SET timezone = 'UTC'
    DROP FUNCTION IF EXISTS f(int)
    GRANT EXECUTE ON FUNCTION f(int) TO app
    COMMENT ON TABLE t IS 'x'
    REFRESH MATERIALIZED VIEW v
    SELECT E'it\\'s; SET x = 1' , U&'\\0061', B'1', N'x'
    SELECT $1::int % 2, a$b$c FROM t
"""

_LEAVES = """
    SET timezone = 'UTC'
    SET SESSION timezone = 'UTC'
    SET timezone TO 'UTC'
    set local.x = 1
    SET constraints.x TO 1
    SET transaction.x = 1
    SET ROLE app
    SET SESSION AUTHORIZATION app
    SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
    SET TIME ZONE 'UTC'
    RESET ALL
    RESET ROLE
    DISCARD ALL
    SELECT set_config('a.b', 'c', false)
    SELECT set_config(%s, %s, %s)
    SELECT set_config(%s, %s, true)
    SELECT set_config('search_path', 'pg_temp', true)
    SELECT set_config('Search_Path', %s, true)
    SET LOCAL search_path = 'pg_temp'
    SET LOCAL "search_path" TO pg_temp
    SET LOCAL SCHEMA 'pg_temp'
    SET LOCAL standard_conforming_strings = off
    SELECT set_config('a.b', 'c', is_local => true)
    SELECT set_config('a.b', 'c', NOT true)
    SELECT pg_catalog.set_config('a.b', 'c', false)
    SELECT "set_config"('a.b', 'c', false)
    SELECT SET_CONFIG /* hidden */ ('a.b', 'c', false)
    SELECT DISTINCT ON (a) set_config('a', 'b', false) FROM t
    SELECT 1 OPERATOR(pg_catalog.+) f(1)
    SELECT x[1:f(1)], trim(both (x) from f(1)), CASE (1) WHEN f(1) THEN 1 END FROM t
    SELECT CAST(1 AS numeric(f(1), 2)), 1::numeric(f(1))
    SELECT 1 WHERE (a) IN (f(1)) AND (b) BETWEEN (1) AND f(1)
    SELECT 1 FETCH FIRST f(1) ROWS ONLY
    SELECT sum(x) OVER (ORDER BY x ROWS f(1) PRECEDING) FROM t
    SELECT now() AT TIME ZONE f(1), 'a' LIKE 'b' ESCAPE f(1)
    SELECT * FROM f(1) AS (values int)
    SELECT * FROM f(1) AS (update t)
    WITH a AS (SELECT 1), b AS (SELECT f(1)) SELECT 1
    INSERT INTO t (a) SELECT f(1)
    INSERT INTO t (a) VALUES (1) RETURNING f(a)
    INSERT INTO t VALUES (f(1)) ON CONFLICT (f(a)) DO NOTHING
    UPDATE t SET (a, b) = (f(1), 2)
    MERGE INTO t USING s ON f(1) = 1 WHEN MATCHED THEN DELETE
    SELECT * FROM unnest(a) WITH ORDINALITY AS t(x, n), set_config('a', 'b', false)
    WITH a AS (SELECT 1) (SELECT 1) ORDER BY 1, set_config('a', 'b', false)
    SELECT * FROM f(1) AS (a int)
    SELECT * FROM a JOIN b ON f(a.x)
    CREATE TABLE t AS SELECT * FROM a JOIN b ON set_config('a', 'b', false) = a.x
    CREATE TABLE index AS SELECT * FROM a JOIN b ON f(a.x) = 1
    CREATE UNIQUE INDEX i ON t (f(a))
    CREATE INDEX i ON t USING gin (f(a)) WHERE f(a) = 1
    DELETE FROM t USING f(1)
    SELECT my_function()
    SELECT public.lower('x')
    SELECT app.pg_catalog.lower('x')
    SELECT "LOWER"('x')
    SELECT U&"lower"('x')
    SELECT x FROM t WHERE f(x) IS NULL
    SELECT (SELECT 1 WHERE id = any(ARRAY[dblink('x')]))
    SELECT * FROM dblink('dbname=x', 'SELECT 1') AS t(a int)
    SELECT nextval('s')
    SELECT setval('s', 1)
    SELECT setseed(0.5)
    SELECT pg_advisory_lock(1)
    SELECT pg_try_advisory_lock(1)
    SELECT pg_advisory_lock_shared(1)
    SELECT pg_advisory_unlock(1)
    SELECT lo_open(1, 1)
    SELECT query_to_xml('SELECT pg_advisory_lock(1)', true, true, '')
    SELECT ts_stat('SELECT set_config(''a'', ''b'', false)::tsvector')
    CREATE TEMP TABLE t (a int)
    CREATE TEMPORARY TABLE t (a int)
    CREATE LOCAL TEMP TABLE t (a int)
    CREATE GLOBAL TEMPORARY TABLE t (a int)
    CREATE TEMP VIEW v AS SELECT 1
    CREATE OR REPLACE TEMP VIEW v AS SELECT 1
    CREATE TEMP SEQUENCE s
    CREATE TABLE pg_temp.t (a int)
    CREATE TABLE "pg_temp".t (a int)
    CREATE TABLE U&"pg\\005ftemp".t (a int)
    CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
    CREATE EXTENSION postgis
    ALTER EXTENSION postgis UPDATE
    SELECT 1 AS a INTO TEMP t
    SELECT 1 AS a INTO TEMPORARY TABLE t
    SELECT 1 AS a INTO LOCAL TEMP t
    SELECT 1 INTO pg_temp.t
    LISTEN a
    UNLISTEN *
    PREPARE p AS SELECT 1
    EXECUTE p
    EXECUTE p(1)
    EXPLAIN EXECUTE p
    EXPLAIN (ANALYZE) EXECUTE p(1)
    EXPLAIN ANALYZE SELECT f()
    EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1
    CREATE TABLE t AS EXECUTE p(1)
    DEALLOCATE ALL
    DECLARE c CURSOR WITH HOLD FOR SELECT 1
    DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1
    LOAD 'auto_explain'
    DO $$ BEGIN END $$
    CALL p()
    IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c
    PREPARE TRANSACTION 'x'
    START_REPLICATION SLOT x LOGICAL 0/0
    SELECT 1; SET timezone = 'UTC'
    SELECT 1; SELECT f(1); SELECT 2
    SELECT 'it\\'; SET timezone = 'UTC'; --'
    SELECT (1
    SELECT 1)
    SELECT 'never ends
    SELECT 1 /* never ends /* */
    SELECT $x$ never ends $y$
    gibberish
    f(1)
    ()
    EXPLAIN
    CREATE TABLE t (a int DEFAULT f(1))
    MOVE_ON
"""

EVERYDAY = lines(_EVERYDAY)
LEAVES = lines(_LEAVES)
