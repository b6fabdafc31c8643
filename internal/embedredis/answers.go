package embedredis

import "strings"

const (
	maxAnswers     = 256
	maxAnswerBytes = 4 << 10
)

// answers caches the replies of scripts that changed nothing, until something changes. Idle workers send the same
// requests many times a second, and running a script takes twenty times as long as a look-up. Not safe for concurrent
// use; the zero value is empty.
type answers struct {
	known map[string]string // replies in wire format, by command
}

// find returns the reply to a script's command, if it is known.
func (a *answers) find(command []string) (reply string, ok bool) {
	if len(a.known) == 0 || !strings.EqualFold(command[0], "EVALSHA") {
		return "", false
	}
	reply, ok = a.known[string(appendStrings(nil, command))]
	return reply, ok
}

// keep stores the reply to an EVALSHA, unless it is an error or long.
func (a *answers) keep(command []string, reply string) {
	if len(reply) > maxAnswerBytes || strings.HasPrefix(reply, "-") || !strings.EqualFold(command[0], "EVALSHA") {
		return
	}
	if a.known == nil || len(a.known) >= maxAnswers {
		a.known = make(map[string]string)
	}
	a.known[string(appendStrings(nil, command))] = reply
}

// forget must be called when the data has changed.
func (a *answers) forget() { clear(a.known) }
