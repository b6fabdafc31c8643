package query

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// output copies what a child writes to a writer. [os/exec] could do that, but it either waits for the writer forever
// or gives up shortly after the child's end. A reader can need longer than that for the last 64 KiB.
type output struct {
	child *os.File // the child's end
	read  *os.File // nil if the child has the file itself
	to    *tap
	done  chan error
}

// tap forwards writes until it is closed. It has no ReadFrom, so io.Copy makes short writes.
type tap struct {
	w    io.Writer
	shut atomic.Bool
}

func (t *tap) Write(p []byte) (int, error) {
	if t.shut.Load() {
		return 0, os.ErrClosed
	}
	return t.w.Write(p)
}

// newOutput returns an output to w; nil discards everything.
func newOutput(w io.Writer) (*output, error) {
	file, isFile := w.(*os.File)
	if w == nil || isFile {
		return &output{child: file}, nil
	}
	read, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{child: child, read: read, to: &tap{w: w}, done: make(chan error, 1)}
	go func() {
		_, err := io.Copy(o.to, read)
		_ = read.Close() // a child that still writes must not block
		o.done <- err
	}()
	return o, nil
}

// started must be called when the child has been started, or starting it has failed.
func (o *output) started() {
	if o.read != nil {
		_ = o.child.Close()
	}
}

// wait waits, after the child's end, until the writer has taken everything. If ctx ends, it waits only briefly, and
// nothing is written after that. A Write that does not return cannot be stopped and is abandoned.
func (o *output) wait(ctx context.Context) error {
	if o.read == nil {
		return nil
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	}
	o.to.shut.Store(true)
	moment := time.NewTimer(killTime)
	defer moment.Stop()
	select {
	case err := <-o.done:
		return errors.Join(context.Cause(ctx), err)
	case <-moment.C:
		return context.Cause(ctx)
	}
}
