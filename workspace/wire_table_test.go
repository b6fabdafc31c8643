package workspace_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/proctest"
	"mixduck/workspace"
)

// damage returns the body as a response that must fail, sent in any way, and what is wrong with it.
func (b *sentBody) damage(tb testing.TB, random *rand.Rand) (a wired, what string) {
	tb.Helper()
	a.framing = []string{byLength, byChunks, byClosing, byStream}[random.IntN(4)]
	packing := []string{unpacked, oneMember, members}[random.IntN(3)]
	a.gzip = packing != unpacked
	text := b.text
	if kind := random.IntN(3); kind == 0 || !a.gzip && kind == 1 {
		tail := []string{"terminated early", "\nno healthy upstream\n", "\n{\n \"x\": 1\n}", "<html>", "\n[]", "\n\x00"}[random.IntN(6)]
		cut := 1 + random.IntN(len(text))
		text = text[:cut] + tail
		what = fmt.Sprintf("%q after %d bytes", tail, cut)
	}
	parts, _ := b.pack(tb, packing, text)
	a.body = bytes.Join(parts, nil)
	switch {
	case what != "":
	case a.gzip && random.IntN(2) == 0:
		at := len(a.body) - 1 - random.IntN(8) // the checksum and the length of a member
		a.body[at] ^= 0x10
		what = fmt.Sprintf("a wrong bit in byte %d of %d", at, len(a.body))
	default:
		a.cut = 1 + random.IntN(len(parts[0])-1) // within the first member, for a server that announces no end
		what = fmt.Sprintf("cut after %d bytes", a.cut)
	}
	return a, fmt.Sprintf("%s, %s, %s, %s", b.name, a.framing, packing, what)
}

// A damaged response fails the fetch and changes no row, whether there are rows or not; a complete one stores them,
// however it is sent.
func TestDamagedAnswersChangeNoRow(t *testing.T) {
	t.Parallel()
	tries := 12
	if proctest.Soak() {
		tries = 300
	}
	server := newWireServer(t)
	for n, body := range wireBodies() {
		t.Run(body.name, func(t *testing.T) {
			t.Parallel()
			ws, source, path := server.workspace(t)
			random := rand.New(rand.NewPCG(13, uint64(n)))
			fetch := func(a wired) error {
				source.now = a
				_, err := ws.FetchEvents(t.Context(), workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-01", "2026-11-01")}, func(workspace.Progress) {})
				return err
			}
			var want []row
			for i := range tries {
				a, what := body.damage(t, random)
				if err := fetch(a); err == nil {
					t.Fatalf("%s: no error", what)
				}
				if i == 0 {
					if _, err := os.Stat(path); err == nil && len(stored(t, path)) > 0 {
						t.Fatalf("%s: rows are stored", what)
					}
					parts, _ := body.pack(t, members, body.text)
					if err := fetch(wired{framing: byStream, gzip: true, body: bytes.Join(parts, nil)}); err != nil {
						t.Fatal(err)
					}
					want = stored(t, path)
					ids := make([]string, len(want))
					for i, r := range want {
						ids[i] = r.InsertID
					}
					if slices.Sort(ids); strings.Join(ids, " ") != "i0 i1 i2 i3" {
						t.Fatalf("events %s are stored, want all", ids)
					}
				}
				if diff := cmp.Diff(want, stored(t, path)); diff != "" {
					t.Fatalf("%s: rows (-before +after):\n%s", what, diff)
				}
			}
		})
	}
}

// stored reads the table events of a file.
func stored(tb testing.TB, path string) []row {
	tb.Helper()
	f := fixture{path: path}
	db := f.open(tb)
	defer db.Close()
	return rows(tb, db, "events")
}
