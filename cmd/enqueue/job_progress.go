package main

import (
	"fmt"
	"io"
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/jobs"
)

// display shows a job's state while waiting. It is used by one goroutine.
type display interface {
	show(job jobs.Record, now time.Time)
	clear() // at the end of the wait
}

// newDisplay returns a display on stderr.
func (a *app) newDisplay(quiet bool) display {
	if quiet {
		return silence{}
	}
	_, terminal := console.TerminalWidth(a.Process.Stderr)
	if !terminal || a.Process.Getenv("NO_COLOR") != "" || a.Process.Getenv("TERM") == "dumb" {
		return &protocol{w: a.Process.Stderr}
	}
	return &statusBar{w: console.Raw(a.Process.Stderr), width: func() int {
		width, _ := console.TerminalWidth(a.Process.Stderr) // the terminal may have been resized
		return width
	}}
}

// silence shows nothing.
type silence struct{}

func (silence) show(jobs.Record, time.Time) {}
func (silence) clear()                      {}

// statusBar redraws a line of a terminal.
type statusBar struct {
	w     io.Writer
	width func() int
	drawn string
}

func (b *statusBar) show(job jobs.Record, now time.Time) {
	line := statusLine(job, now, max(1, b.width()-1)) // some terminals wrap when the last column is used
	if line != b.drawn {
		fmt.Fprint(b.w, console.ClearLine, line)
		b.drawn = line
	}
}

func (b *statusBar) clear() {
	if b.drawn != "" {
		fmt.Fprint(b.w, console.ClearLine)
		b.drawn = ""
	}
}

// protocol writes a line when the job's state changes, and once a minute.
type protocol struct {
	w     io.Writer
	state jobs.State
	at    time.Time // of the last line
}

const protocolEvery = time.Minute

func (p *protocol) show(job jobs.Record, now time.Time) {
	if job.State.Final() || job.State == p.state && now.Sub(p.at) < protocolEvery {
		return
	}
	p.state, p.at = job.State, now
	fmt.Fprintln(p.w, now.Format(time.TimeOnly), statusLine(job, now, 0))
}

func (*protocol) clear() {}
