//go:build unix

package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// locked runs fn while no other process or goroutine runs one of its own on
// the folder. The lock of a killed process ends with it; what it had written
// aside is swept before fn.
func (f *folder) locked(fn func() error) error {
	lock, err := f.root.OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600)
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
		return fmt.Errorf("lock the key folder: %w", err)
	}
	if err := f.sweep(); err != nil {
		return err
	}
	return fn()
}

// sweep removes what was written aside and not brought to its place; whoever
// holds the lock knows that nobody is still at it.
func (f *folder) sweep() error {
	return fs.WalkDir(f.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, aside) {
			return err
		}
		return f.root.Remove(name)
	})
}
