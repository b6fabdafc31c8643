package answer

import (
	"bytes"

	"mixduck/internal/eventline"
)

// Block is a sequence of whole lines. It is used by one goroutine at a time.
type Block struct {
	buf    []byte
	text   []byte // the used part of buf
	rest   []byte // the unread part of text; it ends with a newline
	number int64  // of the next line, from 1
	ready  []Line // lines that come before rest
}

func (b *Block) begin(end int, number int64) {
	b.text, b.rest = b.buf[:end], b.buf[:end]
	b.number, b.ready = number, b.ready[:0]
}

// Text returns the memory that contains the texts of all lines of the block.
func (b *Block) Text() []byte { return b.text }

// parser parses events: [*eventline.Keys] or [*eventline.Census].
type parser interface {
	Parse(line []byte, e *eventline.Event) error
}

// Next returns the next non-blank line of the block; ok is false after the last one. If the line is an event, it fills
// e with p, and p has parsed nothing after it; otherwise e is undefined. It returns an [*Error] if the line shows that
// the response is not complete.
func (b *Block) Next(p parser, e *eventline.Event) (line Line, ok bool, err error) {
	for len(b.ready) == 0 && len(b.rest) > 0 {
		end := bytes.IndexByte(b.rest, '\n')
		if text := bytes.TrimSuffix(b.rest[:end], []byte{'\r'}); len(text) > 0 && p.Parse(text, e) == nil {
			line = Line{Text: trim(text), Number: b.number}
			b.skip(end + 1)
			return line, true, nil
		}
		if err := b.odd(end); err != nil {
			return Line{}, false, err
		}
	}
	if len(b.ready) == 0 {
		return Line{}, false, nil
	}
	line, b.ready = b.ready[0], b.ready[1:]
	if line.Reason == nil {
		err = p.Parse(line.Text, e)
	}
	return line, true, err
}

// skip moves to the next line, n bytes further.
func (b *Block) skip(n int) {
	b.rest = b.rest[n:]
	b.number++
}

// odd handles a line that is not just an event, possibly with some of the following lines, and makes the resulting
// lines ready. The line ends end bytes further.
func (b *Block) odd(end int) error {
	line := b.rest[:end]
	trimmed := trim(line)
	n := leadingEvent(trimmed)
	switch {
	case len(trimmed) == 0:
		b.skip(end + 1)
	case n == 0:
		return b.between()
	case n < len(trimmed): // more follows on the line
		b.add(Line{Text: trimmed[:n], Number: b.number})
		b.rest = b.rest[bytes.Index(line, trimmed)+n:]
	default:
		b.add(Line{Text: trimmed, Number: b.number})
		b.skip(end + 1)
	}
	return nil
}

// add makes a line ready that is an event, even if it cannot be stored.
func (b *Block) add(l Line) {
	var e eventline.Event
	l.Reason = eventline.Parse(l.Text, &e)
	b.ready = append(b.ready, l)
}

// between handles the lines before the next event.
func (b *Block) between() error {
	pieces, end, number := b.pieces()
	unfit := func(reason string) error {
		return &Error{Line: pieces[0].number, Reason: reason, Text: clip(b.rest[pieces[0].start:pieces[len(pieces)-1].end])}
	}
	if end == len(b.rest) {
		return unfit("the response does not end with an event")
	}
	loose, tries := 0, maxJoinBytes
	for i := 0; i < len(pieces); {
		p := pieces[i]
		if n := b.join(pieces[i:], &tries); n > 0 {
			i += n
			continue
		}
		text := b.rest[p.start:p.end]
		if isReport(text) {
			return unfit("the response contains an error message between events")
		}
		if n, _ := jsonValue(text); n == 0 || n < len(trim(text)) {
			loose++
		}
		b.add(Line{Text: text, Number: p.number})
		i++
	}
	if loose > 1 {
		return unfit("the response contains text of several lines between events")
	}
	b.rest, b.number = b.rest[end:], number
	return nil
}

// piece is a line, without its end, that does not start with an event.
type piece struct {
	start, end int // within the rest of the block
	number     int64
}

// pieces returns the non-blank lines before the next event, and the position and line number of that event. If there
// is none, it returns the end of the block.
func (b *Block) pieces() (all []piece, end int, number int64) {
	for number = b.number; end < len(b.rest); number++ {
		length := bytes.IndexByte(b.rest[end:], '\n')
		line := bytes.TrimSuffix(b.rest[end:end+length], []byte{'\r'})
		switch trimmed := trim(line); {
		case len(trimmed) == 0:
		case leadingEvent(trimmed) > 0:
			return all, end, number
		default:
			all = append(all, piece{end, end + len(line), number})
		}
		end += length + 1
	}
	return all, end, number
}

// maxJoinBytes limits the work of joining lines between two events, in bytes read.
const maxJoinBytes = 256 << 20

// join makes an event ready if the first piece is the beginning of one, and the following pieces are its rest. It
// returns the number of pieces used, 0 if they are not an event.
func (b *Block) join(pieces []piece, tries *int) int {
	var joined []byte
	for i, p := range pieces {
		text := b.rest[p.start:p.end]
		if i == 0 && trim(text)[0] != '{' {
			return 0
		}
		joined = append(joined, text...)
		if i == 0 || joined[len(joined)-1] != '}' {
			continue
		}
		if *tries -= len(joined); *tries < 0 || len(joined) > maxLine {
			return 0
		}
		if !isEvent(joined) {
			continue
		}
		b.add(Line{Text: joined, Number: pieces[0].number, Joined: true})
		if l := &b.ready[len(b.ready)-1]; l.Reason == nil {
			l.Text = b.rest[pieces[0].start:][:copy(b.rest[pieces[0].start:], joined)] // within the memory of the block's texts
		} else {
			l.Text = b.rest[pieces[0].start:p.end]
		}
		return i + 1
	}
	return 0
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trim removes white space and byte order marks around a line.
func trim(line []byte) []byte {
	if n := len(line); n > 0 && line[0] == '{' && line[n-1] == '}' { // almost all lines
		return line
	}
	return bytes.TrimFunc(bytes.TrimPrefix(bytes.TrimLeft(line, space), byteOrderMark), func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
}

const space = " \t\n\v\f\r"
