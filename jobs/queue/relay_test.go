package queue_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// sending starts a worker that sends the results in f. Its queries end at once.
func sending(t jobstest.Rig, id string, f *files) *jobstest.Worker {
	t.Helper()
	handlers := map[jobs.Kind]jobs.Handler{jobs.KindQuery: jobstest.HandlerFunc(func(context.Context, *jobs.Attempt) error { return nil })}
	return jobstest.RunWorker(t, t.Q, handlers, worker.Config{
		ID: id, Volumes: []jobs.Volume{{Name: "main"}}, DrainTimeout: time.Millisecond, OpenResult: f.open,
	})
}

// noise returns bytes that change under any compression or shift.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func TestResultsInFilesAreSent(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		f := &files{}
		sending(t, "w1", f)
		for _, size := range []int{1, queue.RelayChunk - 1, queue.RelayChunk, queue.RelayChunk + 1, queue.RelayWindow * queue.RelayChunk, 3*queue.RelayWindow*queue.RelayChunk + 7} {
			name, content := strconv.Itoa(size), noise(size)
			f.set(name, content)
			if got, err := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found(name, content)); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came, %v; want the %d of the file", len(got), err, size)
			}
		}
		jobstest.Eventually(t, "nothing is left in Redis", func() bool { return len(chunks(t)) == 0 })
		if n := t.Rdb.Exists(t.Context(), "mixduck:streams").Val(); n != 0 {
			t.Error("streams are left in Redis")
		}
	})
}

// chunks returns the keys of all chunks in Redis.
func chunks(t jobstest.Rig) []string {
	t.Helper()
	keys, err := t.Rdb.Keys(t.Context(), "mixduck:{stream:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Every problem with a file is an error, before the first byte if possible.
func TestFilesThatAreNotTheResult(t *testing.T) {
	t.Parallel()
	want := noise(2*queue.RelayWindow*queue.RelayChunk + 1000)
	changed := bytes.Clone(want)
	changed[len(changed)-5] ^= 1
	tests := []struct {
		name    string
		content []byte // nil for none
		says    string
		code    fault.Code
		late    bool // after some bytes
	}{
		{"a file that is gone", nil, "is gone", fault.CodeNotFound, false},
		{"a file that was cut", want[:len(want)-1], "bytes", fault.CodeFailed, false},
		{"a file that was cut to nothing", []byte{}, "has 0 bytes", fault.CodeFailed, false},
		{"a file that has grown", append(bytes.Clone(want), 'x'), "bytes", fault.CodeFailed, false},
		{"a file with another byte", changed, "checksum", fault.CodeFailed, true},
	}
	jobstest.OnEach(t, func(t jobstest.Rig) {
		f := &files{}
		sending(t, "w1", f)
		for _, tt := range tests {
			if tt.content != nil {
				f.set(tt.name, tt.content)
			}
			got, err := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found(tt.name, want))
			if err == nil || !strings.Contains(err.Error(), tt.says) || fault.CodeOf(err) != tt.code {
				t.Errorf("%s: %d bytes and %v, want an error with %q", tt.name, len(got), err, tt.says)
			}
			if len(got) > 0 != tt.late {
				t.Errorf("%s: %d bytes before the error", tt.name, len(got))
			}
		}
	})
}

// A stopped Redis, or a hanging network, only costs time: clients repeat what they have already sent.
func TestResultsSurviveARedisThatStops(t *testing.T) {
	t.Parallel()
	// On each Redis. More readers transfer more than the machine can within the read timeout, and time out without a stop.
	readers, reads := 3, 12
	if proctest.Soak() {
		readers, reads = 16, 200
	}
	content := noise(queue.RelayWindow*queue.RelayChunk + 1)
	f := &files{}
	f.set("rows", content)
	jobstest.OnEach(t, func(t jobstest.Rig) {
		t, proxy := t.Proxied(nil)
		t.Q.LimitRelays(32, 100*time.Millisecond, time.Hour, time.Hour) // a chunk takes as long as the machine needs
		sending(t, "w1", f)
		ctx, stop := context.WithCancel(t.Context())
		var stopping, reading sync.WaitGroup
		stops := 0
		stopping.Go(func() {
			for tick := time.NewTimer(0); ctx.Err() == nil; tick.Reset(rand.N(3 * redistest.ReadTimeout)) {
				<-tick.C
				proxy.Stop()
				stops++
				tick.Reset(redistest.ReadTimeout + rand.N(redistest.ReadTimeout/2))
				<-tick.C
				proxy.Continue()
			}
		})
		var left atomic.Int64
		left.Store(int64(reads))
		for range readers {
			reading.Go(func() {
				for left.Add(-1) >= 0 {
					if got, err := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found("rows", content)); err != nil || !bytes.Equal(got, content) {
						t.Errorf("%d bytes came, %v; want %d", len(got), err, len(content))
					}
				}
			})
		}
		reading.Wait()
		stop()
		stopping.Wait()
		t.Logf("%d reads and %d stops", reads, stops)
	})
}

