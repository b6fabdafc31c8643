package mixpanel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

const maxMessage = 300 // bytes of an Error's Message

// Action is what to do after an error.
type Action string

// The actions.
const (
	Retry  Action = "retry"   // retry with the caller's backoff and limit; not before After
	Pause  Action = "pause"   // retry after After; not a failure
	GiveUp Action = "give_up" // the same request will always fail
)

// Reason is why a request failed.
type Reason string

// The reasons.
const (
	ReasonAuth       Reason = "auth"        // wrong credentials, or no access to this project
	ReasonRegion     Reason = "region"      // no such project in this region
	ReasonPlan       Reason = "plan"        // the project's plan does not include the API
	ReasonQuota      Reason = "quota"       // too many requests per hour or second
	ReasonBusy       Reason = "busy"        // too many concurrent requests
	ReasonTooOld     Reason = "too_old"     // days too far back for the project
	ReasonFuture     Reason = "future"      // days after today in the project's zone
	ReasonNotFound   Reason = "not_found"   // no data, or no such project
	ReasonBadRequest Reason = "bad_request" // rejected for another reason
	ReasonSession    Reason = "session"     // the session of a profile query has expired: start again at page 0
	ReasonServer     Reason = "server"      // a failure of Mixpanel
	ReasonTimeout    Reason = "timeout"     // no data for too long, or Mixpanel's own time limit
	ReasonTruncated  Reason = "truncated"   // the body ended early
	ReasonNetwork    Reason = "network"     // no connection, or a broken one
	ReasonSetup      Reason = "setup"       // a redirect, certificate or proxy that a person must fix
)

// Error is a failed request or a broken response, and what to do about it.
type Error struct {
	Action     Action
	After      time.Duration // for Pause always above 0; for Retry 0 unless the server named a time
	Reason     Reason
	Smaller    bool    // a request for fewer days, or for fewer events of a day, may help
	Status     int     // of the response; 0 if there was none, or its body broke
	Message    string  // message of the server or the network: one line, at most 300 bytes, no secrets
	MaxAgeDays int     // for ReasonTooOld: how many days back the project may request; 0 if unknown
	Limits     []Limit // limits of the project that Mixpanel sent, if any
	hint       string  // replaces that of the reason
	err        error   // wrapped error, or nil
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return "mixpanel: " + e.Message
	}
	s := fmt.Sprintf("mixpanel answered %d", e.Status)
	if t := http.StatusText(e.Status); t != "" {
		s += " " + t
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Unwrap returns the network's error, if any.
func (e *Error) Unwrap() error { return e.err }

// FaultCode returns the kind of failure, for exit codes and job records.
func (e *Error) FaultCode() fault.Code {
	switch e.Reason {
	case ReasonAuth:
		return fault.CodeAuth
	case ReasonQuota, ReasonBusy:
		return fault.CodeRateLimited
	case ReasonTooOld, ReasonFuture, ReasonBadRequest:
		return fault.CodeUsage
	case ReasonNotFound:
		return fault.CodeNotFound
	case ReasonRegion:
		return fault.CodeUsage
	case ReasonSetup:
		return fault.CodeUsage
	case ReasonPlan, ReasonSession, ReasonServer, ReasonTimeout, ReasonTruncated, ReasonNetwork:
	}
	return fault.CodeFailed
}

// Hint says what to do.
func (e *Error) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	switch e.Reason {
	case ReasonAuth:
		return "check MP_USERNAME and MP_SECRET, the service account's role in this project, the project id and the region"
	case ReasonPlan:
		return "choose a plan with raw data export in Mixpanel's billing settings"
	case ReasonQuota:
		return "wait " + e.wait() + "; Mixpanel allows 60 exports per hour and 3 per second for a project"
	case ReasonBusy:
		return "wait until other exports of this project finish; Mixpanel allows 100 at the same time"
	case ReasonTooOld:
		if e.MaxAgeDays > 0 {
			return fmt.Sprintf("request only the last %d days", e.MaxAgeDays)
		}
		return "start the range at a later date"
	case ReasonFuture:
		return "end the range today or earlier, and check the project's time zone"
	case ReasonNotFound:
		return "check the project id, the region and the days"
	case ReasonRegion:
		return "check the region (us, eu or in) and the project id: the project is not in this region"
	case ReasonBadRequest:
		return e.refusalHint()
	case ReasonTimeout:
		return "request fewer days at once"
	case ReasonTruncated:
		return "request fewer days at once; if every request fails, check the project's region"
	case ReasonNetwork:
		return "check the network, the proxy (HTTPS_PROXY, NO_PROXY) and mixpanel.base_url"
	case ReasonSession:
		return "start again from page 0"
	case ReasonServer:
		if e.Status < 400 {
			return "check mixpanel.base_url and the proxy (HTTPS_PROXY): Mixpanel's API does not answer like this"
		}
	case ReasonSetup:
	}
	return ""
}

