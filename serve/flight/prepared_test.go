package flight

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// row returns a batch of one row, or more, from JSON.
func row(t *testing.T, json string, fields ...arrow.Field) arrow.RecordBatch {
	t.Helper()
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestParametersKeepTheirTypes(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db")
	st, err := f.Prepare(t.Context(), "SELECT CAST($1 AS VARCHAR) AS v, typeof($1) AS t")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind              arrow.DataType
		json, value, name string
	}{
		{arrow.PrimitiveTypes.Int8, "-128", "-128", "TINYINT"},
		{arrow.PrimitiveTypes.Int64, "9223372036854775807", "9223372036854775807", "BIGINT"},
		{arrow.PrimitiveTypes.Uint64, "18446744073709551615", "18446744073709551615", "UBIGINT"},
		{arrow.PrimitiveTypes.Uint32, "4294967295", "4294967295", "BIGINT"},
		{arrow.PrimitiveTypes.Float64, "0.1", "0.1", "DOUBLE"},
		{arrow.FixedWidthTypes.Boolean, "true", "true", "BOOLEAN"},
		{arrow.BinaryTypes.String, `"it's ü"`, "it's ü", "VARCHAR"},
		{arrow.BinaryTypes.Binary, `"AP8="`, `\\x00\\xFF`, "BLOB"},
		{&arrow.Decimal128Type{Precision: 38, Scale: 2}, `"-999999999999999999999999999999999999.99"`, "-999999999999999999999999999999999999.99", "DECIMAL(38,2)"},
		{arrow.FixedWidthTypes.Date32, `"1969-12-31"`, "1969-12-31", "DATE"},
		{&arrow.TimestampType{Unit: arrow.Microsecond}, `"2026-01-02 03:04:05.000006"`, "2026-01-02 03:04:05.000006", "TIMESTAMP"},
		{&arrow.TimestampType{Unit: arrow.Second}, `"2026-01-02 03:04:05"`, "2026-01-02 03:04:05", "TIMESTAMP"},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `"2026-01-02 03:04:05.000000007"`, "2026-01-02 03:04:05.000000007", "TIMESTAMP_NS"},
		{&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, `"2026-01-02T03:04:05Z"`, "2026-01-02 03:04:05+00", "TIMESTAMP WITH TIME ZONE"},
		{&arrow.Time64Type{Unit: arrow.Microsecond}, `"01:02:03"`, "01:02:03", "TIME"},
		{arrow.PrimitiveTypes.Int32, "null", "", `"NULL"`},
	} {
		st.SetParameters(row(t, `[{"p":`+tt.json+`}]`, arrow.Field{Name: "p", Type: tt.kind, Nullable: true}))
		info, err := st.Execute(t.Context())
		if err != nil {
			t.Errorf("%s: %v", tt.kind, err)
			continue
		}
		r, err := f.DoGet(t.Context(), info.Endpoint[0].Ticket)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next() {
			t.Fatalf("%s: no row: %v", tt.kind, r.Err())
		}
		value, name := r.RecordBatch().Column(0), r.RecordBatch().Column(1).ValueStr(0)
		if value.IsNull(0) != (tt.json == "null") || value.IsValid(0) && value.ValueStr(0) != strings.ReplaceAll(tt.value, `\\`, `\`) || name != tt.name {
			t.Errorf("%s: got %s of type %s, want %s of type %s", tt.kind, value.ValueStr(0), name, tt.value, tt.name)
		}
		r.Release()
	}
	for name, batch := range map[string]arrow.RecordBatch{
		"two rows":      row(t, `[{"p":1},{"p":2}]`, arrow.Field{Name: "p", Type: arrow.PrimitiveTypes.Int32}),
		"two values":    row(t, `[{"p":1,"q":2}]`, arrow.Field{Name: "p", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "q", Type: arrow.PrimitiveTypes.Int32}),
		"an odd type":   row(t, `[{"p":null}]`, arrow.Field{Name: "p", Type: arrow.PrimitiveTypes.Int32}),
		"76 digits":     row(t, `[{"p":"1"}]`, arrow.Field{Name: "p", Type: &arrow.Decimal256Type{Precision: 76}}),
		"a time of day": row(t, `[{"p":"01:02:03.000000001"}]`, arrow.Field{Name: "p", Type: &arrow.Time64Type{Unit: arrow.Nanosecond}}),
	} {
		st.SetParameters(batch)
		if _, err := st.Execute(t.Context()); status.Code(err) != codes.InvalidArgument && name != "an odd type" {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Execute(t.Context()); err == nil {
		t.Error("a closed statement runs")
	}
}

func TestParametersByNameAndNested(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, []string{"CREATE TABLE t AS SELECT 7 AS n"}, "main/a.db")
	st, err := f.Prepare(t.Context(), "SELECT n - $less AS a, list_sum($l::INTEGER[]) AS b FROM t WHERE n > $less")
	if err != nil {
		t.Fatal(err)
	}
	if got := st.ParameterSchema().String(); !strings.Contains(got, "less") || st.DatasetSchema().NumFields() != 2 {
		t.Errorf("parameters = %s, columns = %s", got, st.DatasetSchema())
	}
	st.SetParameters(row(t, `[{"l":[1,2],"less":2}]`, arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)}, arrow.Field{Name: "less", Type: arrow.PrimitiveTypes.Int32}))
	info, err := st.Execute(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.fetch(t.Context(), info.Endpoint[0].Ticket); err != nil || !strings.Contains(got, `"a":5`) || !strings.Contains(got, `"b":`) {
		t.Errorf("rows = %s, %v", got, err)
	}
}

// What a statement looks like is remembered only as long as the database is the same.
func TestDescriptionsFollowTheDatabase(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, []string{"CREATE TABLE t AS SELECT 1 AS a"}, "main/a.db")
	columns := func() []string {
		st, err := f.Prepare(t.Context(), "FROM t")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, field := range st.DatasetSchema().Fields() {
			names = append(names, field.Name)
		}
		return names
	}
	first, again, queries := columns(), columns(), f.ended.count("done")
	makeDatabase(t, f.dir+"/a.db", []string{"ALTER TABLE t ADD COLUMN b INTEGER"})
	if then := columns(); !slices.Equal(first, again) || queries != 1 || !slices.Equal(then, []string{"a", "b"}) {
		t.Errorf("columns = %v, %v after %d queries, then %v", first, again, queries, then)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, []string{
		`CREATE TABLE "odd_name" ("x y" DECIMAL(10,2) NOT NULL, l VARCHAR[], e ENUM('a', 'b'), h HUGEINT)`,
		"COMMENT ON COLUMN odd_name.l IS 'what it says'", "CREATE SCHEMA s", "CREATE TABLE s.other (a INTEGER)",
		"CREATE VIEW v AS SELECT l FROM odd_name", "CREATE TABLE gone (z INTEGER)", "CREATE VIEW broken AS SELECT z FROM gone", "DROP TABLE gone",
	}, "main/a.db", "main/b.db")
	catalog, all, escaped := "a", "%", `odd\_n_me`
	for _, tt := range []struct {
		name string
		opts *flightsql.GetTablesOpts
		want int
	}{
		{"of one catalog and schema", &flightsql.GetTablesOpts{Catalog: &catalog, DbSchemaFilterPattern: new("main")}, 4},
		{"of all catalogs", &flightsql.GetTablesOpts{DbSchemaFilterPattern: new("main")}, 8},
		{"views", &flightsql.GetTablesOpts{Catalog: &catalog, DbSchemaFilterPattern: new("main"), TableNameFilterPattern: &all, TableTypes: []string{"VIEW"}}, 3},
		{"by a pattern", &flightsql.GetTablesOpts{Catalog: &catalog, TableNameFilterPattern: &escaped, IncludeSchema: true}, 1},
		{"by one that fits nothing", &flightsql.GetTablesOpts{TableNameFilterPattern: new("oddXname.*")}, 0},
	} {
		info, err := f.GetTables(t.Context(), tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.DoGet(t.Context(), info.Endpoint[0].Ticket)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for r.Next() {
			rows += int(r.RecordBatch().NumRows())
			if tt.opts.IncludeSchema {
				checkSchema(t, r.RecordBatch().Column(4))
			}
		}
		if rows != tt.want || r.Err() != nil {
			t.Errorf("%s: %d tables, %v, want %d", tt.name, rows, r.Err(), tt.want)
		}
		r.Release()
	}
}

func checkSchema(t *testing.T, column arrow.Array) {
	t.Helper()
	streams, ok := column.(*array.Binary)
	if !ok {
		t.Fatalf("the column is %s", column.DataType())
	}
	r, err := ipc.NewReader(strings.NewReader(streams.ValueString(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	fields := r.Schema().Fields()
	if len(fields) != 4 || fields[0].Name != "x y" || fields[0].Nullable || fields[0].Type.String() != "decimal(10, 2)" || fields[3].Type.String() != "decimal(38, 0)" {
		t.Errorf("columns = %s", r.Schema())
	}
	meta := flightsql.ColumnMetadata{Data: &fields[1].Metadata}
	name, _ := meta.TypeName()
	if remarks, _ := meta.Remarks(); name != "VARCHAR[]" || remarks != "what it says" {
		t.Errorf("metadata = %s", fields[1].Metadata)
	}
}

func TestOtherLists(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db", "eu/a.db")
	for name, ask := range map[string]func() (*flight.FlightInfo, error){
		`"catalog_name":"main/a.db"`: func() (*flight.FlightInfo, error) { return f.GetCatalogs(t.Context()) },
		`"db_schema_name":"mixduck"`: func() (*flight.FlightInfo, error) { return f.GetDBSchemas(t.Context(), &flightsql.GetDBSchemasOpts{}) },
		`"table_type":"VIEW"`:        func() (*flight.FlightInfo, error) { return f.GetTableTypes(t.Context()) },
		`"info_name":3`:              func() (*flight.FlightInfo, error) { return f.GetSqlInfo(t.Context(), nil) },
		"": func() (*flight.FlightInfo, error) {
			return f.GetPrimaryKeys(t.Context(), flightsql.TableRef{Table: "x"})
		},
	} {
		info, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.fetch(t.Context(), info.Endpoint[0].Ticket); err != nil || !strings.Contains(got, name) {
			t.Errorf("list = %s, %v, want %s", got, err, name)
		}
	}
}
