package mixpaneltest

import (
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// People is a ProfileSource of generated profiles with 25 properties, about 700 bytes each. The same seed always
// returns the same profiles. Without a Prefix the IDs are those of the people in a [Generator]'s events.
type People struct {
	Seed   uint64
	Count  int
	Prefix string // of the IDs; "" means user-
}

// Len returns the number of profiles.
func (p People) Len() int { return p.Count }

// The ID of a person is the person's number times a factor, modulo a prime. It looks random, and can be converted
// back.
const (
	personFactor = 2654435761
	personPrime  = 1_000_000_007
)

// appendPerson appends the part of a person's ID after the prefix.
func appendPerson(b []byte, person int) []byte {
	return strconv.AppendUint(b, uint64(person)*personFactor%personPrime, 36)
}

// Find returns the position of a profile.
func (p People) Find(distinctID string) (position int, ok bool) {
	text, ok := strings.CutPrefix(distinctID, p.prefix())
	n, err := strconv.ParseUint(text, 36, 64)
	if !ok || err != nil || n >= personPrime {
		return 0, false
	}
	inverse, base := uint64(1), uint64(personFactor%personPrime)
	for e := uint64(personPrime - 2); e > 0; e >>= 1 { // Fermat
		if e&1 == 1 {
			inverse = inverse * base % personPrime
		}
		base = base * base % personPrime
	}
	position = int(n * inverse % personPrime)
	return position, position < p.Count && string(appendPerson(nil, position)) == text
}

func (p People) prefix() string {
	if p.Prefix == "" {
		return "user-"
	}
	return p.Prefix
}

// ID returns the ID of the profile at a position.
func (p People) ID(position int) string { return string(appendPerson([]byte(p.prefix()), position)) }

// At yields profiles.
func (p People) At(positions iter.Seq[int]) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		dice := rand.NewPCG(0, 0)
		w := &writer{rand: rand.New(dice), words: newVocabulary(), line: make([]byte, 0, 2048)}
		for i := range positions {
			dice.Seed(p.Seed, uint64(i))
			if !yield(p.ID(i), w.profile(i)) {
				return
			}
		}
	}
}

// Range yields the profiles at positions from from up to but not including to.
func (p People) Range(from, to int) iter.Seq2[string, []byte] { return p.At(span(from, to)) }

// firstSeen and seenFor define when people were first seen: within seenFor after firstSeen.
var firstSeen = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	seenFor    = 300 * 24 * time.Hour
	profileISO = "2006-01-02T15:04:05" // the form of times in profiles: without a zone
)

// profile writes the properties of a person.
func (w *writer) profile(person int) []byte {
	created := firstSeen.Add(time.Duration(w.rand.Int64N(int64(seenFor))))
	seen := created.Add(time.Duration(w.rand.Int64N(int64(firstSeen.Add(seenFor).Sub(created)) + 1)))
	w.line = append(w.line[:0], `{"$created":"`...)
	w.line = created.AppendFormat(w.line, profileISO)
	w.line = append(w.line, `","$last_seen":"`...)
	w.line = seen.AppendFormat(w.line, profileISO)
	w.line = append(w.line, '"')
	w.device(person) // ten properties
	w.key("$email")
	w.line = append(w.line, '"')
	w.letters(8)
	w.line = append(w.line, `@example.com"`...)
	w.text("$name", w.one(w.words.titles))
	w.text("$timezone", `Europe\/Berlin`)
	w.text("note", w.one(w.words.notes))
	w.int("logins", w.rand.Int64N(10_000))
	w.commerce() // seven properties
	w.key("Total Spent")
	w.decimal(w.rand.Int64N(1_000_000), 2)
	return append(w.line, '}')
}
