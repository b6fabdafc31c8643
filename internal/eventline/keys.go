package eventline

import "mixduck/internal/jsonscan"

// Keys are properties to store in addition to the fields of an [Event]. A nil *Keys has none. Safe for concurrent use.
type Keys struct {
	names []string
	slots [keySlots][]int // indexes into names by slot
}

const keySlots = 64

// NewKeys returns keys with these names, which must be distinct and not empty.
func NewKeys(names []string) *Keys {
	if len(names) == 0 {
		return nil
	}
	k := &Keys{names: names}
	for i, name := range names {
		s := slotOf([]byte(name))
		k.slots[s] = append(k.slots[s], i)
	}
	return k
}

// slotOf is a cheap hash of a key, because most properties of a line are not requested.
func slotOf(key []byte) uint {
	n := len(key)
	return (uint(n) + 5*uint(key[0]) + 11*uint(key[n-1]) + 23*uint(key[n/2])) % keySlots
}

// blank returns values with a nil for each key.
func (k *Keys) blank(values [][]byte) [][]byte {
	if k == nil {
		return nil
	}
	if len(values) != len(k.names) {
		return make([][]byte, len(k.names))
	}
	clear(values)
	return values
}

// keep stores the value if key is one of the keys and occurs for the first time.
func (k *Keys) keep(key, value []byte, values [][]byte) {
	if i := k.index(key); i >= 0 && values[i] == nil {
		values[i] = value
	}
}

// index returns the index of a key in the values, -1 if it is not one of the keys.
func (k *Keys) index(key []byte) int16 {
	if k == nil || len(key) == 0 {
		return -1
	}
	for _, i := range k.slots[slotOf(key)] {
		if k.names[i] == string(key) {
			return int16(i)
		}
	}
	return -1
}

// Values returns the values of the keys in an event's properties, in the form of [Event.Values], reusing the memory of
// values. If properties are not a JSON object, it returns one of the errors of [Parse].
func (k *Keys) Values(properties []byte, values [][]byte) ([][]byte, error) {
	e := Event{Values: k.blank(values)}
	p := parser{Scanner: jsonscan.Scanner{B: properties}, e: &e, keys: k}
	p.Object(1, p.property)
	if p.Err == nil && p.Space(p.I) != len(properties) {
		p.Fail(ErrJSON)
	}
	return e.Values, p.Err
}
