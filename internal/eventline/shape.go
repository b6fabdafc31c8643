package eventline

import "mixduck/internal/jsonscan"

// Fields calls yield with the key and the value of each property, in order and with repeated keys. ok is false if
// properties are not an object that [Parse] accepts; then yield may have been called.
func Fields(properties []byte, yield func(key, value []byte, kind Kind)) (ok bool) {
	s := jsonscan.Scanner{B: properties}
	s.I = s.Space(0)
	s.Object(1, func(key []byte) {
		start := s.I
		if s.Value(2); s.Err == nil {
			yield(key, s.B[start:s.I], kindOf(&s, start))
		}
	})
	return s.Err == nil && s.Space(s.I) == len(properties)
}

// AppendShape appends the keys and the kinds of properties. Properties with the same shape count the same in a
// [Census].
func AppendShape(b, properties []byte) (shape []byte, ok bool) {
	const end = 0xff // not part of a key, which is valid UTF-8
	ok = Fields(properties, func(key, _ []byte, kind Kind) { b = append(append(b, key...), end, byte(kind)) })
	return b, ok
}
