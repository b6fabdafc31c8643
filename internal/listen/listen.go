// Package listen holds the rules for addresses at which a worker listens: who can reach them.
package listen

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"mixduck/internal/fault"
)

// Loopback reports whether only this machine can reach an address host:port.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && LoopbackHost(host)
}

// LoopbackHost reports whether a host can only be this machine. Names other than localhost may mean anything.
func LoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Local returns the address at which this machine reaches a server that listens at address: one that listens at all addresses
// is at the loopback address, too.
func Local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Error explains an address, the value of the setting key, that cannot be used.
func Error(key, address string, err error) error {
	name := strings.ReplaceAll(key, ".", "-")
	variable := "MIXDUCK_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
	hint := fmt.Sprintf("give --%s (%s) another address, as 127.0.0.1:6500, or off", name, variable)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fault.New(fault.CodeFailed, hint, "%s: address %s is in use", key, address)
	}
	return fault.Usage(hint, "%s: %w", key, err)
}
