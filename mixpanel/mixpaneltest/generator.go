package mixpaneltest

import (
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"mixduck/internal/day"
)

// Generator is a Source of generated events: lines of 600 to 900 bytes with nearly 30 properties, twenty event names
// of very different frequency, thousands of people, and every form of texts and numbers that JSON allows. The same
// generator always returns the same lines for a day and format. There are no bad lines or duplicate events.
type Generator struct {
	Seed         uint64
	EventsPerDay int
	// EventsOn returns the number of events of a day, if it is not nil. It replaces EventsPerDay.
	EventsOn func(day.Day) int
	// Now omits events that have not arrived by then, according to their mp_processing_time_ms: today is partial, and
	// the days before it still grow. Nil omits none.
	Now func() time.Time
}

const people = 5000

// Lines yields the events of d, spread over the whole day, unsorted.
func (g Generator) Lines(d day.Day, f Format) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		n := g.EventsPerDay
		if g.EventsOn != nil {
			n = g.EventsOn(d)
		}
		zone := f.Shift
		if zone == nil {
			zone = time.UTC
		}
		start, end := d.Start(zone).UnixMilli(), (d + 1).Start(zone).UnixMilli()
		if start == end {
			return // a date skipped by the zone
		}
		w := &writer{
			rand:   rand.New(rand.NewPCG(g.Seed, uint64(d))),
			words:  newVocabulary(),
			format: f,
			line:   make([]byte, 0, 2048),
		}
		last := int64(math.MaxInt64)
		if g.Now != nil {
			last = g.Now().UnixMilli()
		}
		for range n {
			line := w.event(start + w.rand.Int64N(end-start))
			if w.arrived <= last && !yield(line, nil) {
				return
			}
		}
	}
}

// writer writes one event after another into the same memory.
type writer struct {
	rand   *rand.Rand
	words  vocabulary
	format Format
	line   []byte
	// arrived is when the event in line arrived, in milliseconds since 1970.
	arrived int64
}

// event returns an event at the time at, in milliseconds since 1970.
func (w *writer) event(at int64) []byte {
	person := w.skewed(people)
	w.line = append(w.line[:0], `{"event":"`...)
	w.line = append(w.line, w.words.events[w.skewed(len(w.words.events))]...)
	w.line = append(w.line, `","properties":{"time":`...)
	w.line = strconv.AppendInt(w.line, w.time(at), 10)
	w.line = append(w.line, `,"distinct_id":"user-`...)
	w.line = appendPerson(w.line, person)
	w.line = append(w.line, `","$insert_id":"`...)
	w.letters(36)
	w.line = append(w.line, '"')
	w.device(person)
	w.page()
	w.commerce()
	w.arrival(at)
	w.line = append(w.line, "}}\n"...)
	return w.line
}

// time returns the property time for the time at.
func (w *writer) time(at int64) int64 {
	if w.format.Shift != nil {
		_, offset := time.UnixMilli(at).In(w.format.Shift).Zone()
		at += int64(offset) * 1000
	}
	if !w.format.TimeInMS {
		return at / 1000
	}
	return at
}

// device writes properties of a person, not of the event.
func (w *writer) device(person int) {
	w.text("$browser", w.words.browsers[person%len(w.words.browsers)])
	w.int("$browser_version", int64(100+person%40))
	w.text("$city", w.words.cities[person%len(w.words.cities)])
	w.text("$os", w.words.systems[person%len(w.words.systems)])
	w.int("$screen_height", int64(600+person%7*120))
	w.int("$screen_width", int64(800+person%5*280))
	w.key("$device_id")
	w.line = append(w.line, '"')
	w.line = strconv.AppendUint(w.line, uint64(person)*0x9E3779B97F4A7C15|1<<63, 16)
	w.line = append(w.line, '"')
	w.text("plan", w.words.plans[person%len(w.words.plans)])
	w.key("is_member")
	w.line = strconv.AppendBool(w.line, person%3 == 0)
}

