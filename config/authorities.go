package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mixduck/internal/fault"
)

// Authorities names the CA certificates that Go trusts in place of the system's. Go silently ignores files and
// directories that it cannot read.
type Authorities struct {
	File string // SSL_CERT_FILE; "" if not set
	Dirs string // SSL_CERT_DIR: a list of directories; "" if not set
}

// Set reports whether a variable is set.
func (a Authorities) Set() bool { return a != Authorities{} }

// Check returns an error with code [fault.CodeUsage] for each variable that is set to something unreadable, or to
// something without certificates.
func (a Authorities) Check() error {
	return errors.Join(
		checkAuthorities("SSL_CERT_FILE", "set it to a PEM file with CA certificates that this user can read, or unset it", a.File, checkFile),
		checkAuthorities("SSL_CERT_DIR", "set it to directories with PEM files that this user can read, or unset it", a.Dirs, checkDirs),
	)
}

func checkAuthorities(variable, hint, value string, check func(string) error) error {
	if value == "" {
		return nil
	}
	if err := check(value); err != nil {
		return fault.Usage(hint, "%s: %w", variable, err)
	}
	return nil
}

func checkFile(name string) error {
	found, err := certified(name)
	if err == nil && !found {
		err = fmt.Errorf("%s contains no certificate", name)
	}
	return err
}

// checkDirs reports directories that cannot be read. Files in them may be anything, if one has a certificate.
func checkDirs(list string) error {
	var problems []error
	found := false
	for _, dir := range filepath.SplitList(list) {
		files, err := os.ReadDir(dir)
		if err != nil {
			problems = append(problems, err)
		}
		for _, f := range files {
			if found {
				break
			}
			found, _ = certified(filepath.Join(dir, f.Name())) // Go skips such files, too
		}
	}
	if len(problems) == 0 && !found {
		return fmt.Errorf("%s contains no certificate", list)
	}
	return errors.Join(problems...)
}

// certified reports whether a file contains certificates. It does not read pipes, which could be read only once.
func certified(name string) (bool, error) {
	info, err := os.Stat(name)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is not a regular file", name)
	}
	b, err := os.ReadFile(name)
	return err == nil && x509.NewCertPool().AppendCertsFromPEM(b), err
}
