package mixpanel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// app returns an endpoint of the application API, with the path below the project. In this API the project is part of
// the path, not a parameter.
func (c *Client) app(path string, p *params) endpoint {
	p.Del("project_id")
	return endpoint{http.MethodGet, path, c.appURL + strconv.FormatInt(p.project, 10) + "/" + path, "", free}
}

// free is the enter function of endpoints without a documented limit.
func free(context.Context, int64) (leave func(), err error) { return func() {}, nil }

// readResults parses a list in an object, {"status": "ok", "results": […]}, and each element with read. Two elements
// with the same key are an error.
func readResults[T any](read func(raw json.RawMessage) (T, string, error)) func(answer []byte) ([]T, error) {
	return func(answer []byte) ([]T, error) {
		object, err := decode[struct {
			Status  string             `json:"status"`
			Results *[]json.RawMessage `json:"results"`
		}](answer)
		switch {
		case err != nil:
			return nil, err
		case object.Results == nil:
			return nil, notUnderstood(errors.New("no results"))
		case !bytes.EqualFold([]byte(object.Status), []byte("ok")):
			return nil, notUnderstood(errors.New("the status is not ok"))
		}
		return readElements(*object.Results, read)
	}
}

// readList parses a list, and each element with read. Two elements with the same key are an error.
func readList[T any](read func(raw json.RawMessage) (T, string, error)) func(answer []byte) ([]T, error) {
	return func(answer []byte) ([]T, error) {
		elements, err := decode[[]json.RawMessage](answer)
		if err != nil {
			return nil, err
		}
		return readElements(elements, read)
	}
}

func readElements[T any](elements []json.RawMessage, read func(raw json.RawMessage) (T, string, error)) ([]T, error) {
	all, keys := make([]T, 0, len(elements)), make(map[string]bool, len(elements))
	for i, raw := range elements {
		one, key, err := read(raw)
		switch {
		case err != nil:
			return nil, notUnderstood(fmt.Errorf("element %d: %w", i, err))
		case keys[key]:
			return nil, notUnderstood(fmt.Errorf("element %d is a duplicate", i))
		}
		keys[key] = true
		all = append(all, one)
	}
	return all, nil
}

// idKey returns the key of an element with this ID, which must be positive.
func idKey(id int64) (string, error) {
	if id <= 0 {
		return "", errors.New("no id")
	}
	return strconv.FormatInt(id, 10), nil
}

// looseText is a text that Mixpanel sometimes sends as a number or null.
type looseText string

// UnmarshalJSON keeps the digits of a number.
func (t *looseText) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*t = ""
		return nil
	}
	if raw[0] == '{' || raw[0] == '[' {
		return errors.New("a list or an object instead of text")
	}
	*t = looseText(rawText(raw))
	return nil
}

// looseBool is a boolean that Mixpanel sometimes sends as 0, 1 or null.
type looseBool bool

// UnmarshalJSON accepts true, false, 1, 0 and null.
func (b *looseBool) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "true", "1":
		*b = true
	case "false", "0", "null":
		*b = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}
