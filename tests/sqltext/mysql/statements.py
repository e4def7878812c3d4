"""Statements that leave nothing behind in a session of MySQL or MariaDB, and statements that do or may."""

from __future__ import annotations

from tests.sqltext.statements import lines

__all__ = ["ENDING", "EVERYDAY", "LEAVES", "MYSQL_ONLY", "OPENING"]

#: In words that MariaDB understands, so that it can be asked.
_EVERYDAY = r"""
    SELECT 1
    select id, name, email from users order by id
    SELECT * FROM users WHERE id = %s
    SELECT * FROM `users` WHERE `id` IN (%s, %s) AND name LIKE 'a%%' AND (id, name) IN ((1, 2), (3, 4))
    SELECT SQL_NO_CACHE count(*), sum(x) OVER (PARTITION BY y ORDER BY (z) ROWS UNBOUNDED PRECEDING) FROM t
    SELECT coalesce(a, 'x'), nullif(b, ''), greatest(1, 2), CAST(x AS decimal(10, 2)), CONVERT(y, char(10)) FROM t
    SELECT IF(a > 1, 'x', 'y'), IFNULL(a, 0), INTERVAL(1, 2, 3), CASE (a) WHEN (1) THEN (2) ELSE (3) END FROM t
    SELECT now(), now(6), CURRENT_TIMESTAMP(6), utc_timestamp(), date_add(ts, INTERVAL (1) DAY), extract(year FROM ts) FROM t
    SELECT group_concat(DISTINCT a ORDER BY b SEPARATOR ', '), json_arrayagg(a), json_object('a', 1), json_value('{}', '$.a') FROM t
    SELECT upper(trim(both ' ' from y)), substring(y from 1 for 2), left(y, 1), replace(y, 'a', 'b'), insert(y, 1, 2, 'x') FROM t
    SELECT * FROM t WHERE MATCH (b) AGAINST ('x' IN BOOLEAN MODE)
    SELECT uuid(), version(), connection_id(), user(), database(), current_user(), sleep(0), rand(), rand(3), benchmark(1, 1)
    SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), LASTVAL(seq)
    SELECT is_free_lock('a'), is_used_lock('a')
    SELECT @a, @@autocommit, @@session.sql_mode, @@global.max_connections
    SELECT 'SET x = 1; @a := 1', "GET_LOCK('a', 1)", 1 AS `a` -- SET @a := 1
    SELECT 1 # GET_LOCK('a', 1)
    SELECT /* ; SET a = 1; PREPARE */ 1 -- x
    SELECT 'it\'s; SET @x := 1', 'it''s; SET @x := 1', "\"; SET @x := 1", n'x', x'41', b'1', _utf8mb4'x', 'a' 'b'
    SELECT a FROM t WHERE x = 1--1
    SELECT HIGH_PRIORITY DISTINCT (t.a) FROM t FORCE INDEX (PRIMARY) JOIN u USING (id) WHERE (x) BETWEEN (1) AND (2)
    SELECT a FROM t GROUP BY a, b WITH ROLLUP HAVING (count(*) > 1) LIMIT 1 OFFSET 2
    SELECT x DIV (2), x MOD (2), NOT (x), x REGEXP ('a'), y RLIKE ('b'), BINARY (y), y SOUNDS LIKE ('x') FROM t
    SELECT rank() OVER w, lag(a, 1) OVER (ORDER BY a) FROM t WINDOW w AS (ORDER BY b)
    SELECT * FROM t FOR UPDATE
    SELECT * FROM t LOCK IN SHARE MODE
    SELECT * FROM t FOR UPDATE SKIP LOCKED
    SELECT * FROM (SELECT 1 AS a) AS v JOIN t ON (t.a = v.a) WHERE NOT EXISTS (SELECT 1) AND v.a = ANY (SELECT 1)
    SELECT * FROM json_table('[1]', '$[*]' COLUMNS (a int PATH '$')) AS j
    SELECT count(*) FROM t PARTITION (p0)
    (SELECT 1) UNION ALL (SELECT 2) INTERSECT (SELECT 1) EXCEPT SELECT 3
    SELECT 1 INTO OUTFILE '/nowhere/x'
    WITH x AS (SELECT 1), y (a, b) AS (SELECT 1, 2) SELECT * FROM x, y
    WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 9) SELECT sum(n) FROM n
    INSERT INTO users (name, email) VALUES (%s, %s)
    INSERT INTO users (name, email) VALUES (%(name)s, DEFAULT), (lower('X'), %(email)s) RETURNING id
    INSERT INTO `test`.`users` (`name`) SELECT name FROM users
    INSERT IGNORE t (a) VALUES (1)
    INSERT t (a) VALUES (1)
    INSERT INTO t SET a = 1, b = 'x'
    INSERT INTO t (a, b) VALUES (1, 'x') ON DUPLICATE KEY UPDATE b = VALUES(b), x = coalesce(x, 0) + 1
    INSERT LOW_PRIORITY INTO t (a) VALUES (1)
    INSERT INTO t () VALUES ()
    REPLACE INTO t (a) VALUES (1)
    REPLACE t (a) VALUES (1)
    UPDATE t SET a = 1, b = lower(b) WHERE id = 1 ORDER BY id LIMIT 1
    UPDATE t JOIN u ON (t.id = u.id) SET t.x = u.a
    DELETE FROM t WHERE id = 1
    DELETE t FROM t JOIN u USING (id)
    DELETE FROM t WHERE id = 1 RETURNING *
    VALUES (1), (2)
    SHOW TABLES
    SHOW VARIABLES LIKE 'a%%'
    SHOW WARNINGS
    DESCRIBE t
    DESC t a
    EXPLAIN SELECT 1
    EXPLAIN FORMAT=JSON SELECT lower('A')
    EXPLAIN EXTENDED UPDATE t SET a = 1
    ANALYZE SELECT 1
    ANALYZE FORMAT=JSON DELETE FROM t WHERE id = 9
    ANALYZE TABLE t
    CHECK TABLE t
    CHECKSUM TABLE t
    OPTIMIZE TABLE t
    REPAIR TABLE t
    BEGIN
    BEGIN WORK
    START TRANSACTION
    START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY
    COMMIT
    COMMIT AND NO CHAIN
    COMMIT WORK
    ROLLBACK
    ROLLBACK TO SAVEPOINT a
    SAVEPOINT a
    RELEASE SAVEPOINT a
    KILL QUERY 0
    TRUNCATE t
    TRUNCATE TABLE t
    CREATE TABLE n1 (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, p decimal(10, 2) CHECK (p > 0), e enum('a', 'b'))
    CREATE TABLE IF NOT EXISTS n2 (a varchar(10) DEFAULT (lower('X')), b int AS (length(a)) STORED, UNIQUE KEY `k` (`a`), INDEX i (b))
    CREATE TABLE `n3` (`a` int, KEY (`a`), CONSTRAINT `c` FOREIGN KEY `f` (`a`) REFERENCES `u` (`a`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
    CREATE TABLE n4 AS SELECT lower(b) FROM t
    CREATE TABLE n5 (a int) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (5), PARTITION p1 VALUES LESS THAN MAXVALUE)
    CREATE UNIQUE INDEX i1 ON t (a, b)
    CREATE OR REPLACE INDEX i2 ON test.t (x)
    CREATE OR REPLACE VIEW v1 (a, b) AS SELECT 1, 2
    CREATE FUNCTION f1(a int) RETURNS int RETURN lower(a)
    CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW INSERT INTO u (a) VALUES (NEW.a)
    CREATE DATABASE other
    CREATE SEQUENCE s1
    CREATE USER app@localhost IDENTIFIED BY 'x'
    ALTER TABLE t ADD COLUMN c varchar(10) DEFAULT 'x', ADD (d int, e int), ADD INDEX (c), ADD CONSTRAINT q FOREIGN KEY (a) REFERENCES u (a)
    ALTER USER app@localhost ACCOUNT LOCK
    DROP TABLE IF EXISTS n1, n2
    DROP VIEW IF EXISTS v1
    DROP INDEX nothing ON t
    DROP FUNCTION IF EXISTS f1
    RENAME TABLE n4 TO n6
    GRANT SELECT, INSERT (a) ON test.t TO app@localhost
    REVOKE SELECT ON test.t FROM app@localhost
    SET STATEMENT max_statement_time = 1, sort_buffer_size = (100000) FOR SELECT lower('X')
    SET STATEMENT sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 7 FOR INSERT INTO t (a) VALUES (1)
    SELECT 1; SELECT 2;
    SELECT COLUMN_GET(COLUMN_CREATE('a', 1), 'a' AS int), CHAR(65 USING utf8mb4), TIMESTAMP('2020-01-01'), {d '2020-01-01'}
    SELECT ST_AsText(POINT(1, 2)), ST_Distance(POINT(1, 2), ST_GeomFromText('POINT(3 4)'))
    SELECT `größe`.a FROM t AS größe ORDER BY (a)
"""

