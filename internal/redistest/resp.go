package redistest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var errRESP = errors.New("this is not RESP")

// readCommand reads an array of at least one bulk string, and returns its raw form and the strings.
func readCommand(r *bufio.Reader) (raw []byte, args []string, err error) {
	kind, head, err := readLine(r)
	if err != nil {
		return nil, nil, err
	}
	n, err := strconv.Atoi(head)
	if err != nil || kind != '*' || n < 1 {
		return nil, nil, errRESP
	}
	var all bytes.Buffer
	fmt.Fprintf(&all, "*%d\r\n", n)
	for range n {
		kind, head, err := readLine(r)
		if err != nil {
			return nil, nil, err
		}
		size, err := strconv.Atoi(head)
		if err != nil || kind != '$' || size < 0 {
			return nil, nil, errRESP
		}
		body := make([]byte, size+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(&all, "$%d\r\n%s", size, body)
		args = append(args, string(body[:size]))
	}
	return all.Bytes(), args, nil
}

// readReply reads a reply in RESP 2 or 3 and returns its raw form, with the messages that came before it.
func readReply(r *bufio.Reader) ([]byte, error) {
	var all bytes.Buffer
	for {
		push, err := copyReply(&all, r)
		if err != nil || !push {
			return all.Bytes(), err
		}
	}
}

// copyReply copies a reply, and reports whether it is a push message.
func copyReply(to *bytes.Buffer, r *bufio.Reader) (push bool, err error) {
	kind, head, err := readLine(r)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(to, "%c%s\r\n", kind, head)
	if strings.IndexByte("+-:_#,(", kind) >= 0 {
		return false, nil
	}
	size, err := strconv.Atoi(head)
	if err != nil {
		return false, errRESP
	}
	switch kind {
	case '$', '!', '=':
		if size >= 0 {
			_, err = io.CopyN(to, r, int64(size)+2)
		}
		return false, err
	case '%', '|':
		size *= 2
	case '*', '~', '>':
	default:
		return false, errRESP
	}
	for range size {
		if _, err := copyReply(to, r); err != nil {
			return false, err
		}
	}
	if kind == '|' { // attributes precede the value they describe
		return copyReply(to, r)
	}
	return kind == '>', nil
}

func readLine(r *bufio.Reader) (kind byte, rest string, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, "", err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, "", errRESP
	}
	return line[0], line[1 : len(line)-2], nil
}
