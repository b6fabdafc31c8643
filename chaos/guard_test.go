package chaos

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// guard continuously checks in the kernel which workers have a database open for writing, and which process holds its
// lock file. It is safe for concurrent use.
type guard struct {
	dir string // of the databases

	mu       sync.Mutex
	pids     map[int]bool
	met      map[string]bool // databases that a worker had open for writing
	problems []string
}

const (
	guardEvery = 25 * time.Millisecond
	// glanceTakes is the maximum duration of a check that counts: in this time no worker closes a database and opens
	// it again.
	glanceTakes = 4 * time.Millisecond
)

// newGuard returns a guard that checks until the test ends.
func newGuard(tb testing.TB, dir string) *guard {
	tb.Helper()
	g := &guard{dir: dir, pids: map[int]bool{}, met: map[string]bool{}}
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(guardEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				g.look()
			}
		}
	})
	tb.Cleanup(func() {
		close(stop)
		looking.Wait()
	})
	return g
}

func (g *guard) watch(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pids[pid] = true
}

func (g *guard) forget(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.pids, pid)
}

// report returns the problems, and how many databases were seen open for writing.
func (g *guard) report() (problems []string, met int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problems, len(g.met)
}

// look performs one check. A database counts as open if it was open both at the start and at the end.
func (g *guard) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	began := time.Now()
	before := g.writers()
	holders := lockHolders()
	after := g.writers()
	if time.Since(began) > glanceTakes {
		return
	}
	for name, pids := range before {
		var writers []int
		for pid := range pids {
			if after[name][pid] {
				writers = append(writers, pid)
			}
		}
		for _, pid := range writers {
			g.met[name] = true
			if holder := holders[inode(name+".lock")]; holder != pid {
				g.problems = append(g.problems, fmt.Sprintf("%s: open for writing by %d, but the lock is held by %d", filepath.Base(name), pid, holder))
			}
		}
		if len(writers) > 1 {
			g.problems = append(g.problems, fmt.Sprintf("%s: open for writing by %d", filepath.Base(name), writers))
		}
	}
}

// writers returns the databases that are open for writing, with the processes that have them open.
func (g *guard) writers() map[string]map[int]bool {
	open := map[string]map[int]bool{}
	for pid := range g.pids {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			continue // it has ended
		}
		for _, fd := range fds {
			name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
			if err != nil || filepath.Ext(name) != ".db" || filepath.Dir(name) != g.dir || !forWriting(pid, fd.Name()) {
				continue
			}
			if open[name] == nil {
				open[name] = map[int]bool{}
			}
			open[name][pid] = true
		}
	}
	return open
}

// forWriting reports whether a descriptor is open for writing.
func forWriting(pid int, fd string) bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	if err != nil {
		return false
	}
	_, text, _ := bytes.Cut(info, []byte("flags:"))
	text, _, _ = bytes.Cut(text, []byte("\n"))
	flags, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 8, 64)
	return err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
}

// lockHolders returns which process holds an exclusive flock on which inode.
func lockHolders() map[uint64]int {
	holders := map[uint64]int{}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return holders
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // 1: FLOCK ADVISORY WRITE 123 fe:00:4567 0 EOF; waiting ones have an arrow after the number
		if len(fields) < 6 || fields[1] != "FLOCK" || fields[3] != "WRITE" {
			continue
		}
		pid, _ := strconv.Atoi(fields[4])
		file, _ := strconv.ParseUint(fields[5][strings.LastIndexByte(fields[5], ':')+1:], 10, 64)
		holders[file] = pid
	}
	return holders
}

// inode returns the inode number of a file, 0 if it does not exist.
func inode(name string) uint64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return stat.Ino
}

// holdsLock reports whether a process holds the lock of any database.
func (g *guard) holdsLock(tb testing.TB, pid int) bool {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(g.dir, "*.lock"))
	if err != nil {
		tb.Fatal(err)
	}
	holders := lockHolders()
	for _, name := range names {
		if holders[inode(name)] == pid {
			return true
		}
	}
	return false
}
