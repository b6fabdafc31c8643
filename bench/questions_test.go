package bench_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mixduck/storage"
)

// promotedTypes are the 24 properties of the stand-in's events that the benchmark promotes.
const promotedTypes = `$browser,$browser_version:BIGINT,$city,mp_country_code,$os,$screen_height:BIGINT,$screen_width:BIGINT,$device_id,
	plan,is_member:BOOLEAN,mp_lib,$lib_version,$current_url,title,note,$referrer,order_ref:BIGINT,price:DOUBLE,balance:DOUBLE,score:DOUBLE,
	mass:DOUBLE,tags,cart,$mp_api_timestamp_ms:BIGINT`

// analystQuestions are ten questions about events. {Event} is an event, and <property> one of its properties.
var analystQuestions = [][2]string{
	{"buyers by plan", "SELECT <plan>, count(*), count(DISTINCT distinct_id) FROM {Purchase} GROUP BY ALL"},
	{"revenue by day", "SELECT day, sum(<price>) FROM {Purchase} GROUP BY ALL"},
	{"top cities", "SELECT <$city>, count(*) AS n FROM {Page Viewed} GROUP BY ALL ORDER BY n DESC LIMIT 10"},
	{"balance of members by system", "SELECT <$os>, avg(<balance>) FROM {Product Viewed} WHERE <is_member> GROUP BY ALL"},
	{"browsers by hour", "SELECT date_trunc('hour', event_time), <$browser>, count(*) FROM {Page Viewed} GROUP BY ALL"},
	{"screens", "SELECT <$screen_width>, <$screen_height>, count(DISTINCT distinct_id) FROM {Product Viewed} GROUP BY ALL"},
	{"landing pages", "SELECT split_part(<$current_url>, '?', 1), count(*) FROM {Page Viewed} GROUP BY ALL"},
	{"prices by country", "SELECT <mp_country_code>, quantile_cont(<price>, [0.5, 0.95]) FROM {Item Added} GROUP BY ALL"},
	{"big spenders", "SELECT distinct_id, sum(<price>) AS s FROM {Purchase} GROUP BY ALL ORDER BY s DESC LIMIT 100"},
	{"search to purchase by plan", `SELECT s.<plan>, count(DISTINCT s.distinct_id), count(DISTINCT p.distinct_id)
		FROM {Search} AS s LEFT JOIN (SELECT distinct_id, min(event_time) AS t FROM {Purchase} GROUP BY ALL) AS p ON p.distinct_id = s.distinct_id AND p.t > s.event_time GROUP BY ALL`},
}

var (
	eventOf    = regexp.MustCompile(`\{([^}]+)\}`)
	propertyOf = regexp.MustCompile(`(\w+\.)?<([^>]+)>`)
)

// fill writes a question for one of the three tables.
func fill(question string, table func(event string) string, property func(name string) string) string {
	question = propertyOf.ReplaceAllStringFunc(question, func(text string) string {
		part := propertyOf.FindStringSubmatch(text)
		value := property(part[2])
		if strings.Contains(value, "properties") { // of a table
			return strings.Replace(value, "properties", part[1]+"properties", 1)
		}
		return part[1] + value
	})
	return eventOf.ReplaceAllStringFunc(question, func(text string) string { return table(text[1 : len(text)-1]) })
}

// rivals are the same events as JSON, in a wide table, and with typed views.
type rivals struct {
	json, wide, typed string // files
	types             map[string]string
	names             map[string]string // of columns of the typed views, by property
}

// newRivals fills the three files.
func newRivals(b *testing.B, e *export, copies int, promote []storage.Promotion) *rivals {
	b.Helper()
	dir := b.TempDir()
	r := &rivals{filepath.Join(dir, "json.db"), filepath.Join(dir, "wide.db"), filepath.Join(dir, "typed.db"), map[string]string{}, map[string]string{}}
	e.grow(b, r.json, copies)
	e.grow(b, r.typed, copies, promote...)
	if _, err := storage.Model(b.Context(), storage.Config{Path: r.typed}, false, 0); err != nil {
		b.Fatal(err)
	}
	columns := make([]string, len(promote))
	for i, p := range promote {
		r.types[p.Property], columns[i] = string(p.Type), `"`+p.Property+`"`
	}
	wide := openDuckDB(b, r.wide)
	timeSQL(b, wide, "ATTACH '"+r.typed+"' AS typed (READ_ONLY)")
	timeSQL(b, wide, "CREATE TABLE events AS SELECT event_name, event_time, distinct_id, insert_id, day, "+strings.Join(columns, ", ")+" FROM typed.events ORDER BY event_time")
	if err := wide.Close(); err != nil {
		b.Fatal(err)
	}
	rows, err := openDuckDB(b, r.typed).QueryContext(b.Context(), "SELECT property, any_value(column_name) FROM mixduck.model_columns GROUP BY ALL")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var property, column string
		if err := rows.Scan(&property, &column); err != nil {
			b.Fatal(err)
		}
		r.names[property] = column
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return r
}

