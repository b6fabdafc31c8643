package config

import (
	"fmt"
	"strings"
	"time"
)

// Snapshot says when the snapshot of a project's database is replaced. The zero value means after each job that changed the
// database.
type Snapshot struct {
	Off         bool
	AtMostEvery time.Duration // 0 for no limit
}

const (
	snapshotOff   = "off"
	snapshotSync  = "after-sync"
	snapshotEvery = "at_most_every"
)

func snapshot() field[Project] {
	every := span(time.Second, func(p *Project) *time.Duration { return &p.Snapshot.AtMostEvery })
	return field[Project]{
		allowed: []string{snapshotOff, snapshotSync}, key: snapshotEvery,
		show: func(p *Project) string {
			switch {
			case p.Snapshot.Off:
				return snapshotOff
			case p.Snapshot.AtMostEvery > 0:
				return snapshotEvery + ": " + every.show(p)
			}
			return snapshotSync
		},
		set: func(p *Project, v string) error {
			p.Snapshot = Snapshot{Off: v == snapshotOff}
			if limit, ok := strings.CutPrefix(v, snapshotEvery+":"); ok {
				return every.set(p, strings.TrimSpace(limit))
			}
			if v != snapshotOff && v != snapshotSync {
				return fmt.Errorf("%q is not off, after-sync or {at_most_every: 15m}%s", v, didYouMean(v, []string{snapshotOff, snapshotSync}))
			}
			return nil
		},
	}
}
