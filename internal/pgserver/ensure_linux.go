package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
)

// oldest is the first major version whose PUBLIC may not create in a database.
const oldest = 15

// packaged are the folders where distributions put versions side by side.
const packaged = "/usr/lib/postgresql/*/bin"

// Ensure returns the folder of PostgreSQL's programs: the first in PATH that is
// new enough, else the newest that the distribution has. When there is none and
// the caller is root on a Debian-like system, the distribution's package is
// installed, without a cluster of its own. Otherwise the error is ErrNoPostgres.
func Ensure(ctx context.Context) (binDir string, err error) {
	path := os.Getenv("PATH")
	if dir, found := find(ctx, path, packaged); found {
		return dir, nil
	}
	if err := installOnce(ctx, path); err != nil {
		return "", err
	}
	if dir, found := find(ctx, path, packaged); found {
		return dir, nil
	}
	return "", ErrNoPostgres.With("the distribution's package postgresql is older")
}

// find returns the first folder in path, else the newest that matches pattern,
// whose PostgreSQL is new enough.
func find(ctx context.Context, path, pattern string) (dir string, found bool) {
	dirs, _ := filepath.Glob(pattern) // fails on a malformed pattern only
	slices.SortStableFunc(dirs, func(a, b string) int { return cmp.Compare(major(ctx, b), major(ctx, a)) })
	for _, dir := range slices.Concat(filepath.SplitList(path), dirs) {
		if filepath.IsAbs(dir) && major(ctx, dir) >= oldest {
			return behindLinks(dir), true
		}
	}
	return "", false
}

// behindLinks is the folder that dir's postgres is a link into, if it is one:
// psql and pgbench of the same version are beside it.
func behindLinks(dir string) string {
	program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return dir
	}
	return filepath.Dir(program)
}

var versionLine = regexp.MustCompile(`PostgreSQL\) (\d+)`)

// major returns the major version of the server in dir, 0 when it has none or lacks initdb.
func major(ctx context.Context, dir string) int {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(match[1])) // digits, by the pattern
	return n
}

// installOnce installs the package unless another process did so while this one
// waited for its turn.
func installOnce(ctx context.Context, path string) error {
	if os.Geteuid() != 0 {
		return ErrNoPostgres.With("install the package postgresql, or put its programs into PATH")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return ErrNoPostgres.With("there is no apt-get to install it with; put its programs into PATH")
	}
	turn, err := os.OpenFile("/run/wangge-pgserver-install.lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	defer turn.Close()
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	if _, found := find(ctx, path, packaged); found {
		return nil
	}
	return install(ctx)
}

// install lets apt install the package; what apt says goes to standard error.
func install(ctx context.Context) (err error) {
	undo, err := withoutMainCluster("/etc/postgresql-common")
	if err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, undo()) }()
	for _, args := range [][]string{
		{"-q", "update"},
		{"-q", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "postgresql"},
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %w", ErrNoPostgres.With(cmd.String()+" failed; see above"), err)
		}
	}
	return nil
}

// withoutMainCluster tells postgresql-common, whose settings are in dir, to
// make no cluster on installation, until undo.
func withoutMainCluster(dir string) (undo func() error, err error) {
	dropins := filepath.Join(dir, "createcluster.d")
	if err := os.MkdirAll(dropins, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(dropins, "wangge-pgserver.conf")
	undo = func() error {
		err := os.Remove(file)
		_, _ = os.Remove(dropins), os.Remove(dir) // stay when something else is in them
		return err
	}
	return undo, os.WriteFile(file, []byte("create_main_cluster = false\n"), 0o644)
}
