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

// filterCalls lets all threads of the process use only the system calls that are allowed.
func filterCalls() Report {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" { // on others the lists have not been tried
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

// What the kernel does with a call: carry it out, or answer as if the process had no right to it, or as if it did not know it.
var (
	allow    = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	refuse   = bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	notThere = bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)}
)

// Where the kernel's struct seccomp_data has the number of the call, the machine, and the arguments of 8 bytes each.
const callOffset, archOffset, argumentOffset = 0, 4, 16

// foreignCalls is where the numbers of the x32 interface begin, under which any call of amd64 has a second one.
const foreignCalls = 0x40000000

// callFilter returns the filter for the process pid, as the kernel wants it.
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

// filter is a program that is being written.
type filter struct {
	numbers map[string]int // of the calls that this machine has
	program []bpf.Instruction
}

func (f *filter) add(i ...bpf.Instruction) { f.program = append(f.program, i...) }

// load loads four bytes of what the kernel says of a call.
func (f *filter) load(offset uint32) { f.add(bpf.LoadAbsolute{Off: offset, Size: 4}) }

// unless ends the program unless what is loaded passes a test.
func (f *filter) unless(test bpf.JumpTest, value uint32, end bpf.Instruction) {
	f.add(bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1}, end)
}

// each ends the program for each of these calls. The number of the call has to be loaded.
func (f *filter) each(calls []string, end bpf.Instruction) {
	for _, call := range calls {
		if number, ok := f.numbers[call]; ok {
			f.unless(bpf.JumpNotEqual, uint32(number), end)
		}
	}
}

// block adds what write writes, for one call. The number of the call has to be loaded, and still is after the block: write has
// to end the program in any case.
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

// halves are where the halves of an argument are. Conditions are about low halves: the kernel takes no more of an int.
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
