-- Statements that look as if they did harm, and do not: a query has to run them. A line "--- rows: what it looks like" begins
-- each of them, with the number of rows that it returns where the table events holds these three:
--   signup of u1 on 2026-01-01, purchase of u1 and of u2 on 2026-01-02, all with {"plan": …, "items": […], "$os": …}

--- 1: two statements in a text
SELECT 'SELECT 1; DROP TABLE events;' AS text
--- 1: a comment in a text
SELECT '-- no comment' AS a, '/* none */' AS b
--- 1: a quote in a text
SELECT 'it''s; fine' AS x
--- 1: dollars around a text
SELECT $$it's; -- fine$$ AS x
--- 1: dollars with a tag around a text
SELECT $q$ ; COPY (SELECT 1) TO 'x' ; $q$ AS x
--- 1: escapes in a text
SELECT E'a\'; DROP TABLE events; --' AS x
--- 1: words that mean something as names
SELECT 1 AS attach, 2 AS "copy", 3 AS "drop", 4 AS "select", 5 AS pragma, 6 AS install, 7 AS "load", 8 AS "set"
--- 3: a statement with a semicolon
SELECT * FROM events;
--- 3: semicolons and comments at the end
SELECT * FROM events ;; -- done; really
;
--- 3: comments all over
/* ; DROP */ SELECT -- ; one
  event_name /* /* ; */ ; */ FROM events -- two
--- 3: a comment at the end without a newline
FROM events -- ) AS t; DROP TABLE events
--- 1: a file's name in a text
SELECT 'read_csv(''/etc/passwd'')' AS x, '/etc/passwd' AS y
--- 1: a name that looks like a file
SELECT 1 AS "/etc/passwd", 2 AS "x.csv"
--- 1: a column that looks like the environment
SELECT getenv FROM (SELECT 1 AS getenv)
--- 1: a table for the moment that is called like a function
WITH read_text AS (SELECT 1 AS x) SELECT * FROM read_text
--- 1: a name beyond ASCII
SELECT 1 AS "Übergröße; --", '🦆' AS "🦆"
--- 3: no SELECT at all
FROM events
--- 3: the table alone
TABLE events
--- 2: values
VALUES (1, 'a;b'), (2, NULL)
--- 7: a description
DESCRIBE events
--- 1: a description of a statement
DESCRIBE SELECT count(*) FROM events
--- 7: a summary
SUMMARIZE events
--- 2: the tables
SHOW TABLES
--- 1: a plan
EXPLAIN SELECT * FROM events
--- 1: a plan that is run
EXPLAIN ANALYZE SELECT count(*) FROM events
--- 1: a plan as JSON, after a comment
/* why */ EXPLAIN (FORMAT json) SELECT 1; -- ;
--- 3: a property
SELECT properties->>'$.plan' AS plan, properties->'$.items[0]' AS item, properties->>'$."$os"' AS os FROM events
--- 3: properties with functions
SELECT json_extract_string(properties, ['$.plan', '$.items']) AS both, json_keys(properties) AS keys FROM events
--- 2: a property unnested
SELECT unnest(CAST(properties->'$.items' AS INTEGER[])) AS item FROM events WHERE event_name = 'signup'
--- 2: JSON as a table
SELECT e.value FROM events, json_each(properties, '$.items') AS e WHERE event_name = 'signup'
--- 1: lambdas
SELECT list_transform([1, 2, 3], lambda x: x + 1), list_filter([1, 2], x -> x > 1), [x * 2 FOR x IN [1, 2] IF x > 1]
--- 2: groups, windows and what follows them
SELECT day, count(*) AS n, sum(count(*)) OVER (ORDER BY day) AS total FROM events GROUP BY day HAVING n < 9 QUALIFY row_number() OVER () < 9 ORDER BY ALL
--- 5: an expression that calls itself, and ends
WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t WHERE x < 5) SELECT * FROM t
--- 2: sets
SELECT distinct_id FROM events INTERSECT SELECT 'u1' UNION (SELECT 'u3' EXCEPT SELECT 'u2')
--- 2: a pivot
PIVOT events ON event_name IN ('signup', 'purchase') USING count(*) GROUP BY distinct_id
--- 2: a pivot in standard SQL
SELECT * FROM (SELECT distinct_id, event_name FROM events) PIVOT (count(*) FOR event_name IN ('signup', 'purchase') GROUP BY distinct_id)
--- 6: an unpivot
UNPIVOT (SELECT event_name, distinct_id FROM events) ON event_name, distinct_id
--- 2: a join by time
SELECT * FROM events AS a ASOF JOIN events AS b ON a.distinct_id = b.distinct_id AND a.event_time > b.event_time WHERE a.distinct_id = 'u1' UNION ALL FROM events AS a POSITIONAL JOIN events AS b WHERE a.event_name = 'signup'
--- 3: a sample
SELECT * FROM events USING SAMPLE 100%
--- 3: columns by a pattern
SELECT COLUMNS('^event_.*'), * EXCLUDE (properties) REPLACE (upper(event_name) AS event_name) RENAME (day AS date) FROM events
--- 2: columns by a lambda, and a limit in percent
SELECT COLUMNS(c -> c LIKE '%id') FROM events ORDER BY ALL DESC LIMIT 67%
--- 1: what the file knows of itself
SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'main'
--- 1: the catalog in standard SQL
SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'events'
--- 1: what Mixduck knows of it
SELECT * FROM _metadata
--- 1: a table in the schema of Mixduck
SELECT count(*) FROM mixduck.receipts
--- 31: a table that is made of nothing
SELECT d::DATE FROM generate_series(DATE '2026-01-01', DATE '2026-01-31', INTERVAL 1 DAY) AS t(d)
--- 1: times in zones
SELECT timezone('Europe/Berlin', TIMESTAMPTZ '2026-03-29 01:30:00+00') AS t, strftime(now(), '%Y') AS y
--- 1: types with names
SELECT CAST({'a': [1, 2]} AS STRUCT(a BIGINT[])) AS s, 'x'::ENUM('x', 'y') AS e, TRY_CAST('x' AS DECIMAL(4, 2)) AS d
--- 3: a method
SELECT event_name.upper() AS u FROM events
--- 1: a subquery in each place
SELECT (SELECT max(day) FROM events) AS a, EXISTS (FROM events) AS b, 'u1' IN (SELECT distinct_id FROM events) AS c, 1 = ANY (SELECT 1) AS d
--- 1: a collation
SELECT 'Ä' COLLATE de < 'B' AS before, 'a' COLLATE nocase = 'A' AS same
--- 1: a view with the name of another program
SELECT count(*) FROM compat.mp_master_event