// ask returns the least seconds of some runs of a question, on each of the three.
func (r *rivals) ask(b *testing.B, question string, rounds int) (json, wide, typed float64) {
	b.Helper()
	of := func(event string) string { return "(FROM events WHERE event_name = '" + event + "')" }
	least := func(path, text string) float64 {
		db := openDuckDB(b, path)
		defer db.Close()
		least := 0.0
		for i := range rounds {
			if took := timeSQL(b, db, "CREATE OR REPLACE TEMP TABLE answer AS "+text); i == 0 || took < least {
				least = took
			}
		}
		return least
	}
	json = least(r.json, fill(question, of, func(name string) string { return "(properties->>'/" + name + "')::" + r.types[name] }))
	wide = least(r.wide, fill(question, of, func(name string) string { return `"` + name + `"` }))
	typed = least(r.typed, fill(question, func(event string) string {
		return "model." + strings.ToLower(strings.ReplaceAll(event, " ", "_"))
	}, func(name string) string { return r.names[name] }))
	return json, wide, typed
}

// BenchmarkQuestions compares ten questions: on the JSON, on a table with a column per property, as loaders such as
// ingestr make it, and on typed views of promoted properties. It also compares loads with and without promoted
// properties.
func BenchmarkQuestions(b *testing.B) {
	const copies = 10
	promote, err := storage.ParsePromotions(strings.Join(strings.Fields(promotedTypes), ""))
	if err != nil {
		b.Fatal(err)
	}
	e := newDays(b, events(b)/copies, 1)
	for b.Loop() {
		e.compareLoads(b, promote)
		r := newRivals(b, e, copies, promote)
		report(fmt.Sprintf("%d events: JSON | wide table | typed view", events(b)), "least of 3")
		var faster, even []float64
		for _, q := range analystQuestions {
			json, wide, typed := r.ask(b, q[1], 3)
			report("  "+q[0], "%.0f ms | %.0f ms | %.0f ms: %.1f ×, %.2f ×", json*1e3, wide*1e3, typed*1e3, json/typed, wide/typed)
			faster, even = append(faster, json/typed), append(even, wide/typed)
		}
		bar(b, median(faster) >= 8, "typed views compared with JSON, median (bar: ≥ 8 ×)", "%.2f ×", median(faster))
		bar(b, median(even) >= 1, "typed views compared with the wide table, median (bar: ≥ 1.0 ×)", "%.2f ×", median(even))
		size := fileSize(b, r.typed) / fileSize(b, r.json)
		bar(b, size <= 1.25, "file with 24 promoted properties (bar: ≤ 1.25 ×)", "%.2f ×", size)
	}
}

// compareLoads compares loading a day with and without promoted properties, in CPU time. The two alternate. It also says
// how much counting properties adds to parsing; storing the counts takes some milliseconds more.
func (e *export) compareLoads(b *testing.B, promote []storage.Promotion) {
	b.Helper()
	const rounds = 3
	dir := b.TempDir()
	load := func(n int, name string, promote ...storage.Promotion) float64 {
		before := ownCPU(b)
		e.load(b, filepath.Join(dir, fmt.Sprint(name, n)), promote...)
		return (ownCPU(b) - before).Seconds()
	}
	var plain, promoted []float64
	for n := range rounds {
		plain = append(plain, load(n, "plain"))
		promoted = append(promoted, load(n, "promoted", promote...))
	}
	counted := median(plain) / (median(plain) - e.counting(b).Seconds()*float64(e.rows))
	bar(b, counted <= 1.03, "load that counts properties (bar: ≤ 1.03 ×)", "%.2f ×", counted)
	ratio := median(promoted) / median(plain)
	bar(b, ratio <= 1.25, "load with 24 promoted properties (bar: ≤ 1.25 ×)", "%.2f ×", ratio)
}

func openDuckDB(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("duckdb", path+"?threads=2&memory_limit=4GB")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// timeSQL runs a statement and returns the seconds it took.
func timeSQL(b *testing.B, db *sql.DB, text string) float64 {
	b.Helper()
	began := time.Now()
	if _, err := db.ExecContext(b.Context(), text); err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	return time.Since(began).Seconds()
}

func fileSize(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}
