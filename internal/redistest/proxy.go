// Package redistest provides a proxy between a Redis client and a server, for tests of network failures, stopped
// servers and repeated commands. It knows RESP, but not what commands mean.
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
	Lose        // the server executes the command, then the connection ends without a reply
	Delay       // the server executes the command; the reply comes only after the client's timeout
	Twice       // the server executes the command twice; the client gets the second reply. None in a transaction
	Busy        // the command does not reach the server; the client is told that the server is loading. None in a transaction
)

func (f Fault) String() string {
	return [...]string{"none", "cut", "lose", "delay", "twice", "busy"}[f]
}

// Faults returns all faults except None.
func Faults() []Fault { return []Fault{Cut, Lose, Delay, Twice, Busy} }

// Command is a command sent by a client.
type Command struct {
	N    int    // number since the last call of [Proxy.Break], from 0; commands that set up a connection do not count
	Name string // in upper case
	Args []string
}

// ReadTimeout is the read timeout of a proxy's clients.
const ReadTimeout = 150 * time.Millisecond

// Patient sets a longer timeout, for servers on a busy machine: only replies withheld by the proxy time out.
func Patient(opt *redis.Options) { opt.ReadTimeout = time.Second }

// Proxy is safe for concurrent use.
type Proxy struct {
	tb   testing.TB
	dial func(context.Context) (net.Conn, error)
	ctx  context.Context //nolint:containedctx // of the proxy's own goroutines
	all  sync.WaitGroup
	door net.Listener

	mu      sync.Mutex // guards the fields below
	rule    func(Command) Fault
	n       int
	stopped chan struct{} // not nil while the server is stopped; closed when it continues
}

// New returns a proxy for the server that dial reaches, until the test ends.
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

// Client returns a client of the server through the proxy, with go-redis's defaults except for timeouts. Change may be
// nil.
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

// Break calls rule for each command from now on, one at a time. Nil breaks nothing.
func (p *Proxy) Break(rule func(Command) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule, p.n = rule, 0
}

// BreakOne breaks only command number n from now on. It returns a function that reports whether there was one.
func (p *Proxy) BreakOne(n int, f Fault) (broken func() bool) {
	return p.breakOne(func(c Command) bool { return c.N == n }, f)
}

// BreakNext breaks only the next command of that name, like BreakOne.
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

// Commands returns the number of commands since the last call of Break.
func (p *Proxy) Commands() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// Stop makes the server look like a process after SIGSTOP: connections stay open, and sent commands are executed and
// answered once it continues.
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

// judge returns the fault of a command, and what it must wait for first, if not nil.
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

// connection is the connection of a client. It executes commands one after another.
type connection struct {
	proxy          *Proxy
	client, server net.Conn
	in, out        *bufio.Reader
	within         bool // in a transaction
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

// handle executes a command and reports whether the connection continues.
func (c *connection) handle(command []byte, args []string) bool {
	fault, stopped := c.proxy.judge(args)
	name := strings.ToUpper(args[0])
	c.within = name == "MULTI" || c.within
	if c.within && (fault == Twice || fault == Busy) { // clients do not repeat parts of a transaction
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
		_, _ = io.Copy(io.Discard, c.in) // until the client disconnects
		return false
	case None, Cut, Twice, Busy:
	}
	_, err := c.client.Write(reply)
	return err == nil
}

// passThrough forwards everything, starting with a command that makes the connection receive messages.
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
