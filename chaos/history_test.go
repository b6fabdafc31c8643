package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/proctest"
)

// history is what Redis has recorded about lanes and jobs in its append-only file, which contains every write.
type history struct {
	ends  map[string][]string // final states by job
	turns map[string][]turn   // by lane, in order
}

// turn is a job's right to write to its database.
type turn struct {
	job   string
	fence int64
}

// Names of keys, which package jobs does not export.
const (
	recordKeys = "mixduck:{jobs}:rec:"   // followed by the ID
	stateKeys  = "mixduck:{jobs}:state:" // followed by the state
	laneKeys   = "mixduck:{lane:"        // followed by the lane
	holderKeys = "}:holder"              // at the end
)

// readHistory reads the log of a Redis.
func readHistory(tb testing.TB, r *proctest.Redis) *history {
	tb.Helper()
	h := &history{ends: map[string][]string{}, turns: map[string][]turn{}}
	names, err := filepath.Glob(filepath.Join(r.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(names) != 1 {
		tb.Fatalf("the log of Redis is in %q, want one file (%v)", names, err)
	}
	f, err := os.Open(names[0])
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewReader(f); ; {
		command, err := readCommand(in)
		if errors.Is(err, io.EOF) {
			return h
		}
		if err != nil {
			tb.Fatalf("the log of Redis: %v", err)
		}
		h.add(command)
	}
}

// begun returns the number of turns.
func (h *history) begun() (n int) {
	for _, turns := range h.turns {
		n += len(turns)
	}
	return n
}

// readCommand reads a command in the form sent by clients: *2, $3, GET, $1, x.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readNumber(in, '*')
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := readNumber(in, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		command[i] = string(text[:size])
	}
	return command, nil
}

func readNumber(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("%q does not begin with %q", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// add adds a write.
func (h *history) add(command []string) {
	if len(command) < 4 {
		return
	}
	key := command[1]
	switch strings.ToUpper(command[0]) {
	case "ZADD":
		if state, ok := strings.CutPrefix(key, stateKeys); ok && (state == "done" || state == "failed" || state == "cancelled") {
			job := command[3]
			h.ends[job] = append(h.ends[job], state)
		}
	case "HSET":
		lane, ok := strings.CutPrefix(key, laneKeys)
		if lane, isHolder := strings.CutSuffix(lane, holderKeys); ok && isHolder && command[2] == "job" {
			fence, _ := strconv.ParseInt(command[5], 10, 64) // job, its ID, fence, its number
			h.turns[lane] = append(h.turns[lane], turn{command[3], fence})
		}
	}
}