// page writes texts with all kinds of escapes.
func (w *writer) page() {
	w.text("mp_lib", "web")
	w.text("$lib_version", "2.49.0")
	w.text("$current_url", `https:\/\/shop.example`)
	w.line = w.line[:len(w.line)-1]
	w.line = append(w.line, w.one(w.words.pages)...)
	w.line = append(w.line, `?ref=mail\u0026id=`...)
	w.line = strconv.AppendInt(w.line, w.rand.Int64N(100_000), 10)
	w.line = append(w.line, '"')
	w.text("title", w.one(w.words.titles))
	w.text("note", w.one(w.words.notes))
	w.key("$referrer")
	w.line = append(w.line, "null"...)
}

// commerce writes numbers in all forms, and nested values.
func (w *writer) commerce() {
	dice := w.rand.Uint64()
	w.int("order_ref", 1<<53+int64(dice%(1<<62)))
	w.key("price")
	w.decimal(int64(dice%100_000), 2)
	w.key("balance")
	w.line = append(w.line, '-')
	w.decimal(int64(dice>>20%10_000_000), 3)
	w.key("score")
	w.decimal(int64(dice>>40%90+10), 1)
	w.line = append(w.line, "e-7"...)
	w.key("mass")
	w.line = append(w.line, "6.02E+23"...)
	w.key("tags")
	w.line = append(w.line, '[')
	w.line = append(w.line, w.one(w.words.tags)...)
	w.line = append(w.line, `],"cart":{"currency":"EUR","items":[`...)
	for i := range dice >> 50 % 3 {
		if i > 0 {
			w.line = append(w.line, ',')
		}
		w.line = append(w.line, `{"sku":"SKU-`...)
		w.line = strconv.AppendUint(w.line, dice>>(i*8)%10_000, 10)
		w.line = append(w.line, `","qty":`...)
		w.line = strconv.AppendUint(w.line, 1+dice>>(i*4)%5, 10)
		w.line = append(w.line, `,"gift":false}`...)
	}
	w.line = append(w.line, `],"coupon":null}`...)
}

// arrival writes when Mixpanel received the event: usually within a minute, sometimes days later.
func (w *writer) arrival(at int64) {
	dice := w.rand.Int64N(60_000 * 100)
	delay := dice / 100
	if dice%100 == 0 {
		delay *= 7200 // up to five days
	}
	w.arrived = at + delay + dice%977
	w.int("$mp_api_timestamp_ms", at+delay)
	w.int("mp_processing_time_ms", w.arrived)
}

func (w *writer) key(key string) {
	w.line = append(w.line, `,"`...)
	w.line = append(w.line, key...)
	w.line = append(w.line, `":`...)
}

func (w *writer) text(key, value string) {
	w.key(key)
	w.line = append(w.line, '"')
	w.line = append(w.line, value...)
	w.line = append(w.line, '"')
}

func (w *writer) int(key string, value int64) {
	w.key(key)
	w.line = strconv.AppendInt(w.line, value, 10)
}

// decimal writes n divided by 10 to the power of digits.
func (w *writer) decimal(n int64, digits int) {
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	w.line = strconv.AppendInt(w.line, n/unit, 10)
	w.line = append(w.line, '.')
	fraction := strconv.AppendInt(nil, unit+n%unit, 10)
	w.line = append(w.line, fraction[1:]...)
}

// letters writes n lower-case letters.
func (w *writer) letters(n int) {
	var bits uint64
	for i := range n {
		if i%12 == 0 {
			bits = w.rand.Uint64()
		}
		w.line = append(w.line, 'a'+byte(bits%26))
		bits /= 26
	}
}

// one returns a random element of texts.
func (w *writer) one(texts []string) string { return texts[w.rand.IntN(len(texts))] }

// skewed returns a random number below n; small ones are much more frequent.
func (w *writer) skewed(n int) int {
	x := w.rand.Float64()
	return int(x * x * x * float64(n))
}
