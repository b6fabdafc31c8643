// Package redistest puts a proxy between a Redis client and a server, for tests of what a network, a stopped server or a
// client that repeats its commands do to their conversation. It knows RESP; it does not know what commands mean.
package redistest

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Fault is what happens to one command.
type Fault int

// The faults.
const (
	None  Fault = iota
	Cut         // the connection ends before the command reaches the server
	Lose        // the server carries the command out, then the connection ends without an answer
	Delay       // the server carries the command out; the answer does not come before the client has given up
	Twice       // the server carries the command out twice; the client gets the second answer. None in a transaction
	Busy        // the command does not reach the server; the client is told that the server is loading. None in a transaction
)

func (f Fault) String() string {
	return [...]string{"none", "cut", "lose", "delay", "twice", "busy"}[f]
}

// Faults returns all of them, without None.
func Faults() []Fault { return []Fault{Cut, Lose, Delay, Twice, Busy} }

// Command is one that a client has sent.
type Command struct {
	N    int    // its number since the last call of [Proxy.Break], from 0; commands that set a connection up do not count
	Name string // in upper case
	Args []string
}

// ReadTimeout is how long clients of a proxy wait for an answer.
const ReadTimeout = 150 * time.Millisecond

// Patient gives a client time for the answers of a server on a busy machine: only an answer that the proxy keeps back is late.
func Patient(opt *redis.Options) { opt.ReadTimeout = time.Second }

// Proxy is safe for concurrent use.
type Proxy struct {
	tb   testing.TB
	dial func(context.Context) (net.Conn, error)
	ctx  context.Context //nolint:containedctx // of the proxy's own goroutines
	all  sync.WaitGroup
	door net.Listener

	mu      sync.Mutex // guards the rest
	rule    func(Command) Fault
	n       int
	stopped chan struct{} // not nil while the server is stopped; closed when it goes on
}

// New returns a proxy in front of the server that dial reaches, until the test ends.
func New(tb testing.TB, dial func(context.Context) (net.Conn, error)) *Proxy {
	tb.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is at hand
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{tb: tb, dial: dial, ctx: ctx, door: door}
	p.all.Go(p.accept)
	tb.Cleanup(func() {
		p.Continue()
		stop()
		door.Close()
		p.all.Wait()
	})
	return p
}

// Addr returns the TCP address of the proxy.
func (p *Proxy) Addr() string { return p.door.Addr().String() }

// Client returns a client that reaches the server through the proxy, as go-redis is set by default but for its timeouts.
// Change may be nil.
func (p *Proxy) Client(change func(*redis.Options)) *redis.Client {
	opt := &redis.Options{
		Addr: p.Addr(), ReadTimeout: ReadTimeout, WriteTimeout: time.Second, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if change != nil {
		change(opt)
	}
	rdb := redis.NewClient(opt)
	p.tb.Cleanup(func() { rdb.Close() })
	return rdb
}

func (p *Proxy) accept() {
	for {
		client, err := p.door.Accept()
		if err != nil {
			return
		}
		server, err := p.dial(p.ctx)
		if err != nil {
			client.Close()
			continue
		}
		c := &connection{proxy: p, client: client, server: server, in: bufio.NewReader(client), out: bufio.NewReader(server)}
		p.all.Go(c.serve)
	}
}

// Break asks rule about each command from now on, one at a time. Nil breaks nothing.
func (p *Proxy) Break(rule func(Command) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule, p.n = rule, 0
}

// BreakOne breaks the command of that number from now on, and no other. It returns a function that reports whether there
// was one.
func (p *Proxy) BreakOne(n int, f Fault) (broken func() bool) {
	return p.breakOne(func(c Command) bool { return c.N == n }, f)
}

// BreakNext breaks the next command of that name, and no other, as BreakOne does.
func (p *Proxy) BreakNext(name string, f Fault) (broken func() bool) {
	return p.breakOne(func(c Command) bool { return c.Name == name }, f)
}

func (p *Proxy) breakOne(is func(Command) bool, f Fault) func() bool {
	done := false // guarded by p.mu
	p.Break(func(c Command) Fault {
		if done || !is(c) {
			return None
		}
		done = true
		return f
	})
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return done
	}
}

// Commands returns how many commands have come since the last call of Break.
func (p *Proxy) Commands() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// Stop makes the server look like a process under SIGSTOP: connections stay open, and commands that have been sent are
// carried out and answered once it goes on.
func (p *Proxy) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped == nil {
		p.stopped = make(chan struct{})
	}
}

// Continue ends Stop.
func (p *Proxy) Continue() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped != nil {
		close(p.stopped)
		p.stopped = nil
	}
}

// judge returns what happens to a command, and what it has to wait for first, if not nil.
func (p *Proxy) judge(args []string) (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.ToUpper(args[0])
	switch name {
	case "HELLO", "CLIENT", "AUTH", "SELECT":
		return None, p.stopped
	}
	c := Command{N: p.n, Name: name, Args: args[1:]}
	p.n++
	if p.rule == nil {
		return None, p.stopped
	}
	return p.rule(c), p.stopped
}

// connection is one of a client. Commands are carried out one after the other.
type connection struct {
	proxy          *Proxy
	client, server net.Conn
	in, out        *bufio.Reader
	within         bool // a transaction
}

func (c *connection) serve() {
	defer c.client.Close()
	defer c.server.Close()
	defer context.AfterFunc(c.proxy.ctx, func() {
		c.client.Close()
		c.server.Close()
	})()
	for {
		command, args, err := readCommand(c.in)
		if err != nil {
			return
		}
		if strings.HasSuffix(strings.ToUpper(args[0]), "SUBSCRIBE") {
			c.passThrough(command)
			return
		}
		if !c.handle(command, args) {
			return
		}
	}
}

// handle carries one command out and reports whether the connection goes on.
func (c *connection) handle(command []byte, args []string) bool {
	fault, stopped := c.proxy.judge(args)
	name := strings.ToUpper(args[0])
	c.within = name == "MULTI" || c.within
	if c.within && (fault == Twice || fault == Busy) { // no client repeats a part of a transaction
		fault = None
	}
	c.within = c.within && name != "EXEC" && name != "DISCARD"
	if stopped != nil {
		select {
		case <-stopped:
		case <-c.proxy.ctx.Done():
			return false
		}
	}
	times := 1
	switch fault {
	case Cut:
		return false
	case Busy:
		_, err := io.WriteString(c.client, "-LOADING Redis is loading the dataset in memory\r\n")
		return err == nil
	case Twice:
		times = 2
	case None, Lose, Delay:
	}
	var reply []byte
	for range times {
		var err error
		if _, err = c.server.Write(command); err == nil {
			reply, err = readReply(c.out)
		}
		if err != nil {
			return false
		}
	}
	switch fault {
	case Lose:
		return false
	case Delay:
		_, _ = io.Copy(io.Discard, c.in) // until the client hangs up
		return false
	case None, Cut, Twice, Busy:
	}
	_, err := c.client.Write(reply)
	return err == nil
}

// passThrough hands everything on, from a command that makes the connection one that receives messages.
func (c *connection) passThrough(command []byte) {
	if _, err := c.server.Write(command); err != nil {
		return
	}
	c.proxy.all.Go(func() {
		defer c.client.Close()
		_, _ = io.Copy(c.client, c.out)
	})
	_, _ = io.Copy(c.server, c.in)
}
