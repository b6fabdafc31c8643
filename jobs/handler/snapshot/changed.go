package snapshot

import (
	"time"
)

// Changed says that a job has changed a database, so that its snapshot is due as the policy says.
func (k *Keeper) Changed(name, project, job string) {
	policy := k.cfg.Policy(name, project)
	if policy.Off {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.database(name)
	d.policy, d.job = policy, job
	if d.since.IsZero() {
		d.since = k.cfg.Now()
	}
	due := k.cfg.Now()
	if d.last.IsZero() {
		d.last = k.stored(name).TakenAt
	}
	if earliest := d.last.Add(policy.AtMostEvery); earliest.After(due) {
		due = earliest
	}
	if d.due.IsZero() || due.Before(d.due) || d.fails > 0 {
		d.due = due
	}
	k.poke()
}

// database returns what is known of one. The caller holds the mutex.
func (k *Keeper) database(name string) *database {
	d := k.databases[name]
	if d == nil {
		d = &database{name: name}
		k.databases[name] = d
	}
	return d
}

// poke wakes Run.
func (k *Keeper) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// StaleSince returns since when a database has had no current snapshot, the zero time if all are current. A snapshot that
// must wait for its interval is current until then.
func (k *Keeper) StaleSince() (oldest time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.databases {
		since := d.since
		if earliest := d.last.Add(d.policy.AtMostEvery); !since.IsZero() && earliest.After(since) {
			since = earliest
		}
		if !since.IsZero() && since.Before(k.cfg.Now()) && (oldest.IsZero() || since.Before(oldest)) {
			oldest = since
		}
	}
	return oldest
}
