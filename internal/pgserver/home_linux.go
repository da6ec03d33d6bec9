package pgserver

import (
	"os"
	"path/filepath"
	"syscall"
)

const homes = "wangge-pgserver-"

// temporary is the folder for temporary files, or /tmp when that one is closed
// to the user that the server will run as.
func temporary(as *syscall.Credential) string {
	for dir := os.TempDir(); as != nil; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return os.TempDir()
}

// newHome makes a folder under dir that is known to be in use for as long as
// the lock is open, and removes those whose process ended without Stop.
func newHome(dir string) (home string, lock *os.File, err error) {
	sweep(dir)
	if home, err = os.MkdirTemp(dir, homes); err != nil {
		return "", nil, err
	}
	if lock, err = claim(home); err != nil {
		_ = os.RemoveAll(home)
		return "", nil, err
	}
	return home, lock, nil
}

// claim makes home's lock file, which carries its name only once it is locked.
func claim(home string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(home, "unlocked"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, os.Rename(f.Name(), filepath.Join(home, "lock"))
}

// sweep removes what it may of the homes that nobody holds any more.
func sweep(dir string) {
	locks, _ := filepath.Glob(filepath.Join(dir, homes+"*", "lock")) // fails on a malformed pattern only
	for _, path := range locks {
		lock, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
		_ = lock.Close()
	}
}
