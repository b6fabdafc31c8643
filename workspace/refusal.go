package workspace

import (
	"errors"
	"regexp"
	"strconv"

	"mixduck/internal/day"
	"mixduck/mixpanel"
)

// refusals detects that Mixpanel refuses the request itself, not its days: the text is the same for two different
// windows, with no success in between. A single refusal proves nothing, because Mixpanel sends 400 for some problems
// of its own.
type refusals struct {
	text string // text of the last refusal
	days day.Range
	n    int // consecutive refusals with this text
}

// maxRefusals is the number of equal refusals of one window that are permanent.
const maxRefusals = 3

// judge records a failure. It returns err, marked as permanent if another request cannot help.
func (r *refusals) judge(w window, err error) error {
	api, ok := errors.AsType[*mixpanel.Error](err)
	text := refusalOf(api)
	if !ok || text == "" {
		return err
	}
	if text != r.text {
		*r = refusals{text: text, days: w.days}
	}
	if r.n++; r.n < maxRefusals && w.days == r.days {
		return err
	}
	lasting := *api
	lasting.Action, lasting.After = mixpanel.GiveUp, 0
	return &lasting
}

var numbers = regexp.MustCompile("[0-9]+")

// refusalOf returns the text of a refusal that may be permanent, or "" for other errors. Digits are removed: they are
// dates or request ids.
func refusalOf(api *mixpanel.Error) string {
	if api == nil || api.Reason != mixpanel.ReasonBadRequest {
		return ""
	}
	return strconv.Itoa(api.Status) + ": " + numbers.ReplaceAllString(api.Message, "#")
}

// sameRefusal returns the text with which Mixpanel refused every try of the window, including this one, or "" if the
// texts differ.
func (w window) sameRefusal(api *mixpanel.Error) string {
	if text := refusalOf(api); w.tries == 0 || w.refusal == text {
		return text
	}
	return ""
}
