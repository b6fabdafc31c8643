package cage

// Process is a child that has been started.
type Process struct{ ended chan error }

// Wait waits until the child has ended and its output has been read, and returns what [exec.Cmd.Wait] does.
func (p *Process) Wait() error { return <-p.ended }
