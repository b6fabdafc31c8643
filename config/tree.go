package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"mixduck/internal/invisible"
)

// position is a place in the file, counted from 1; zero for values not in the file.
type position struct{ line, column int }

func positionOf(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

// node is a value in the file.
type node struct {
	at      position
	kind    nodeKind
	text    string  // for scalars
	entries []entry // for mappings
	items   []*node // for lists
}

type nodeKind int

const (
	blank nodeKind = iota // empty, or null
	scalar
	mapping
	sequence
)

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    position
	value *node
}

// get returns the node at a path of keys, or nil. It works on a nil node.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		i := slices.IndexFunc(n.entries, func(e entry) bool { return e.key == key })
		if i < 0 {
			return nil
		}
		n = n.entries[i].value
	}
	return n
}

// misplaced is a problem at a place in the file.
type misplaced struct {
	at  position
	err error
}

// parseTree parses a file. Reported problems contain keys, but no other text of the file.
func parseTree(b []byte) (*node, []misplaced) {
	text, err := invisible.Decode(b)
	if err != nil {
		return nil, []misplaced{{position{1, 1}, err}}
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")                                  // after a comment the parser counts such a line end twice
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey()) // duplicates are reported here, with all other problems
	if err != nil {
		wrong := misplaced{position{1, 1}, errors.New("is not valid YAML")}
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			wrong = misplaced{positionOf(syntax.Token), fmt.Errorf("is not valid YAML: %s%s", syntax.Message, syntaxHint(syntax.Message))}
		}
		return nil, []misplaced{wrong}
	}
	t := &treeReader{}
	root := &node{at: position{1, 1}}
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i > 0:
			t.refuse(doc.Body, "starts a second document; only one is allowed")
		default:
			root = t.read(doc.Body)
		}
	}
	return root, t.wrong
}

// syntaxHint suggests a likely fix.
func syntaxHint(message string) string {
	switch message {
	case "undefined alias name", "'@' is a reserved character", "'`' is a reserved character", "mapping value is not allowed in this context":
		return "; put the text in quotes"
	}
	return ""
}

const noShorthand = "anchors, aliases, tags, merges and keys other than names are not supported"

// treeReader converts the parser's nodes.
type treeReader struct{ wrong []misplaced }

func (t *treeReader) refuse(n ast.Node, problem string) *node {
	at := positionOf(n.GetToken())
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		at = positionOf(m.Values[0].Key.GetToken())
	}
	t.wrong = append(t.wrong, misplaced{at, errors.New(problem)})
	return nil
}

// read returns nil for nodes that it rejects.
func (t *treeReader) read(n ast.Node) *node {
	at := positionOf(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{at: at}
	case *ast.StringNode:
		return &node{at: at, kind: scalar, text: n.Value}
	case *ast.LiteralNode:
		return &node{at: at, kind: scalar, text: n.Value.Value}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return &node{at: at, kind: scalar, text: n.GetToken().Value}
	case *ast.SequenceNode:
		list := &node{at: at, kind: sequence}
		for _, v := range n.Values {
			if item := t.read(v); item != nil {
				list.items = append(list.items, item)
			}
		}
		return list
	case *ast.MappingNode:
		return t.mapping(n.Values, at)
	case *ast.MappingValueNode:
		return t.mapping([]*ast.MappingValueNode{n}, at)
	}
	return t.refuse(n, noShorthand)
}

func (t *treeReader) mapping(values []*ast.MappingValueNode, at position) *node {
	m := &node{at: at, kind: mapping}
	if len(values) > 0 {
		m.at = positionOf(values[0].Key.GetToken())
	}
	for _, v := range values {
		var key string
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			key = k.GetToken().Value
		default:
			t.refuse(k, noShorthand)
			continue
		}
		at := positionOf(v.Key.GetToken())
		if err := invisible.Check(key); err != nil {
			t.wrong = append(t.wrong, misplaced{at, fmt.Errorf("the key %+q %w: remove it", key, err)})
			continue
		}
		if m.get(key) != nil {
			t.wrong = append(t.wrong, misplaced{at, fmt.Errorf("duplicate key %s", key)})
			continue
		}
		if value := t.read(v.Value); value != nil {
			m.entries = append(m.entries, entry{key, at, value})
		}
	}
	return m
}
