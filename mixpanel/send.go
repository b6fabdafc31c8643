package mixpanel

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxErrorBody     = 8 << 10
	errorBodyTimeout = 10 * time.Second
)

// request is what is sent.
type request struct {
	method, target string
	form           url.Values // the body; nil for none
}

// send sends r and returns the body of a good answer as soon as its headers are there; the caller closes it.
// Errors are [*Error], or the cause with which ctx, that of watch, ended.
func (c *Client) send(ctx context.Context, watch *watchdog, r request) (*Body, error) {
	var sent io.Reader = http.NoBody
	if r.form != nil {
		sent = strings.NewReader(r.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.target, sent)
	if err != nil {
		return nil, requestError("%v", err)
	}
	req.SetBasicAuth(c.username, c.secret.Reveal())
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.userAgent)

	watch.wait(c.firstByte)
	resp, err := c.http.Do(req)
	watch.calm()
	c.tell(resp)
	if err != nil {
		return nil, c.unanswered(watch, err)
	}
	body, err := c.open(watch, resp)
	if err != nil {
		_ = resp.Body.Close() // the first error is the one that says what is wrong
	}
	return body, err
}

// tell lets the observer know of an answer, nil for none.
func (c *Client) tell(resp *http.Response) {
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if c.observer != nil {
		c.observer.Answered(status)
	}
}

// open returns the body of a good answer, and the error that any other answer is.
func (c *Client) open(watch *watchdog, resp *http.Response) (*Body, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, c.refused(watch, resp)
	}
	return newBody(resp, watch, c.idle)
}

// unanswered is the error of a request that got no headers.
func (c *Client) unanswered(watch *watchdog, err error) error {
	switch cause := watch.cause(); {
	case errors.Is(cause, errSilent):
		return timeoutError("no response within %s", c.firstByte)
	case cause != nil:
		return cause
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL, which repeats what was asked
	}
	e := connectionError(err)
	e.Message = c.redact(e.Message)
	return e
}

// refused is the error of an answer whose status is not 200.
func (c *Client) refused(watch *watchdog, resp *http.Response) error {
	watch.wait(min(c.idle, errorBodyTimeout))
	text := readErrorBody(resp)
	watch.calm()
	if cause := watch.cause(); cause != nil && !errors.Is(cause, errSilent) {
		return cause
	}
	return classify(resp.StatusCode, resp.Header, []byte(c.redact(string(text))), time.Now())
}

// readErrorBody returns the beginning of the body. How it ends does not matter: the status says what is wrong.
func readErrorBody(resp *http.Response) []byte {
	var r io.Reader = resp.Body
	if isGzip(resp.Header) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil
		}
		r = z
	}
	text, _ := io.ReadAll(io.LimitReader(r, maxErrorBody)) // half a text is better than none
	return text
}

// redact takes the secret, and the header that carries it, out of a text that came from elsewhere. Mixpanel's secrets
// have 32 characters; a very short one is left alone, because it would be found in every text.
func (c *Client) redact(text string) string {
	s := c.secret.Reveal()
	if len(s) < 6 {
		return text
	}
	basic := base64.StdEncoding.EncodeToString([]byte(c.username + ":" + s))
	return strings.NewReplacer(s, c.secret.String(), basic, c.secret.String()).Replace(text)
}
