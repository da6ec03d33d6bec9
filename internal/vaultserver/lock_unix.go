//go:build unix

package vaultserver

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// locked runs fn while no other process runs one of its own under the file's lock.
func locked(file string, fn func() error) error {
	lock, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return err
	}
	defer lock.Close()
	for {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file, err)
	}
	return fn()
}
