package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/listen"
)

const (
	askTimeout  = 5 * time.Second
	maxAnswer   = 1 << 20
	sameAddress = "use the same --http-listen (MIXDUCK_HTTP_LISTEN) as the running worker"
)

// Ask checks whether the worker with cfg is ready or, with alive, only whether it is alive. With spare ports it checks
// all workers of cfg's Owner. It returns nil if they are, and an error with [fault.CodeUsage] if cfg has no address.
func Ask(ctx context.Context, cfg Config, alive bool) error {
	_, port, err := net.SplitHostPort(cfg.Listen)
	switch {
	case cfg.Listen == "":
		return fault.Usage(sameAddress, "http.listen is off")
	case err != nil:
		return fault.Usage(sameAddress, "http.listen: %w", err)
	case port == "0":
		return fault.Usage(sameAddress, "http.listen has port 0, so the actual port is unknown")
	}
	cfg.Listen = listen.Local(cfg.Listen)
	if cfg.Spare == 0 {
		return ask(ctx, cfg, cfg.Listen, alive)
	}
	var problems []error
	found := 0
	for _, address := range cfg.addresses() {
		if a, err := get(ctx, Config{}, address, lifePage); err != nil || a.owner != cfg.Owner {
			continue // no worker, or a different one
		}
		found++
		problems = append(problems, ask(ctx, cfg, address, alive))
	}
	if found == 0 {
		return fault.New(fault.CodeFailed, sameAddress, "no worker of this data directory responds at %s or the %d ports after it", cfg.Listen, cfg.Spare)
	}
	return errors.Join(problems...)
}

const (
	lifePage  = "/healthz"
	readyPage = "/readyz"
)

// ask checks the worker at an address.
func ask(ctx context.Context, cfg Config, address string, alive bool) error {
	page := readyPage
	if alive {
		page = lifePage
	}
	a, err := get(ctx, cfg, address, page)
	if err != nil {
		return err
	}
	return judge(address, alive, a.status, a.body)
}

// answer is the response of a server.
type answer struct {
	status int
	owner  string
	body   []byte
}

// get requests a page, with the token of cfg.
func get(ctx context.Context, cfg Config, address, page string) (answer, error) {
	ctx, stop := context.WithTimeout(ctx, askTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+page, http.NoBody)
	if err != nil {
		return answer{}, fault.Usage(sameAddress, "http.listen: %w", err)
	}
	if !cfg.Token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+cfg.Token.Reveal())
	}
	client := &http.Client{ // without a proxy or redirects
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, fault.New(fault.CodeFailed, sameAddress, "no response from the worker: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("incomplete response from %s: %w", address, err)
	}
	return answer{resp.StatusCode, resp.Header.Get(ownerHeader), body}, nil
}

// judge interprets a response.
func judge(address string, alive bool, status int, body []byte) error {
	var found Readiness
	err := json.Unmarshal(body, &found)
	switch {
	case status == http.StatusUnauthorized:
		return fault.New(fault.CodeFailed, "set MIXDUCK_HTTP_TOKEN or MIXDUCK_HTTP_TOKEN_FILE to the worker's token",
			"the worker at %s does not accept this token", address)
	case alive && status == http.StatusOK:
		return nil
	case alive || err != nil || found.Status == "":
		return fault.New(fault.CodeFailed, sameAddress, "the server at %s is not a worker (status %d)", address, status)
	case status == http.StatusOK:
		return nil
	}
	problems := []error{fmt.Errorf("the worker at %s is %s", address, found.Status)}
	for _, r := range found.Checks {
		if !r.OK {
			problems = append(problems, fmt.Errorf("%s: %s", r.Name, strings.ReplaceAll(r.Error, "\n", "; ")))
		}
	}
	return fault.New(fault.CodeFailed, "read the log of the worker", "%w", errors.Join(problems...))
}
