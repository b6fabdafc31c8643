package query

import (
	"encoding/json"
	"strings"
)

// Given returns a statement, and the value of its parameter, that returns a slice of structs as rows with the given
// columns, in order. This makes data from elsewhere available in every format of queries. Names and types must not
// come from users.
func Given[T any](rows []T, columns ...Column) (sql string, params map[string]string, err error) {
	text, err := json.Marshal(append([]T{}, rows...))
	if err != nil {
		return "", nil, err
	}
	var shape, names strings.Builder
	for i, c := range columns {
		if i > 0 {
			shape.WriteByte(',')
			names.WriteString(", ")
		}
		shape.WriteString(`"` + c.Name + `":"` + c.Type + `"`)
		names.WriteString("r." + identifier(c.Name))
	}
	return "SELECT " + names.String() + " FROM (SELECT unnest(l) AS r, generate_subscripts(l, 1) AS n FROM (SELECT from_json_strict($rows, '[{" +
		shape.String() + "}]') AS l)) ORDER BY n", map[string]string{"rows": string(text)}, nil
}