// refusalHint says what to check after a rejection.
func (e *Error) refusalHint() string {
	switch e.Status {
	case http.StatusProxyAuthRequired:
		return "set the proxy's credentials in HTTPS_PROXY"
	case http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusUnsupportedMediaType:
		return "check the base URL and the proxy: Mixpanel's export API does not send this response"
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return "shorten the where expression or the list of event names, and check the proxy's limits"
	}
	return "check the where expression, the event names, the dates, the project id and the region"
}

// wait describes the wait.
func (e *Error) wait() string {
	if e.After > 0 {
		return e.After.String()
	}
	return "a while"
}

// requestError is the error for a request that was not sent.
func requestError(format string, args ...any) *Error {
	return &Error{Action: GiveUp, Reason: ReasonBadRequest, Message: clean(fmt.Sprintf(format, args...))}
}

func timeoutError(format string, args ...any) *Error {
	return &Error{Action: Retry, Reason: ReasonTimeout, Smaller: true, Message: fmt.Sprintf(format, args...)}
}

func truncatedError(err error, text string) *Error {
	return &Error{Action: Retry, Reason: ReasonTruncated, Smaller: true, Message: clean(text), err: err}
}

// networkError is the error for a connection that could not be established or that broke. If it broke, the request may
// have been too large.
func networkError(err error) *Error {
	op, ok := errors.AsType[*net.OpError](err)
	dialing := ok && op.Op == "dial"
	return &Error{Action: Retry, Reason: ReasonNetwork, Smaller: !dialing, Message: clean(err.Error()), err: err}
}

// connectionError is [networkError], or the error for a connection that needs a person to fix the setup.
func connectionError(err error) *Error {
	setup := &Error{Action: GiveUp, Reason: ReasonSetup, Message: clean(err.Error()), err: err}
	if redirect, ok := errors.AsType[*redirectError](err); ok {
		setup.hint = redirect.hint()
		return setup
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		setup.hint = certificateHint(bad.Err)
		return setup
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		setup.hint = "check mixpanel.base_url (MIXDUCK_MIXPANEL_BASE_URL) and HTTPS_PROXY: this server does not use TLS"
		return setup
	}
	e := networkError(err)
	if answer, ok := errors.AsType[*proxyError](err); ok {
		e.Smaller, e.hint = false, "let the proxy in HTTPS_PROXY pass Mixpanel's hosts, or exclude them with NO_PROXY"
		if answer.status == http.StatusProxyAuthRequired {
			setup.hint = "the proxy asks for credentials: set HTTPS_PROXY=http://user:password@host:port"
			return setup
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		e.Smaller, e.hint = false, "check HTTPS_PROXY: the proxy cannot be reached"
	}
	return e
}

// certificateHint says what to do about a rejected certificate.
func certificateHint(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "check this machine's clock; otherwise the server's certificate must be renewed"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "check mixpanel.base_url (MIXDUCK_MIXPANEL_BASE_URL): the certificate is for another host"
	}
	return "if a gateway or proxy inspects TLS, add its CA certificate to the system's, or set SSL_CERT_FILE to a PEM file with all trusted ones"
}

// clean turns a text into one line of at most maxMessage bytes: valid UTF-8 without control characters.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxMessage {
		return text
	}
	const ellipsis = "…"
	cut := maxMessage - len(ellipsis)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}
