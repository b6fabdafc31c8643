package storage

import (
	"slices"

	"mixduck/internal/eventline"
)

// neededType returns the narrowest type for values of these kinds.
func neededType(kinds []string) string {
	null := eventline.Null.String()
	for _, typ := range []string{"BIGINT", wideInteger, "DOUBLE", "BOOLEAN", "JSON"} {
		if fits(typ, kinds) && slices.ContainsFunc(kinds, func(k string) bool { return k != null }) && (typ != "JSON" || isNested(kinds)) {
			return typ
		}
	}
	return "VARCHAR"
}

// isNested reports whether all values are lists and objects.
func isNested(kinds []string) bool {
	return fitsKinds(kinds, eventline.Array, eventline.Object)
}

// fits reports whether a column of a type can hold all values of these kinds. Whoever has promoted a property to a time
// knows that all of its values may not fit.
func fits(typ string, kinds []string) bool {
	switch typ {
	case "BIGINT":
		return fitsKinds(kinds, eventline.Integer)
	case wideInteger:
		return fitsKinds(kinds, eventline.Integer, eventline.LargeInteger)
	case "DOUBLE":
		return fitsKinds(kinds, eventline.Integer, eventline.Number)
	case "BOOLEAN":
		return fitsKinds(kinds, eventline.Boolean)
	}
	return true
}

func fitsKinds(kinds []string, allowed ...eventline.Kind) bool {
	return !slices.ContainsFunc(kinds, func(k string) bool {
		return k != eventline.Null.String() && !slices.ContainsFunc(allowed, func(a eventline.Kind) bool { return a.String() == k })
	})
}
