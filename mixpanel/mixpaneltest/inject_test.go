package mixpaneltest_test

import (
	"testing"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestInjectRefuses(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]mixpaneltest.Fault{
		"no kind":                       {},
		"unknown kind":                  {Kind: "bad-luck"},
		"empty range":                   {Kind: mixpaneltest.Status500, Days: day.Range{From: march3, To: march1}},
		"negative number":               {Kind: mixpaneltest.Status500, Times: -1},
		"data for some requests only":   {Kind: mixpaneltest.Rekeyed, Times: 1},
		"every n-th row of an answer":   {Kind: mixpaneltest.Status500, Every: 2},
		"late rows in every other form": {Kind: mixpaneltest.LateRows, MinDays: 2},
	} {
		if _, err := start(t, project(1)).Inject(f); err == nil {
			t.Errorf("%s: Inject accepts it", name)
		}
	}
}
