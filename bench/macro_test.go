package bench_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"mixduck/storage"
)

// events returns how many events the benchmarks of questions and macros have. BENCH_EVENTS sets it.
func events(b *testing.B) int {
	b.Helper()
	text := cmp.Or(os.Getenv("BENCH_EVENTS"), "10000000")
	n, err := strconv.Atoi(text)
	if err != nil || n < 10_000 {
		b.Fatalf("BENCH_EVENTS=%s is not a number of events from 10000", text)
	}
	return n
}

// byHand returns calls of macros, and the same analysis as people write it for one case.
func byHand() []question {
	const seven = "INTERVAL 7 DAY"
	step := func(n int, event string) string {
		return fmt.Sprintf(`s%d AS (SELECT s.u, s.t, min(e.event_time) AS t%d FROM s%d s JOIN e ON e.distinct_id = s.u AND e.event_name = '%s'
			AND e.event_time >= s.t%d AND e.event_time <= s.t + %s GROUP BY ALL)`, n, n, n-1, event, n-1, seven)
	}
	return []question{
		{"active_users", "FROM active_users('events')", `WITH u AS (SELECT DISTINCT distinct_id AS u, day FROM events),
			g AS (SELECT day, coalesce(lag(day) OVER (PARTITION BY u ORDER BY day), DATE '1900-01-01') AS b FROM u),
			d AS (SELECT day AS x, 1 AS k, count(*) AS n FROM g GROUP BY 1 UNION ALL SELECT greatest(day, b + 7), 2, count(*) FROM g GROUP BY 1
				UNION ALL SELECT day + 7, 2, -count(*) FROM g GROUP BY 1 UNION ALL SELECT greatest(day, b + 30), 3, count(*) FROM g GROUP BY 1
				UNION ALL SELECT day + 30, 3, -count(*) FROM g GROUP BY 1),
			t AS (SELECT x, sum(n) FILTER (k = 1) AS dau, sum(n) FILTER (k = 2) AS w, sum(n) FILTER (k = 3) AS m FROM d GROUP BY x)
			SELECT x, dau, sum(w) OVER (ORDER BY x) AS wau, sum(m) OVER (ORDER BY x) AS mau FROM t`},
		{"funnel", "FROM funnel('events', ['A', 'B', 'C', 'D'])", `WITH e AS (SELECT distinct_id, event_time, event_name FROM events WHERE event_name IN ('A', 'B', 'C', 'D')),
			s1 AS (SELECT distinct_id AS u, min(event_time) AS t, t AS t1 FROM e WHERE event_name = 'A' GROUP BY 1), ` + step(2, "B") + ", " + step(3, "C") + ", " + step(4, "D") +
			" SELECT (SELECT count(*) FROM s1) AS a, (SELECT count(*) FROM s2) AS b, (SELECT count(*) FROM s3) AS c, (SELECT count(*) FROM s4) AS d"},
		{"retention", "FROM retention('events', 'A', back := 'B')", `WITH b AS (SELECT distinct_id AS u, min(event_time) AS t, min(day) AS d FROM events WHERE event_name = 'A' GROUP BY 1),
			r AS (SELECT DISTINCT u, d, date_diff('microsecond', t, event_time) // 86400000000 AS i FROM b JOIN events ON distinct_id = u AND event_name = 'B' AND event_time >= t)
			SELECT d, i, count(*) AS n FROM r WHERE i < 8 GROUP BY ALL`},
		{"sessions", "FROM sessions('events')", `SELECT distinct_id, s, min(event_time) AS a, max(event_time) AS b, count(*) AS n, arg_min(event_name, event_time) AS f, arg_max(event_name, event_time) AS l
			FROM (SELECT *, sum(n) OVER (PARTITION BY distinct_id ORDER BY event_time) AS s FROM (SELECT distinct_id, event_name, event_time,
				CASE WHEN event_time - lag(event_time) OVER (PARTITION BY distinct_id ORDER BY event_time) <= INTERVAL 30 MINUTE THEN 0 ELSE 1 END AS n FROM events)) GROUP BY ALL`},
		{"first_touch", "FROM first_touch('events', properties->>'utm')", `SELECT distinct_id, arg_min(v, event_time) AS v, min(event_time) AS t, arg_min(event_name, event_time) AS n
			FROM (SELECT *, properties->>'utm' AS v FROM events) WHERE v IS NOT NULL GROUP BY 1`},
		{"paths", "FROM paths('events', 'A', within := " + seven + ")", `WITH b AS (SELECT distinct_id AS u, min(event_time) AS t FROM events WHERE event_name = 'A' GROUP BY 1),
			r AS (SELECT u, event_name, row_number() OVER (PARTITION BY u ORDER BY event_time) AS n FROM b JOIN events ON distinct_id = u AND event_time > t AND event_time <= t + ` + seven + `),
			p AS (SELECT u, list(event_name ORDER BY n) AS path FROM r WHERE n <= 3 GROUP BY 1) SELECT path, count(*) AS n FROM p GROUP BY 1`},
	}
}

// BenchmarkMacros compares table macros with queries written by hand, on the same table with 20 events per user. The two
// alternate.
func BenchmarkMacros(b *testing.B) {
	db, err := sql.Open("duckdb", "?threads=2")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(text string) time.Duration {
		began := time.Now()
		if _, err := db.ExecContext(b.Context(), text); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
		return time.Since(began)
	}
	n := events(b)
	run(fmt.Sprintf(`CREATE TABLE events AS SELECT chr(65 + (hash(i) %% 8)::INT) AS event_name, TIMESTAMP '2026-01-01' + to_milliseconds((hash(i * 7) %% 5184000000)::BIGINT) AS event_time,
		'user-' || (hash(i * 3) %% %d) AS distinct_id, ('{"utm":"' || (hash(i) %% 10) || '"}')::JSON AS properties, event_time::DATE AS day FROM range(%d) r(i) ORDER BY event_time`,
		n/20, n))
	for _, m := range storage.Macros() {
		run(m.Temporary())
	}
	for b.Loop() {
		report(fmt.Sprintf("%d events: by hand | macro (bar: ≤ 1.5 ×)", n), "least of 3")
		for _, q := range byHand() {
			macro, hand := time.Hour, time.Hour
			for range 3 {
				hand = min(hand, run("CREATE OR REPLACE TEMP TABLE answer AS "+q.promoted))
				macro = min(macro, run("CREATE OR REPLACE TEMP TABLE answer AS "+q.sql))
			}
			ratio := millis(macro) / millis(hand)
			bar(b, ratio <= 1.5, "  "+q.name, "%.0f ms | %.0f ms, %.2f ×", millis(hand), millis(macro), ratio)
		}
	}
}
