package secrets

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// folder is a folder for its owner only. Names in it are parted by slashes and
// never lead out of it.
type folder struct {
	dir  string
	root *os.Root // closed when it is no longer reachable
}

// openFolder opens dir, making it when missing.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, root: root}
	info, err := root.Stat(".")
	if err == nil {
		err = f.private(".", info)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// private refuses what other users may read, write or enter.
func (f *folder) private(name string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o077 != 0 {
		return ErrExposed.With(f.path(name), info.Mode().Perm(), f.dir)
	}
	return nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// has tells whether name is there; also when that can't be found out.
func (f *folder) has(name string) bool {
	_, err := f.root.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

func (f *folder) read(name string) (content []byte, err error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := f.private(name, info); err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// once returns what name holds, first putting there what fresh returns when
// there is nothing. All who do so at once get what the first of them put there.
func (f *folder) once(name string, fresh func() ([]byte, error)) ([]byte, error) {
	content, err := f.read(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	if content, err = fresh(); err != nil {
		return nil, err
	}
	if err := f.put(name, content, f.root.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return f.read(name)
}

// replace makes name hold content.
func (f *folder) replace(name string, content []byte) error {
	return f.put(name, content, f.root.Rename)
}

// remove takes name away, if it is there, so that it stays away also after a
// power cut.
func (f *folder) remove(name string) error {
	err := f.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.sync(path.Dir(name))
}

// aside is how the names of files end that are not in their place yet.
const aside = ".new"

// put writes content aside and lets place bring it to name, so that name never
// holds a part of it, and returns when both would outlive a power cut.
func (f *folder) put(name string, content []byte, place func(from, to string) error) error {
	return f.locked(func() error { return f.bring(name, content, place) })
}

func (f *folder) bring(name string, content []byte, place func(from, to string) error) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	fresh := name + "." + rand.Text() + aside
	defer f.root.Remove(fresh) //nolint:errcheck // gone when it was renamed
	if err := f.write(fresh, content); err != nil {
		return err
	}
	if err := place(fresh, name); err != nil {
		return err
	}
	return f.sync(path.Dir(name))
}

func (f *folder) write(name string, content []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// sync makes the names in a folder outlive a power cut, and its own name above.
func (f *folder) sync(name string) error {
	for {
		dir, err := f.root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		name = path.Dir(name)
	}
}