// Each command of a relay can be interrupted, repeated, or lose its reply.
func TestEachCommandOfARelayMayFail(t *testing.T) {
	t.Parallel()
	small, windows := noise(1), noise(queue.RelayWindow*queue.RelayChunk+1)
	f := &files{}
	f.set("small", small)
	for _, command := range []string{"MULTI", "ZADD", "EXPIRE", "EXEC", "ZPOPMIN", "EVALSHA", "SET", "MGET", "DEL", "ZREM"} {
		content := windows[:5*queue.RelayChunk]    // more chunks than one MGET takes
		if command == "DEL" || command == "ZREM" { // end a window
			content = windows
		}
		f.set(command, content)
		for _, broken := range redistest.Faults() {
			t.Run(command+" "+broken.String(), func(t *testing.T) {
				t.Parallel()
				rdb, socket := jobstest.Embedded(t)
				on, proxy := jobstest.Rig{T: t, Rdb: rdb, Socket: socket}.Proxied(redistest.Patient)
				sending(on, "w1", f)
				if _, err := jobstest.ReadAll(t.Context(), on.Q, jobstest.Found("small", small)); err != nil { // loads the scripts
					t.Fatal(err)
				}
				seen := proxy.BreakNext(command, broken)
				if got, err := jobstest.ReadAll(t.Context(), on.Q, jobstest.Found(command, content)); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes came, %v; want %d", len(got), err, len(content))
				}
				if !seen() {
					t.Errorf("the relay sends no %s", command)
				}
			})
		}
	}
}

// Readers that pause, like a pager, block nobody, and can continue at any time.
func TestSlowReadersHoldNothing(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		const window = queue.RelayWindow * queue.RelayChunk
		content := noise(3*window + 1)
		t.Q.LimitRelays(32, time.Minute, time.Minute, time.Minute) // nothing is requested twice
		f := &files{}
		f.set("rows", content)
		w := sending(t, "w1", f)
		var slow []io.ReadCloser
		first := make([]byte, 1)
		for range 8 { // twice as many as concurrent queries
			rows, err := t.Q.OpenResult(t.Context(), jobstest.Found("rows", content))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { rows.Close() })
			if _, err := io.ReadFull(rows, first); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, rows)
		}
		r := ask(t, nil)
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateDone)
		ahead := int64(len(slow)) * 2 * window // the one being read and the next one
		jobstest.Eventually(t, "each slow reader has its next window", func() bool { return f.read.Load() >= ahead && len(chunks(t)) == 0 })
		if got, err := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found("rows", content)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("a reader beside slow ones: %d bytes, %v", len(got), err)
		}
		// Asks that came before those of the last reader have been answered before.
		if read := f.read.Load() - ahead; read != int64(len(content)) {
			t.Errorf("%d bytes were read ahead of slow readers", read-int64(len(content)))
		}

		w.Stop() // and another worker takes over
		sending(t, "w2", f)
		for _, rows := range slow {
			if got, err := io.ReadAll(rows); err != nil || !bytes.Equal(got, content[1:]) {
				t.Errorf("a slow reader reads on: %d bytes, %v; want %d", len(got), err, len(content)-1)
			}
		}
	})
}

// Chunks that nobody has taken expire; their reader requests them again.
func TestChunksThatAreGoneAreAskedForAgain(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		content := noise(3 * queue.RelayWindow * queue.RelayChunk)
		f := &files{}
		f.set("rows", content)
		sending(t, "w1", f)
		ctx, stop := context.WithCancel(t.Context())
		var losing sync.WaitGroup
		losing.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for range 5 {
				select {
				case <-tick.C:
					t.Rdb.FlushAll(t.Context())
				case <-ctx.Done():
				}
			}
		})
		for range 5 {
			if got, err := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found("rows", content)); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came, %v; want %d", len(got), err, len(content))
			}
		}
		stop()
		losing.Wait()
	})
}

func TestResultsThatNobodySends(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		content := noise(2*queue.RelayWindow*queue.RelayChunk + 1)
		t.Q.LimitRelays(1, time.Minute, time.Minute, time.Minute) // of the worker
		reader := jobstest.NewQueue(t, t.Rdb)
		reader.LimitRelays(1, 10*time.Millisecond, 50*time.Millisecond, time.Minute)
		_, err := jobstest.ReadAll(t.Context(), reader, jobstest.Found("rows", content))
		if fault.CodeOf(err) != fault.CodeFailed || !strings.Contains(err.Error(), "no worker of volume main runs") {
			t.Errorf("without a worker: %v", err)
		}

		f := &files{}
		f.set("rows", content)
		sending(t, "w1", f)
		awaitWorkers(t)
		if err := t.Rdb.ZAdd(t.Context(), "mixduck:streams", redis.Z{Score: 1e13, Member: "another"}).Err(); err != nil {
			t.Fatal(err)
		}
		reader.LimitRelays(1, 10*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond)
		_, err = jobstest.ReadAll(t.Context(), reader, jobstest.Found("rows", content))
		if fault.CodeOf(err) != fault.CodeFailed || !strings.Contains(err.Error(), "no worker has sent it for") {
			t.Errorf("while another result fills Redis: %v", err)
		}
		if n := f.read.Load(); n != 0 {
			t.Errorf("%d bytes were stored while another result fills Redis", n)
		}
		t.Rdb.ZRem(t.Context(), "mixduck:streams", "another")
		reader.LimitRelays(1, 10*time.Millisecond, time.Minute, time.Minute)
		if got, err := jobstest.ReadAll(t.Context(), reader, jobstest.Found("rows", content)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("afterwards %d bytes came, %v", len(got), err)
		}
	})
}

// awaitWorkers waits until a worker has sent a heartbeat.
func awaitWorkers(t jobstest.Rig) {
	t.Helper()
	jobstest.Eventually(t, "a worker lives", func() bool {
		workers, err := t.Q.Workers(t.Context())
		return err == nil && len(workers) > 0
	})
}
