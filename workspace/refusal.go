package workspace

import (
	"errors"
	"regexp"
	"strconv"

	"mixduck/internal/day"
	"mixduck/mixpanel"
)

// refusals notices that Mixpanel refuses the request as such, not its days: it says the same of two different windows, with
// no success in between. Mixpanel answers 400 for some of its own troubles, so that a single refusal proves nothing.
type refusals struct {
	text string // of the last one
	days day.Range
	n    int // in a row with this text
}

// maxRefusals is how often the same window may be refused with the same words.
const maxRefusals = 3

// judge notes a failure. It returns err, marked as permanent where asking again cannot help.
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

// refusalOf returns the words of a refusal that may be for good or may pass, "" for other errors. Numbers do not count: they
// are dates, and names of the request.
func refusalOf(api *mixpanel.Error) string {
	if api == nil || api.Reason != mixpanel.ReasonBadRequest {
		return ""
	}
	return strconv.Itoa(api.Status) + ": " + numbers.ReplaceAllString(api.Message, "#")
}

// sameRefusal returns the words with which Mixpanel refused each try of the window, this one included; "" if they differ.
func (w window) sameRefusal(api *mixpanel.Error) string {
	if text := refusalOf(api); w.tries == 0 || w.refusal == text {
		return text
	}
	return ""
}