#: What only MySQL understands.
MYSQL_ONLY = lines(
    """
    SELECT * FROM (VALUES ROW(1, 'a'), ROW(2, 'b')) AS v (id, name)
    SELECT * FROM (SELECT 1, 2) v (a, b) WHERE 1 MEMBER OF('[1]')
    TABLE users
    INSERT INTO t (a, b) VALUES (1, 2) AS new(m, n) ON DUPLICATE KEY UPDATE b = m + new.n
    CREATE TABLE n7 (a int, KEY k ((lower(a))))
    SELECT any_value(a), bin_to_uuid(x), uuid_to_bin(uuid()), regexp_like(y, 'a'), json_schema_valid('{}', '{}') FROM t
    SELECT a, GROUPING(a) FROM t GROUP BY a WITH ROLLUP
    SELECT /*+ SET_VAR(sort_buffer_size = 16M) MAX_EXECUTION_TIME(1000) */ 1
    SELECT * FROM t, LATERAL (SELECT t.a) AS l
    EXPLAIN ANALYZE SELECT 1
    """
)

_LEAVES = """
    SET @a = 1
    SET @a := 1
    SET sql_mode = ''
    SET SESSION sql_mode = 'ANSI_QUOTES'
    SET @@session.time_zone = '+00:00'
    SET NAMES utf8mb4
    SET CHARACTER SET utf8mb4
    SET autocommit = 0
    SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
    SET SESSION TRANSACTION READ ONLY
    SET ROLE NONE
    SET PASSWORD = ''
    SET GLOBAL max_connections = 100
    SET STATEMENT max_statement_time = 1 FOR SELECT @a := 1
    SET STATEMENT max_statement_time = 1 FOR SET @a = 1
    SET STATEMENT max_statement_time = (SELECT 1 FOR UPDATE) FOR SET @a = 1
    SET STATEMENT max_statement_time = 1 FOR SELECT f(1)
    SET STATEMENT max_statement_time = 1
    SELECT @a := 1
    SELECT @a:=@a+1 FROM t
    SELECT 1 INTO @a
    SELECT a, b INTO @a, @b FROM t
    SELECT 1 INTO@a
    EXPLAIN FORMAT=JSON INTO @a SELECT 1
    INSERT INTO t (a) VALUES (@a := 1)
    UPDATE t SET a = (@a := @a + 1)
    LOAD DATA INFILE 'x' INTO TABLE t (a, @b) SET b = @b
    USE test
    CREATE TEMPORARY TABLE x (a int)
    CREATE OR REPLACE TEMPORARY TABLE x (a int)
    CREATE TEMPORARY SEQUENCE x
    DROP TEMPORARY TABLE x
    DROP DATABASE test
    DROP SCHEMA IF EXISTS test
    DROP PREPARE p
    ALTER DATABASE test CHARACTER SET latin1
    PREPARE p FROM 'SELECT 1'
    EXECUTE p
    EXECUTE IMMEDIATE 'SET @a = 1'
    DEALLOCATE PREPARE p
    LOCK TABLES t READ
    LOCK TABLE t WRITE
    UNLOCK TABLES
    FLUSH TABLES WITH READ LOCK
    FLUSH TABLES t FOR EXPORT
    BACKUP LOCK t
    HANDLER t OPEN
    DO get_lock('a', 1)
    DO 1
    CALL p()
    XA START 'x'
    BEGIN NOT ATOMIC SET @a = 1; END
    START SLAVE
    GET DIAGNOSTICS @a = ROW_COUNT
    SIGNAL SQLSTATE '45000'
    INSTALL SONAME 'x'
    HELP 'x'
    RESET QUERY CACHE
    SHUTDOWN
    SELECT get_lock('a', 1)
    SELECT GET_LOCK ('a', 1)
    SELECT `get_lock`('a', 1)
    SELECT release_lock('a')
    SELECT release_all_locks()
    SELECT last_insert_id(5)
    UPDATE t SET id = LAST_INSERT_ID(id + 1)
    SELECT SQL_CALC_FOUND_ROWS * FROM t LIMIT 1
    SELECT nextval(s)
    SELECT setval(s, 5)
    SELECT NEXT VALUE FOR s
    INSERT INTO t (a) VALUES (NEXT VALUE FOR s)
    SELECT f(1)
    SELECT f ()
    SELECT test.f(1)
    SELECT test.lower('X')
    SELECT `lower`('X')
    SELECT "lower"('X')
    SELECT 1f(1)
    SELECT 1lower('X')
    SELECT test.1lower('X')
    SELECT test.1(1)
    SELECT $f(1), größe(1)
    SELECT * FROM t WHERE f(a) IS NULL
    SELECT DISTINCT (a) + f(1) FROM t
    SELECT HIGH_PRIORITY f(1)
    SELECT now() + INTERVAL f(1) DAY
    SELECT a FROM t GROUP BY f(a) ORDER BY f(a)
    SELECT (SELECT 1 WHERE a = f(1)) FROM t
    SELECT * FROM t JOIN u ON f(t.a)
    SELECT CASE f(1) WHEN 1 THEN 2 END
    SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP f(1)
    WITH x AS (SELECT f(1)) SELECT * FROM x
    INSERT INTO t (a) SELECT f(1)
    INSERT INTO t VALUES (f(1))
    INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = f(1)
    REPLACE INTO t SET a = f(1)
    DELETE FROM t WHERE a = f(1) RETURNING f(2)
    VALUES (f(1))
    EXPLAIN SELECT f(1)
    ANALYZE FORMAT=JSON SELECT f(1)
    CREATE TABLE n AS SELECT f(1)
    SELECT /*! SQL_NO_CACHE */ 1
    SELECT 1 /*!50000 INTO @a */
    SELECT 1 /*M! , get_lock('a', 1) */
    /*!40101 SET NAMES utf8 */
    SELECT 1 /*! '*/ , get_lock('a', 1) -- ' */
    SELECT 1 /* a /* b */ , get_lock('a', 1)
    SELECT 1--get_lock('a', 1)
    SELECT 1; SET @a = 1
    SELECT 1; SELECT f(1); SELECT 2
    SELECT 'it\\\\'; SET @a = 1; -- '
    SELECT (1
    SELECT 1)
    SELECT 'never ends
    SELECT `never ends
    SELECT 'a\\'
    SELECT 1 /* never ends
    gibberish
    f(1)
    ()
    TABLES
"""

EVERYDAY = lines(_EVERYDAY)
LEAVES = lines(_LEAVES)

#: What may leave a transaction open where none was.
OPENING = lines(
    """
    BEGIN
    begin work
    START TRANSACTION READ ONLY
    /* c */ START TRANSACTION
    COMMIT AND CHAIN
    ROLLBACK WORK AND CHAIN NO RELEASE
    SET autocommit = 0
    SET STATEMENT max_statement_time = 1 FOR SET autocommit = 0
    XA START 'x'
    CALL p()
    EXECUTE p
    SELECT 1; BEGIN
    BEGIN; COMMIT
    /*! BEGIN */
    SELECT 'never ends
    gibberish
    """
)
#: What leaves none open.
ENDING = lines(
    """
    COMMIT
    commit work
    COMMIT AND NO CHAIN
    COMMIT RELEASE
    ROLLBACK
    ROLLBACK WORK AND NO CHAIN NO RELEASE
    ROLLBACK; -- done
    INSERT INTO t (a) VALUES (1); COMMIT
    BEGIN; INSERT INTO t (a) VALUES (1); COMMIT;
    """
)
