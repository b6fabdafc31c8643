package cage

// Process is a started child.
type Process struct{ ended chan error }

// Wait waits until the child has ended and its output has been read, and returns the result of [exec.Cmd.Wait].
func (p *Process) Wait() error { return <-p.ended }
