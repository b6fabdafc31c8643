package embedredis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits of a command, far above those of a queue: they keep a faulty client from using up the process's memory.
const (
	maxArgs     = 1 << 20
	maxArgBytes = 64 << 20
)

// errProtocol is sent to a client that does not use Redis's protocol. Its connection is then closed.
var errProtocol = errors.New("ERR Protocol error")

// readCommand reads a command, an array of bulk strings. It returns no words for an empty array, io.EOF if the client
// has disconnected between commands, and an error that wraps errProtocol for anything else.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readLength(r, '*', maxArgs)
	if err != nil {
		return nil, err
	}
	args := make([]string, 0, min(max(n, 0), 64))
	for range n {
		arg, err := readBulk(r)
		if err != nil {
			return nil, fmt.Errorf("within a command: %w", err)
		}
		args = append(args, arg)
	}
	return args, nil
}

func readBulk(r *bufio.Reader) (string, error) {
	n, err := readLength(r, '$', maxArgBytes)
	if err != nil {
		return "", err
	}
	if n < 0 {
		return "", fmt.Errorf("%w: null instead of a string", errProtocol)
	}
	buf := make([]byte, n+2)
	if _, err := io.ReadFull(r, buf); err != nil {
		return "", err
	}
	if buf[n] != '\r' || buf[n+1] != '\n' {
		return "", fmt.Errorf("%w: unterminated string", errProtocol)
	}
	return string(buf[:n]), nil
}

// readLength reads a line such as "*3\r\n".
func readLength(r *bufio.Reader, kind byte, limit int) (int, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return 0, fmt.Errorf("%w: line too long", errProtocol)
	case err != nil:
		return 0, err
	case len(line) < 4 || line[len(line)-2] != '\r' || line[0] != kind:
		return 0, fmt.Errorf("%w: expected '%c'", errProtocol, kind)
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n > limit {
		return 0, fmt.Errorf("%w: invalid length", errProtocol)
	}
	return n, nil
}
