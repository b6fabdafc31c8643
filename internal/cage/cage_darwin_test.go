package cage_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/cage"
)

const childRole = "MIXDUCK_CAGE_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(childRole) == "" {
		os.Exit(m.Run())
	}
	dir := os.Args[1]
	report, err := cage.Enter(cage.Config{Read: []string{filepath.Join(dir, "read")}, Write: []string{filepath.Join(dir, "write")}, OpenFiles: 64})
	fmt.Printf("enter: %v %v\n", report, err)
	try := func(what string, err error) { fmt.Printf("%s: %v\n", what, err == nil) }
	_, err = os.ReadFile(filepath.Join(dir, "read", "file"))
	try("read a readable file", err)
	try("write a readable file", os.WriteFile(filepath.Join(dir, "read", "file"), nil, 0o600))
	try("write a new file", os.WriteFile(filepath.Join(dir, "write", "new"), nil, 0o600))
	_, err = os.ReadFile(filepath.Join(dir, "other"))
	try("read another file", err)
	_, err = net.Dial("tcp", "127.0.0.1:1")
	fmt.Println("network is refused:", err != nil && strings.Contains(err.Error(), "not permitted"))
	try("run a program", exec.Command("/usr/bin/true").Run())
}

func TestWhatACagedProcessMayDo(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"read/file", "write/file", "other"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), exe, dir)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), childRole+"=caged"), &out, &out
	p, err := cage.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	want := fmt.Sprintf("enter: %v <nil>\n", cage.Lacking()) + `read a readable file: true
write a readable file: false
write a new file: true
read another file: false
network is refused: true
run a program: false
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &out, want)
	}
}
