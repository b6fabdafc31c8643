package mixduck_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fineInComments are turns that only pages for users avoid.
var fineInComments = []string{"nobody", "that of the", "as it is", "as they are", "the one that"}

// Comments avoid the turns of phrase that `make prose` rejects in pages.
func TestCommentsArePlainEnglish(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(".vale/Mixduck/Turns.yml")
	if err != nil {
		t.Fatal(err)
	}
	var turns []string
	for _, m := range regexp.MustCompile(`(?m)^  - (.+)$`).FindAllStringSubmatch(string(rules), -1) {
		if !slices.Contains(fineInComments, m[1]) {
			turns = append(turns, m[1])
		}
	}
	if len(turns) < 25 {
		t.Fatalf("the rules have the turns %q", turns)
	}
	rejected := regexp.MustCompile(`(?i)\b(` + strings.Join(turns, "|") + `)\b`)
	comments := 0
	for _, f := range parsed(t) {
		for _, c := range f.Comments {
			comments++
			if turn := rejected.FindString(strings.Join(strings.Fields(c.Text()), " ")); turn != "" {
				t.Errorf("%s: rewrite %q in plain English", files.Position(c.Pos()), turn)
			}
		}
	}
	if comments < 5000 {
		t.Fatalf("%d comments", comments)
	}
}
