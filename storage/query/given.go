package query

import (
	"encoding/json"
	"strings"
)

// Given returns a statement, and the value of its parameter, whose rows are those of a slice of structs with these columns, in its order.
// So what was found elsewhere can be shown in every format that queries have. The names and types are not from people.
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
	return "SELECT " + names.String() + " FROM (SELECT unnest(l) AS r, generate_subscripts(l, 1) AS n FROM (SELECT from_json($rows, '[{" +
		shape.String() + "}]') AS l)) ORDER BY n", map[string]string{"rows": string(text)}, nil
}
