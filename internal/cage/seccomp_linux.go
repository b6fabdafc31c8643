package cage

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// filterCalls limits all threads of the process to the allowed system calls.
func filterCalls() Report {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" { // the lists are untested on others
		return Report{"system calls are not filtered on " + runtime.GOARCH}
	}
	program, err := callFilter(os.Getpid())
	if err == nil {
		fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
			uintptr(unsafe.Pointer(&fprog))) //nolint:gosec // the kernel reads the filter during the call
		if errno != 0 {
			err = errno
		}
	}
	if err != nil {
		return Report{fmt.Sprintf("system calls are not filtered: %v", err)}
	}
	return nil
}

// The kernel's reactions to a call: execute it, fail as if the process had no permission, or fail as if the call did
// not exist.
var (
	allow    = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	refuse   = bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	notThere = bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)}
)

// Offsets in the kernel's struct seccomp_data: the number of the call, the architecture, and the arguments of 8 bytes
// each.
const callOffset, archOffset, argumentOffset = 0, 4, 16

// foreignCalls is the start of the numbers of the x32 interface, where every amd64 call has a second number.
const foreignCalls = 0x40000000

// callFilter returns the filter for the process pid in the kernel's format.
func callFilter(pid int) ([]unix.SockFilter, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	f := filter{numbers: machine.SyscallNames}
	f.load(archOffset)
	f.unless(bpf.JumpEqual, uint32(machine.ID), notThere)
	f.load(callOffset)
	f.unless(bpf.JumpLessThan, foreignCalls, notThere)
	f.each(allowedCalls, allow)
	f.each(refusedCalls, refuse)
	f.block("clone", func() {
		f.load(argument(0).low)
		f.unless(bpf.JumpBitsSet, unix.CLONE_THREAD, refuse)
		f.unless(bpf.JumpBitsNotSet, namespaces, refuse)
		f.add(allow)
	})
	for _, c := range someCalls(pid) {
		f.block(c.call, func() {
			at := argument(c.argument)
			f.load(at.high)
			f.unless(bpf.JumpEqual, 0, refuse)
			f.load(at.low)
			for _, value := range c.values {
				f.unless(bpf.JumpNotEqual, value, allow)
			}
			f.add(refuse)
		})
	}
	f.add(notThere)
	return f.assemble()
}

// filter is a filter program under construction.
type filter struct {
	numbers map[string]int // of the calls on this machine
	program []bpf.Instruction
}

func (f *filter) add(i ...bpf.Instruction) { f.program = append(f.program, i...) }

// load loads four bytes of the data about a call.
func (f *filter) load(offset uint32) { f.add(bpf.LoadAbsolute{Off: offset, Size: 4}) }

// unless ends the program with end, unless the loaded value passes a test.
func (f *filter) unless(test bpf.JumpTest, value uint32, end bpf.Instruction) {
	f.add(bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1}, end)
}

// each ends the program with end for each of these calls. The number of the call must be loaded.
func (f *filter) each(calls []string, end bpf.Instruction) {
	for _, call := range calls {
		if number, ok := f.numbers[call]; ok {
			f.unless(bpf.JumpNotEqual, uint32(number), end)
		}
	}
}

// block adds the instructions from write for one call. The number of the call must be loaded, and is still loaded
// after the block. The instructions must always end the program.
func (f *filter) block(call string, write func()) {
	number, ok := f.numbers[call]
	if !ok {
		return
	}
	at := len(f.program)
	f.add(nil)
	write()
	f.program[at] = bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(number), SkipTrue: uint8(len(f.program) - at - 1)}
}

// halves are the offsets of the halves of an argument. Conditions check low halves, because the kernel ignores the
// rest of an int.
type halves struct{ high, low uint32 }

func argument(n uint32) halves {
	first := argumentOffset + 8*n
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return halves{high: first + 4, low: first}
	}
	return halves{high: first, low: first + 4}
}

func (f *filter) assemble() ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(f.program)
	if err != nil {
		return nil, err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return program, nil
}
