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

// request describes a request.
type request struct {
	method, target string
	form           url.Values // the body; nil for none
}

// send sends r and returns the body of a successful response as soon as its headers have arrived; the caller must
// close it. Errors are [*Error], or the cause with which ctx, that of watch, ended.
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
		_ = resp.Body.Close() // the first error says what is wrong
	}
	return body, err
}

// tell notifies the observer of a response, nil for none.
func (c *Client) tell(resp *http.Response) {
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if c.observer != nil {
		c.observer.Answered(status)
	}
}

// open returns the body of a successful response, and an error for any other.
func (c *Client) open(watch *watchdog, resp *http.Response) (*Body, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, c.refused(watch, resp)
	}
	return newBody(resp, watch, c.idle)
}

// unanswered is the error for a request without response headers.
func (c *Client) unanswered(watch *watchdog, err error) error {
	switch cause := watch.cause(); {
	case errors.Is(cause, errSilent):
		return timeoutError("no response within %s", c.firstByte)
	case cause != nil:
		return cause
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL, which repeats the request
	}
	e := connectionError(err)
	e.Message = c.redact(e.Message)
	return e
}

// refused is the error for a response with a status other than 200.
func (c *Client) refused(watch *watchdog, resp *http.Response) error {
	watch.wait(min(c.idle, errorBodyTimeout))
	text := readErrorBody(resp)
	watch.calm()
	if cause := watch.cause(); cause != nil && !errors.Is(cause, errSilent) {
		return cause
	}
	return classify(resp.StatusCode, resp.Header, []byte(c.redact(string(text))), time.Now())
}

// readErrorBody returns the start of the body. It ignores how the body ends, because the status says what is wrong.
func readErrorBody(resp *http.Response) []byte {
	var r io.Reader = resp.Body
	if isGzip(resp.Header) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil
		}
		r = z
	}
	text, _ := io.ReadAll(io.LimitReader(r, maxErrorBody)) // a partial text is better than none
	return text
}

// redact removes the secret, and the header that contains it, from an external text. Mixpanel's secrets have 32
// characters. A very short one is not removed, because it would match in every text.
func (c *Client) redact(text string) string {
	s := c.secret.Reveal()
	if len(s) < 6 {
		return text
	}
	basic := base64.StdEncoding.EncodeToString([]byte(c.username + ":" + s))
	return strings.NewReplacer(s, c.secret.String(), basic, c.secret.String()).Replace(text)
}
