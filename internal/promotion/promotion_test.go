package promotion_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/internal/fault"
	"mixduck/internal/promotion"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []promotion.Promotion
	}{
		{"nothing", " ", nil},
		{"the usual", "plan,$city:VARCHAR,amount:DOUBLE", []promotion.Promotion{{"plan", "VARCHAR"}, {"$city", "VARCHAR"}, {"amount", "DOUBLE"}}},
		{"every type in any case", "a:varchar,b:BigInt,c:double,d:boolean,e:timestamp,f:date", []promotion.Promotion{
			{"a", "VARCHAR"}, {"b", "BIGINT"}, {"c", "DOUBLE"}, {"d", "BOOLEAN"}, {"e", "TIMESTAMP"}, {"f", "DATE"},
		}},
		{"space around names and types", " a b : date ,\tc\n", []promotion.Promotion{{"a b", "DATE"}, {"c", "VARCHAR"}}},
		{"the last colon is the one before the type", "utm:source:DATE,date", []promotion.Promotion{{"utm:source", "DATE"}, {"date", "VARCHAR"}}},
		{"quoted names", `"a,b":DOUBLE,"utm:date", "say ""hi""" : date,""" x """`, []promotion.Promotion{
			{"a,b", "DOUBLE"}, {"utm:date", "VARCHAR"}, {`say "hi"`, "DATE"}, {`" x "`, "VARCHAR"},
		}},
		{"quotes inside of names", `5" screen:BOOLEAN,it's`, []promotion.Promotion{{`5" screen`, "BOOLEAN"}, {"it's", "VARCHAR"}}},
		{"names from everywhere", "größe,GRÖßE,日本,a.b,[0],/~", []promotion.Promotion{
			{"größe", "VARCHAR"}, {"GRÖßE", "VARCHAR"}, {"日本", "VARCHAR"}, {"a.b", "VARCHAR"}, {"[0]", "VARCHAR"}, {"/~", "VARCHAR"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := promotion.Parse(tt.text)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("Parse(%q): %v (-want +got):\n%s", tt.text, err, diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	many := make([]string, promotion.Max+1)
	for i := range many {
		many[i] = "p" + strconv.Itoa(i)
	}
	for _, tt := range []struct {
		name, text string
		want       []string // in the error
	}{
		{"a comma too many", "a,,b", []string{"a property has no name"}},
		{"no such type", "a:FLOAT", []string{`a: unknown type "FLOAT"`}},
		{"a colon that is part of the name", "utm:source", []string{`utm: unknown type "SOURCE"`}},
		{"twice", "a,b,a:DATE", []string{"a is listed twice"}},
		{"twice but for the case of ASCII letters", "größe,Größe", []string{"größe and Größe would be the same column"}},
		{"a column of ours", "Day", []string{"Day: the column name day is reserved"}},
		{"a column of DuckDB's", "ROWID", []string{"ROWID: the column name rowid is reserved"}},
		{"a quote that is not closed", `"a,b`, []string{`"a,b: the closing quote is missing`}},
		{"a type without a colon", `"a" DATE`, []string{`"a": a colon or comma is missing`}},
		{"control characters", "a\x00b", []string{`"a\x00b" is not a valid column name`}},
		{"no UTF-8", "a\xff", []string{`"a\xff" is not a valid column name`}},
		{"too many", strings.Join(many, ","), []string{"too many promoted properties: 65; the maximum is 64"}},
		{"all at once", "a:FLOAT,event_name,x,X,,properties:DUBLE", []string{
			`"FLOAT"`, "event_name", "x and X", "has no name", "properties:", `"DUBLE"`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := promotion.Parse(tt.text)
			if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
				t.Fatalf("Parse(%q) = %v, %v, want a usage error with a hint", tt.text, got, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Parse(%q) = %v, want %q in it", tt.text, err, part)
				}
			}
		})
	}
}

// Parse accepts the output of String for any names.
func TestStringsAreParsed(t *testing.T) {
	t.Parallel()
	types := []promotion.Type{"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}
	name := rapid.StringOfN(rapid.RuneFrom([]rune(` ,:"'$./~aA1é日`+"\u00a0\u3000")), 1, 8, -1)
	one := rapid.Custom(func(t *rapid.T) promotion.Promotion {
		return promotion.Promotion{Property: name.Draw(t, "name"), Type: rapid.SampledFrom(types).Draw(t, "type")}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(one, 1, 4, func(p promotion.Promotion) string { return promotion.Column(p.Property) }).Draw(t, "promotions")
		texts := make([]string, len(want))
		for i, p := range want {
			texts[i] = p.String()
		}
		text := strings.Join(texts, ",")
		got, err := promotion.Parse(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Parse(%q): %v (-want +got):\n%s", text, err, diff)
		}
	})
}
