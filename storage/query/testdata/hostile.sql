-- Statements that a query must not run. A line "--- what becomes of it: what it tries" begins each of them.
--   refused  it is refused as what nobody may ask, before any data is opened
--   bounded  it may run, but ends by itself, with a result or an error, within the limits on memory
--   endless  it runs until it is ended from outside
-- Whatever becomes of it: no file changes, none appears, and nothing is read but the database.

--- refused: read a file as CSV
SELECT * FROM read_csv('{secret}')
--- refused: read a file as CSV, with another function
SELECT * FROM read_csv_auto('{secret}', header = false)
--- refused: read a file as text
SELECT content FROM read_text('{secret}')
--- refused: read a file as bytes
SELECT content FROM read_blob('{secret}')
--- refused: read a file as JSON
SELECT * FROM read_json('{secret}')
--- refused: read a file as objects of JSON
SELECT * FROM read_ndjson_objects('{secret}')
--- refused: read a file as Parquet
SELECT * FROM read_parquet('{secret}')
--- refused: read a file as Parquet, with the old name
SELECT * FROM parquet_scan('{secret}')
--- refused: read another database
SELECT * FROM read_duckdb('{secret}')
--- refused: a file in the place of a table
SELECT * FROM '{secret}'
--- refused: a file in the place of a table, in other quotes
SELECT * FROM "{secret}"
--- refused: a file by its bare name
FROM 'secret.csv'
--- refused: files by a pattern
FROM '*.parquet'
--- refused: a file described
DESCRIBE '{secret}'
--- refused: a file summarized
SUMMARIZE '{secret}'
--- refused: a file explained
EXPLAIN ANALYZE SELECT * FROM '{secret}'
--- refused: a file in a subquery of a condition
SELECT 1 FROM events WHERE EXISTS (SELECT 1 FROM read_text('{secret}'))
--- refused: a file in a common table expression
WITH t AS MATERIALIZED (SELECT * FROM read_text('{secret}')) SELECT * FROM t
--- refused: a file in the limit
SELECT 1 LIMIT (SELECT length(content) FROM read_text('{secret}'))
--- refused: a file in the order
SELECT 1 ORDER BY (SELECT content FROM read_text('{secret}'))
--- refused: a file in a window
SELECT sum(1) OVER (ORDER BY (SELECT max(content) FROM read_text('{secret}')))
--- refused: a file in a lambda
SELECT list_transform([1], lambda x: (SELECT content FROM read_text('{secret}')))
--- refused: a file behind a pivot
PIVOT (SELECT * FROM read_text('{secret}')) ON size IN (1, 2) USING count(*)
--- refused: a file behind an unpivot
UNPIVOT read_text('{secret}') ON size
--- refused: a file in a join
SELECT * FROM events LEFT JOIN read_text('{secret}') ON true
--- refused: a file in a lateral join
SELECT * FROM events, LATERAL (FROM read_text('{secret}'))
--- refused: a file in one branch of a union
SELECT 'x' UNION ALL BY NAME SELECT content FROM read_text('{secret}')
--- refused: a file in a recursive expression
WITH RECURSIVE t(x) AS (SELECT '' UNION SELECT content FROM t, read_text('{secret}')) FROM t
--- refused: a file behind a common table expression of its name
WITH "{secret}" AS (SELECT 1) SELECT * FROM (SELECT 1), "{secret}"
--- refused: a file in the star's replacement
SELECT * REPLACE ((SELECT content FROM read_text('{secret}')) AS event_name) FROM events
--- refused: a file in a filter of an aggregate
SELECT count(*) FILTER (EXISTS (FROM read_text('{secret}')))
--- refused: a file in a table sample's neighbour
SELECT * FROM read_text('{secret}') TABLESAMPLE 10%
--- refused: list a directory
SELECT * FROM glob('/etc/*')
--- refused: guess what a file is
SELECT * FROM sniff_csv('{secret}')
--- refused: the metadata of a file
SELECT * FROM parquet_metadata('{secret}')
--- refused: read from the network
SELECT * FROM read_csv('https://example.com/x.csv')
--- refused: the network in the place of a table
SELECT * FROM 'https://example.com/x.parquet'
--- refused: a bucket in the place of a table
SELECT * FROM 's3://bucket/x.parquet'
--- refused: the environment
SELECT getenv('MIXDUCK_SECRET')
--- refused: the environment, as a method
SELECT 'MIXDUCK_SECRET'.getenv()
--- refused: the environment, with its catalog
SELECT system.main.getenv('MIXDUCK_SECRET')
--- refused: the environment from /proc
SELECT * FROM read_text('/proc/self/environ')
--- refused: the environment of the parent from /proc
SELECT * FROM read_blob('/proc/1/environ')
--- refused: a setting
SELECT current_setting('temp_directory')
--- refused: all settings
SELECT * FROM duckdb_settings()
--- refused: all settings, as a view
SELECT * FROM pg_catalog.pg_settings
--- refused: secrets
SELECT * FROM duckdb_secrets()
--- refused: the secret for an address
SELECT * FROM which_secret('s3://bucket', 's3')
--- refused: variables
SELECT getvariable('x')
--- refused: the text of the query
SELECT current_query()
--- refused: write a log
SELECT write_log('x')
--- refused: begin a log in a file, which aborts the process when it ends
SELECT * FROM enable_logging(storage = 'file', storage_path = '{dir}')
--- refused: begin a profile
SELECT * FROM enable_profiling(save_location = '{dir}/profile')
--- refused: a checkpoint
SELECT * FROM checkpoint()
--- refused: SQL in a text
SELECT * FROM query('DROP TABLE events')
--- refused: SQL in a text, of a file
SELECT * FROM query('FROM ''{secret}''')
--- refused: a table by a name that is computed
SELECT * FROM query_table('{secret}')
--- refused: SQL as JSON
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))
--- refused: a plan of SQL, which reads the head of a file
SELECT json_serialize_plan('FROM ''{secret}''')
--- refused: a macro that calls query_table
SELECT * FROM histogram('{secret}', 'x')
--- refused: an address taken for a table
SELECT * FROM arrow_scan(1, 2, 3)
--- refused: a pragma as a function
SELECT * FROM pragma_database_list()
--- refused: a pragma as a view
SELECT * FROM pragma_database_list
--- refused: a pragma
PRAGMA database_list
--- refused: a pragma that changes a setting
PRAGMA enable_verification
--- refused: a pragma that imports
PRAGMA import_database('{dir}')
--- refused: a setting is changed
SET memory_limit = '100GB'
--- refused: the lock is taken off
SET lock_configuration = false
--- refused: a setting is taken back
RESET memory_limit
--- refused: a variable
SET VARIABLE x = 1
--- refused: a copy to the database itself
COPY (SELECT 'owned') TO '{database}' (FORMAT csv, USE_TMP_FILE false)
--- refused: a copy to another file
COPY events TO '{dir}/owned.csv'
--- refused: a copy from a file
COPY events FROM '{secret}'
--- refused: a copy in a common table expression
WITH t AS (COPY events TO '{dir}/owned.csv') FROM t
--- refused: an export
EXPORT DATABASE '{dir}/owned'
--- refused: an import
IMPORT DATABASE '{dir}'
--- refused: another database
ATTACH '{dir}/owned.db' AS owned
--- refused: the same database to write
ATTACH '{database}' AS again (READ_WRITE)
--- refused: the database is taken off
DETACH x
--- refused: another database in use
USE memory
--- refused: an extension is installed
INSTALL httpfs
--- refused: an extension is loaded
LOAD '{secret}'
--- refused: an extension by force
FORCE INSTALL httpfs FROM 'http://example.com'
--- refused: a secret
CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')
--- refused: a row
INSERT INTO events (event_name) VALUES ('owned')
--- refused: rows are changed
UPDATE events SET event_name = 'owned'
--- refused: rows are removed
DELETE FROM events
--- refused: rows are merged
MERGE INTO events USING (SELECT 1) ON true WHEN MATCHED THEN DELETE
--- refused: all rows are removed
TRUNCATE events
--- refused: a table is removed
DROP TABLE events
--- refused: a table is made
CREATE TABLE owned AS SELECT 1
--- refused: a table for the moment
CREATE TEMP TABLE owned AS SELECT 1
--- refused: a view
CREATE OR REPLACE VIEW _metadata AS SELECT 1
--- refused: a macro
CREATE MACRO f(x) AS TABLE FROM read_text(x)
--- refused: a table is changed
ALTER TABLE events RENAME TO owned
--- refused: a comment is left
COMMENT ON TABLE events IS 'owned'
--- refused: the file is tidied
VACUUM
--- refused: statistics
ANALYZE
--- refused: a checkpoint as a statement
FORCE CHECKPOINT
--- refused: a transaction
BEGIN TRANSACTION
--- refused: a call
CALL pragma_version()
--- refused: a statement is prepared
PREPARE p AS DELETE FROM events
--- refused: a prepared statement is run
EXECUTE p
--- refused: a row in a common table expression
WITH t AS (INSERT INTO events (event_name) VALUES ('owned') RETURNING *) SELECT * FROM t
--- refused: a statement explained that writes
EXPLAIN DELETE FROM events
--- refused: a statement explained that writes, and run for it
EXPLAIN ANALYZE DELETE FROM events
--- refused: two statements
SELECT 1; DROP TABLE events
--- refused: two statements, the second after an empty one
SELECT 1;;; DELETE FROM events;
--- refused: two statements, the second after a comment
SELECT 1 /* ; */; DELETE FROM events
--- refused: two statements, the second on a line after a comment
SELECT 1 --
; DELETE FROM events
--- refused: out of the parentheses that are put around it
SELECT 1) AS t(c0); DROP TABLE events; SELECT * FROM (SELECT 1
--- refused: out of the parentheses, with a file
SELECT 1) AS t(c0), read_text('{secret}') AS u, (SELECT 1
--- refused: out of the parentheses, with a comment for what follows
SELECT 1) AS t(c0) UNION ALL FROM read_text('{secret}') --
--- refused: the rest is a comment
SELECT 1 /*
--- refused: a comment within a comment before EXPLAIN
/* /* */ EXPLAIN */ DELETE FROM events
--- refused: a comment within a comment after EXPLAIN
EXPLAIN /* /* */ */ DELETE FROM events
--- bounded: a comment in the midst of a name
SELECT * FROM read/**/_text('{secret}')
--- refused: a comment between name and arguments
SELECT * FROM read_text /* harmless */ ('{secret}')
--- refused: capitals
SELECT * FROM READ_TEXT('{secret}')
--- refused: a name in quotes
SELECT * FROM "read_text"('{secret}')
--- refused: a name with its schema
SELECT * FROM main.read_text('{secret}')
--- refused: a name with its catalog
SELECT * FROM system.main.read_text('{secret}')
--- refused: a file in quotes with dollars
SELECT * FROM read_text($tag${secret}$tag$)
--- refused: a file as letters
SELECT * FROM read_text(chr(47) || 'etc' || chr(47) || 'passwd')
--- refused: a file as a parameter
SELECT * FROM read_text($file)
--- refused: wide letters
SELECT * FROM ｒｅａｄ_ｔｅｘｔ('{secret}')
--- refused: spaces that are none
SELECT * FROM read_text ('{secret}')
--- refused: a quote that is none
SELECT ’; DROP TABLE events; --’
--- refused: nothing
;
--- refused: a comment only
-- SELECT 1
--- refused: a sequence moves
SELECT nextval('s')
--- refused: time is taken
SELECT sleep_ms(100000)
--- refused: the state of an aggregate
SELECT finalize(sum(1) EXPORT_STATE)
--- refused: the state of an aggregate, made up
SELECT combine('x'::BLOB, 'y'::BLOB)
--- bounded: a statement for those who can only describe
DESCRIBE SELECT 1 FROM events
--- bounded: an error with what was read
SELECT error(event_name) FROM events
--- bounded: a long list
SELECT len(range(1000000000))
--- bounded: a longer list
SELECT len(range(100000000000))
--- bounded: a long text
SELECT length(repeat('x', 4000000000))
--- bounded: long texts, one in the other
SELECT length(repeat(repeat(repeat('x', 30000), 30000), 30000))
--- bounded: a text filled up
SELECT length(lpad('x', 100000000, 'y'))
--- bounded: a text with much room
SELECT printf('%2000000000d', 1)
--- bounded: many texts of a text
SELECT len(string_split(repeat('x,', 30000000), ','))
--- bounded: a list of everything
SELECT len(list(x)) FROM range(200000000) AS t(x)
--- bounded: a text of everything
SELECT length(string_agg(x, ',')) FROM range(200000000) AS t(x)
--- bounded: a map of everything
SELECT cardinality(histogram(x)) FROM range(4000000) AS t(x)
--- bounded: different things, all of them at once
SELECT count(DISTINCT hash(x)::VARCHAR || repeat('y', 100)) FROM range(1500000) AS t(x)
--- bounded: a list in a list
SELECT len(list_transform(range(20000), lambda x: range(20000)))
--- bounded: JSON of a million levels
SELECT json_valid(repeat('[', 1000000) || repeat(']', 1000000))
--- bounded: JSON of ten thousand levels, and its structure
SELECT length(json_structure(repeat('[', 10000) || repeat(']', 10000))::VARCHAR)
--- endless: JSON of a hundred thousand levels, taken apart
SELECT count(*) FROM json_tree(repeat('[', 100000) || repeat(']', 100000))
--- bounded: JSON of a hundred thousand levels, merged
SELECT length(json_merge_patch(repeat('{"a":', 100000) || '1' || repeat('}', 100000), repeat('{"a":', 100000) || '2' || repeat('}', 100000))::VARCHAR)
--- bounded: JSON of a hundred thousand levels, made pretty
SELECT length(json_pretty(repeat('[', 100000) || repeat(']', 100000)))
--- bounded: numbers without end
SELECT factorial(100000)
--- bounded: a regular expression that grows
SELECT regexp_matches(repeat('a', 100000), '(a{1,1000}){1,1000}b')
--- endless: all pairs of all pairs
SELECT count(*) FROM range(10000000) AS a(x), range(10000000) AS b(y) WHERE x * y % 7 = 3
--- endless: an expression that calls itself
WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t
--- endless: one call that takes long
SELECT list_sum(list_transform(range(300000), lambda x: list_sum(list_transform(range(300000), lambda y: x * y % 7))))
--- endless: one call that compares long texts
SELECT levenshtein(repeat('ab', 500000), repeat('ba', 500000))
--- endless: rows without end
SELECT * FROM range(1000000000000)
