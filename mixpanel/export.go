package mixpanel

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mixduck/internal/day"
)

const (
	maxErrorBody     = 8 << 10
	errorBodyTimeout = 10 * time.Second
)

// ExportRequest says which events to export.
type ExportRequest struct {
	Project int64
	Days    day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	Events  []string  // names; none means all
	Where   string    // an expression as in Mixpanel's reference of segmentation expressions; "" means no condition
}

// Export asks for events and returns the body of the answer as soon as its headers are there; the caller closes it. It
// waits so that the requests of this client to one project keep Mixpanel's limit of 3 a second. Errors are [*Error], or
// the cause with which ctx ended; when ctx ends, reads of the body end at once, too.
func (c *Client) Export(ctx context.Context, r ExportRequest) (*Body, error) {
	query, err := r.query()
	if err != nil {
		return nil, err
	}
	if err := c.pacer.wait(ctx, r.Project); err != nil {
		return nil, err
	}
	ctx, watch := newWatchdog(ctx)
	body, err := c.send(ctx, watch, c.exportURL+"?"+query.Encode())
	if err != nil {
		watch.release(nil)
		return nil, err
	}
	return body, nil
}

func (c *Client) send(ctx context.Context, watch *watchdog, target string) (*Body, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, requestError("%v", err)
	}
	req.SetBasicAuth(c.username, c.secret.Reveal())
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.userAgent)

	watch.wait(c.firstByte)
	resp, err := c.http.Do(req)
	watch.calm()
	if err != nil {
		return nil, c.unanswered(watch, err)
	}
	body, err := c.open(watch, resp)
	if err != nil {
		_ = resp.Body.Close() // the first error is the one that says what is wrong
	}
	return body, err
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
		return timeoutError("no answer within %s", c.firstByte)
	case cause != nil:
		return cause
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL, which repeats what was asked
	}
	e := networkError(err)
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

// query returns the parameters as in Mixpanel's OpenAPI description of the Event Export API.
func (r ExportRequest) query() (url.Values, error) {
	switch {
	case r.Project <= 0:
		return nil, requestError("%d is not a project id", r.Project)
	case r.Days.Len() == 0:
		return nil, requestError("the range %s holds no day", r.Days)
	case !utf8.ValidString(r.Where):
		return nil, requestError("the where expression is not valid UTF-8")
	case slices.Contains(r.Events, ""):
		return nil, requestError("an event name is empty")
	}
	q := url.Values{
		"project_id": {strconv.FormatInt(r.Project, 10)},
		"from_date":  {r.Days.From.String()},
		"to_date":    {r.Days.To.String()},
	}
	if len(r.Events) > 0 {
		names, err := nameArray(r.Events)
		if err != nil {
			return nil, err
		}
		q.Set("event", names)
	}
	if r.Where != "" {
		q.Set("where", r.Where)
	}
	return q, nil
}

// nameArray writes names as a JSON array, with < > & as they are.
func nameArray(names []string) (string, error) {
	for _, n := range names {
		if !utf8.ValidString(n) {
			return "", requestError("the event name %q is not valid UTF-8", n)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(names); err != nil {
		return "", fmt.Errorf("event names: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
