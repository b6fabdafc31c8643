package mixpanel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/mixpanel"
)

func TestPointsOfAReport(t *testing.T) {
	t.Parallel()
	type p = mixpanel.Point
	for _, tt := range []struct {
		name, series string
		want         []p // nil for an error
	}{
		{"by event and day", `{"b":{"2026-11-01":9007199254740993,"2026-11-02":0.5},"a":{"2026-11-01":null}}`, []p{
			{[]string{"b"}, "2026-11-01", "9007199254740993"}, {[]string{"b"}, "2026-11-02", "0.5"}, {[]string{"a"}, "2026-11-01", ""},
		}},
		{"one level", `{"all":1}`, []p{{[]string{}, "all", "1"}}},
		{"of different depth", `{"a":{"$overall":1,"US":{"x":[2,3]}}}`, []p{
			{[]string{"a"}, "$overall", "1"}, {[]string{"a", "US", "x"}, "0", "2"}, {[]string{"a", "US", "x"}, "1", "3"},
		}},
		{"nothing", `{}`, []p{}},
		{"a text", `{"a":"b"}`, nil},
		{"a number alone", `1`, nil},
		{"half", `{"a":{"b":1}`, nil},
		{"deeply nested", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := mixpanel.SavedReport{Series: []byte(tt.series)}
			got, err := r.Points()
			if tt.want == nil {
				if err == nil {
					t.Errorf("Points() = %v, want an error", got)
				}
				return
			}
			if diff := cmp.Diff(tt.want, append([]p{}, got...)); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
