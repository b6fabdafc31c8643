package bench_test

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// question is a common query; it can be written differently with promoted columns.
type question struct{ name, sql, promoted string }

// promotedProperties are the properties used by the questions.
const promotedProperties = "plan,$city,price:DOUBLE"

func questions() []question {
	const plan, city, price = "properties->>'plan'", "json_extract_string(properties, '/$city')", "(properties->>'price')::DOUBLE"
	column := strings.NewReplacer(plan, "plan", city, `"$city"`, price, "price").Replace
	all := []question{
		{name: "events a day", sql: "SELECT day, count(*) FROM events GROUP BY day ORDER BY day"},
		{name: "top events", sql: "SELECT event_name, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC LIMIT 10"},
		{name: "users a day", sql: "SELECT day, count(DISTINCT distinct_id) FROM events GROUP BY day"},
		{name: "one user's events", sql: "SELECT event_time, event_name FROM events WHERE distinct_id = (SELECT min(distinct_id) FROM events) ORDER BY 1"},
		{name: "a funnel of three steps", sql: `WITH s AS (SELECT distinct_id, min(event_time) FILTER (event_name = 'Product Viewed') AS a,
			min(event_time) FILTER (event_name = 'Item Added') AS b, min(event_time) FILTER (event_name = 'Purchase') AS c FROM events GROUP BY 1)
			SELECT count(a), count(b) FILTER (b > a), count(c) FILTER (c > b AND b > a) FROM s`},
		{name: "events an hour", sql: "SELECT date_trunc('hour', event_time), count(*) FROM events GROUP BY 1 ORDER BY 1"},
		{name: "filter by a property", sql: "SELECT count(*) FROM events WHERE " + plan + " = 'pro'"},
		{name: "group by two properties", sql: "SELECT " + plan + ", " + city + ", count(*) FROM events GROUP BY ALL"},
		{name: "sum of a property", sql: "SELECT event_name, sum(" + price + ") FROM events GROUP BY 1"},
		{name: "sum of a nested value", sql: "SELECT sum((properties->>'$.cart.items[0].qty')::INT) FROM events WHERE event_name = 'Item Added'"},
	}
	for i := range all {
		if other := column(all[i].sql); other != all[i].sql {
			all[i].promoted = other
		}
	}
	return all
}

// BenchmarkQuery compares ten questions about 1M events: through the queue, with mp, and with DuckDB alone, which
// opens the same file in this process for each. The three alternate.
func BenchmarkQuery(b *testing.B) {
	const events, rounds = 1_000_000, 5
	e := newExport(b, events)
	data := filepath.Join(b.TempDir(), "data")
	env := append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID="+exported,
		"MIXDUCK_MIXPANEL_BASE_URL="+e.url, "MIXDUCK_DATA_DIR="+data)
	startWorker(b, env)
	run(b, env, "enqueue", "fetch", "events", "--from", first, "--to", first, "--wait", "--quiet", "--promote", promotedProperties)
	path := filepath.Join(data, exported+".db")
	for b.Loop() {
		report("1M events: DuckDB alone | mp (bar: ≤ 1.3 × + 80 ms) | queue (≤ 1.3 × + 150 ms)", "p50")
		for _, q := range questions() {
			var duck, mp, queue, column []float64
			for range rounds {
				duck = append(duck, millis(duckDB(b, path, q.sql)))
				mp = append(mp, millis(run(b, env, "mp", "query", q.sql, "--format", "csv")))
				queue = append(queue, millis(run(b, env, "enqueue", "query", q.sql, "--format", "csv")))
				if q.promoted != "" {
					column = append(column, millis(run(b, env, "mp", "query", q.promoted, "--format", "csv")))
				}
			}
			d := median(duck)
			promoted := ""
			if column != nil {
				promoted = fmt.Sprintf(" | mp on promoted columns %.0f ms", median(column))
			}
			report("  "+q.name, "%.0f ms | %s | %s%s", d,
				within(median(mp), d, 80), within(median(queue), d, 150), promoted)
		}
	}
}

// within compares a time in ms with that of DuckDB alone, and with the limit: 1.3 times that plus above.
func within(ms, alone, above float64) string {
	said := fmt.Sprintf("%.0f ms, %.1f ×", ms, ms/alone)
	if bar := 1.3*alone + above; ms > bar {
		return fmt.Sprintf("%s (TOO LONG: bar %.0f ms)", said, bar)
	}
	return said
}

// run runs a Mixduck command to its end and returns how long it took.
func run(b *testing.B, env []string, name string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.Command(program(name), args...)
	cmd.Env = env
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return time.Since(began)
}

// duckDB opens the file, reads all rows of a query, and closes it.
func duckDB(b *testing.B, path, query string) time.Duration {
	b.Helper()
	began := time.Now()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		b.Fatal(err)
	}
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

var loadTook = regexp.MustCompile(`msg="window loaded".* took=(\S+)`)

// BenchmarkQueryDuringFetch runs short queries continuously, two at a time, while 30 days are fetched. A query waits
// for the load in progress, so the longest load is its maximum delay.
func BenchmarkQueryDuringFetch(b *testing.B) {
	const eventsPerDay, days = 100_000, 30
	url := serve(b, eventsPerDay, days)
	env := append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID="+exported, "MIXDUCK_LOG_LEVEL=debug",
		"MIXDUCK_MIXPANEL_BASE_URL="+url, "MIXDUCK_DATA_DIR="+filepath.Join(b.TempDir(), "data"))
	w := startWorker(b, env)
	run(b, env, "enqueue", "fetch", "events", "--from", first, "--to", first, "--wait", "--quiet")
	for b.Loop() {
		idle := median([]float64{ask(b, env), ask(b, env), ask(b, env), ask(b, env), ask(b, env)})
		fetched := make(chan struct{})
		go func() {
			defer close(fetched)
			run(b, env, "enqueue", "fetch", "events", "--from", first, "--to", (firstDay(b) + days - 1).String(), "--wait", "--quiet")
		}()
		var mu sync.Mutex
		var all []float64
		var hands sync.WaitGroup
		for range 2 {
			hands.Go(func() {
				for {
					select {
					case <-fetched:
						return
					default:
					}
					took := ask(b, env)
					mu.Lock()
					all = append(all, took)
					mu.Unlock()
				}
			})
		}
		hands.Wait()
		w.Terminate(b)
		longest := w.longestLoad()
		report("a short query on an idle worker, p50", "%.0f ms", idle)
		report(fmt.Sprintf("the same during a fetch of %d days, %d asked, 0 refused: p50, p99", days, len(all)),
			"%.0f ms, %.0f ms", median(all), percentile(all, 99))
		report("p99 beyond the idle time (bar: ≤ the longest single load)", "%.0f ms; the longest load took %.0f ms",
			percentile(all, 99)-idle, millis(longest))
	}
}

// ask runs a short query through the queue and returns how long it took, in ms.
func ask(b *testing.B, env []string) float64 {
	b.Helper()
	return millis(run(b, env, "enqueue", "query", "SELECT count(*) FROM events", "--format", "csv"))
}

// longestLoad reads the duration of the longest load from the log of a worker that has ended.
func (w *worker) longestLoad() (longest time.Duration) {
	for line := range strings.Lines(w.Said()) {
		if found := loadTook.FindStringSubmatch(line); found != nil {
			if d, err := time.ParseDuration(found[1]); err == nil {
				longest = max(longest, d)
			}
		}
	}
	return longest
}
