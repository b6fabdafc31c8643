package proctest

import (
	"strings"
	"sync"
)

// transcript keeps what a process writes. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed when there is more
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(p)
}

// read returns what was written so far, and a channel that is closed when there is more.
func (o *transcript) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.more
}

// Tail returns the end of a text.
func Tail(text string) string {
	const most = 3000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}
