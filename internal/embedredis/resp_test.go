package embedredis

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

// encode writes a command like a client.
func encode(args []string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}

// FuzzReadCommand passes any bytes to the parser. Accepted commands must be read again as the same commands after
// encoding, and truncated commands must be rejected.
func FuzzReadCommand(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$4\r\nPING\r\n", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$4\r\nQUIT\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "PING\r\n", "*1\r\n$4\r\nPINGxx", "*+1\r\n$04\r\nPING\r\n",
		"*1\r\n$3\r\n\r\n\x00\r\n", "*99999999\r\n", "*1\r\n$67108864\r\nx", "*2\r\n$1\r\na\r\n", "\r\n", "*\r\n", "*1\n$1\na\n", "$1\r\na\r\n", "*1\r\n*1\r\n$1\r\na\r\n", "*9223372036854775808\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bufio.NewReader(bytes.NewReader(data))
		for {
			args, err := readCommand(in)
			if err != nil {
				if !errors.Is(err, errProtocol) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("%q: error = %v", data, err)
				}
				return
			}
			checkRoundTrip(t, args)
		}
	})
}

func checkRoundTrip(t *testing.T, args []string) {
	t.Helper()
	written := encode(args)
	again := bufio.NewReader(io.MultiReader(bytes.NewReader(written), bytes.NewReader([]byte("rest"))))
	got, err := readCommand(again)
	if err != nil || !slices.Equal(got, args) {
		t.Fatalf("%q is read as %q, %v", args, got, err)
	}
	if rest, err := io.ReadAll(again); err != nil || string(rest) != "rest" {
		t.Fatalf("%q: left are %q, %v", args, rest, err)
	}
	for i := range min(len(written), 200) {
		if got, err := readCommand(bufio.NewReader(bytes.NewReader(written[:i]))); err == nil {
			t.Fatalf("%q is read as %q", written[:i], got)
		}
	}
}
