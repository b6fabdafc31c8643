package promotion

import "math"

// decimal is a number in text form: sign, digits before and after the point, and exponent.
type decimal struct {
	negative        bool
	whole, fraction []byte // digits
	exponent        int
}

// maxExponent limits exponents. No text is long enough for a larger one to make a difference.
const maxExponent = 1 << 30

// parseDecimal parses [+-]digits[.digits][e[+-]digits]. One side of the point can be empty.
func parseDecimal(text []byte) (d decimal, ok bool) {
	text, d.negative = cutSign(text)
	d.whole, text = cutDigits(text)
	if len(text) > 0 && text[0] == '.' {
		d.fraction, text = cutDigits(text[1:])
	}
	if len(d.whole)+len(d.fraction) == 0 {
		return d, false
	}
	if len(text) == 0 {
		return d, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return d, false
	}
	text, negative := cutSign(text[1:])
	digits, rest := cutDigits(text)
	for _, c := range digits {
		d.exponent = min(10*d.exponent+int(c-'0'), maxExponent)
	}
	if negative {
		d.exponent = -d.exponent
	}
	return d, len(digits) > 0 && len(rest) == 0
}

func cutSign(text []byte) (rest []byte, negative bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

func cutDigits(text []byte) (digits, rest []byte) {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

func (d decimal) len() int { return len(d.whole) + len(d.fraction) }

// digit returns the i-th digit, 0 after the last one.
func (d decimal) digit(i int) uint64 {
	switch {
	case i < len(d.whole):
		return uint64(d.whole[i] - '0')
	case i < d.len():
		return uint64(d.fraction[i-len(d.whole)] - '0')
	}
	return 0
}

// scaled returns the number times 10^power without its fraction; exact means that it has none. ok is false if the
// number does not fit.
func (d decimal) scaled(power int) (n int64, exact, ok bool) {
	first := 0
	for d.digit(first) == 0 {
		if first++; first >= d.len() {
			return 0, true, true
		}
	}
	end := len(d.whole) + d.exponent + power // the digits from here on are the fraction
	if end-first > len("9223372036854775808") {
		return 0, false, false
	}
	var u uint64
	for i := first; i < end; i++ {
		u = 10*u + d.digit(i) // 19 digits fit
	}
	exact = true
	for i := max(first, end); i < d.len(); i++ {
		exact = exact && d.digit(i) == 0
	}
	switch {
	case d.negative && u == 1<<63:
		return math.MinInt64, exact, true
	case u > math.MaxInt64:
		return 0, false, false
	case d.negative:
		return -int64(u), exact, true
	}
	return int64(u), exact, true
}

// rounded returns the number times 10^power, rounded half away from zero.
func (d decimal) rounded(power int) (int64, bool) {
	n, _, ok := d.scaled(power)
	if next := len(d.whole) + d.exponent + power; ok && next >= 0 && d.digit(next) >= 5 {
		if d.negative {
			return n - 1, true
		}
		return n + 1, true
	}
	return n, ok
}
