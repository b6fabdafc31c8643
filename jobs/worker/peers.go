package worker

import (
	"errors"
	"log/slog"
	"strings"

	"mixduck/internal/presence"
	"mixduck/jobs/internal/lanes"
)

// peers are the workers on this machine that share a volume with this one. The operating system says which of them have
// died, long before their heartbeats end. It is not safe for concurrent use.
type peers struct {
	dirs   []string
	marks  []*presence.Mark // of this worker
	living map[lanes.Identity]bool
}

// join marks this worker as alive, and removes marks that prove nothing. Where it cannot, the others notice its death
// when its heartbeat ends.
func join(dirs []string, me lanes.Identity, log *slog.Logger) *peers {
	p := &peers{dirs: dirs}
	for _, dir := range dirs {
		mark, err := presence.Enter(dir, me.Boot+" "+me.ID)
		if err != nil {
			log.Warn("if this worker dies, others notice late", slog.String("dir", dir), slog.Any("err", err))
			continue
		}
		p.marks = append(p.marks, mark)
		found, err := presence.Look(dir)
		for _, s := range found {
			if s.ID == "" && !s.Alive {
				err = errors.Join(err, presence.Forget(s))
			}
		}
		if err != nil {
			log.Warn("files of other workers stay", slog.String("dir", dir), slog.Any("err", err))
		}
	}
	return p
}

// leave removes nothing: another worker does, after it has seen that no job is left over.
func (p *peers) leave() {
	for _, m := range p.marks {
		_ = m.Leave()
	}
}

// look finds out which workers live, and calls bury for each that has died. It does so again the next time if bury fails.
func (p *peers) look(bury func(dead lanes.Identity) error) error {
	if p == nil {
		return nil
	}
	p.living = make(map[lanes.Identity]bool)
	var failed error
	for _, dir := range p.dirs {
		found, err := presence.Look(dir)
		if err != nil {
			continue // nothing is proved there now
		}
		for _, s := range found {
			boot, id, ok := strings.Cut(s.ID, " ")
			who := lanes.Identity{ID: id, Boot: boot}
			switch {
			case !ok:
				continue
			case s.Alive:
				p.living[who] = true
				continue
			}
			if err = bury(who); err == nil {
				err = presence.Forget(s)
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// alive reports whether a worker was seen to live at the last look, though it may be stopped.
func (p *peers) alive(w lanes.Identity) bool { return p != nil && p.living[w] }
