package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long Stop waits for a fast shutdown before it kills.
const patience = 10 * time.Second

// attempts is how often another port is tried when one was taken meanwhile.
const attempts = 20

var errBusy = errors.New("the port is taken")

// Server is a running cluster. It dies with the process that started it,
// however that one ends.
type Server struct {
	home     string              // holds data, log and, when the folder is our own, the lock
	lock     *os.File            // held for as long as home is ours; nil when the caller named it
	as       *syscall.Credential // nil: as the caller
	port     int
	password string
	process  *os.Process
	done     chan struct{} // closed when process has ended
	stop     func() error
}

// Start makes a fresh cluster and returns when it answers on 127.0.0.1 and a
// free port; ctx bounds the start, not the life. Every connection needs a
// password. When the caller is root the server runs as postgres or nobody, and
// folders above Options.Dir that are temporary are opened for passing through.
// Nothing of the caller's environment reaches the server but PATH.
func Start(ctx context.Context, o Options) (*Server, error) {
	return start(ctx, o, freePort)
}

func start(ctx context.Context, o Options, pick func(context.Context) (int, error)) (*Server, error) {
	bin, err := Ensure(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{home: o.Dir, password: rand.Text()}
	s.stop = sync.OnceValue(s.shutdown)
	if err := s.bringUp(ctx, bin, o, pick); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.Stop())
	}
	return s, nil
}

func (s *Server) bringUp(ctx context.Context, bin string, o Options, pick func(context.Context) (int, error)) (err error) {
	if s.as, err = unprivileged(); err != nil {
		return err
	}
	if s.home == "" {
		if s.home, s.lock, err = newHome(temporary(s.as)); err != nil {
			return err
		}
	}
	if err := s.initialise(ctx, bin); err != nil {
		return err
	}
	for range attempts {
		if s.port, err = pick(ctx); err != nil {
			return err
		}
		if err = s.launch(ctx, bin, o.settings()); !errors.Is(err, errBusy) {
			return err
		}
	}
	return err
}

// Stop ends the cluster by a fast shutdown, by force when that takes too long,
// and removes the folder when Start made it. Later calls answer as the first.
func (s *Server) Stop() error {
	return s.stop()
}

func (s *Server) shutdown() error {
	if s.process != nil {
		_ = s.process.Signal(syscall.SIGINT) // fails when it has ended: done says so
		select {
		case <-s.done:
		case <-time.After(patience):
			_ = s.process.Kill()
			<-s.done
		}
	}
	if s.lock == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(s.home), s.lock.Close())
}

func (s *Server) data() string { return filepath.Join(s.home, "data") }

// initialise makes the data folder, which must not be there.
func (s *Server) initialise(ctx context.Context, bin string) error {
	if err := s.open(); err != nil {
		return err
	}
	password := filepath.Join(s.home, "password")
	if err := os.WriteFile(password, []byte(s.password), 0o600); err != nil {
		return err
	}
	defer os.Remove(password)
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		return err
	}
	if s.as != nil {
		for _, path := range []string{password, s.data()} {
			if err := os.Chown(path, int(s.as.Uid), int(s.as.Gid)); err != nil {
				return err
			}
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", s.data(), "-U", admin, "--pwfile", password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	s.prepare(cmd, syscall.SIGKILL)
	runtime.LockOSThread() // see prepare
	defer runtime.UnlockOSThread()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// open lets the server's user pass through home and the temporary folders above it.
func (s *Server) open() error {
	if s.as == nil {
		return nil
	}
	top := filepath.Clean(os.TempDir())
	for dir := s.home; dir == s.home || strings.HasPrefix(dir, top+string(filepath.Separator)); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	return nil
}

// prepare gives cmd its user, its folder and a clean environment, and has the
// kernel send it death when the *thread* that starts it ends. So the caller
// must hold that thread until cmd has ended.
func (s *Server) prepare(cmd *exec.Cmd, death syscall.Signal) {
	cmd.Dir, cmd.Env = s.home, environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: death}
}

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

// settings are those that differ from PostgreSQL's own.
func (o Options) settings() []string {
	connections := o.MaxConnections
	if connections == 0 {
		connections = 200
	}
	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC",
		"lc_messages=C", "max_connections=" + strconv.Itoa(connections)}
	if !o.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	return settings
}

// launch runs the server on s.port and returns when it is ready. The error is
// errBusy when someone else has the port.
func (s *Server) launch(ctx context.Context, bin string, settings []string) error {
	log, err := os.Create(filepath.Join(s.home, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port)}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...) //nolint:noctx // the server outlives the start, which is what ctx is for
	cmd.Stdout, cmd.Stderr = log, log
	s.prepare(cmd, syscall.SIGQUIT) // an immediate shutdown, with all backends
	cmd.SysProcAttr.Setpgid = true  // Ctrl-C is for the parent, which then stops us
	if err := s.spawn(cmd); err != nil {
		return err
	}
	return s.await(ctx)
}

// spawn starts cmd on a thread that lives until cmd has ended.
func (s *Server) spawn(cmd *exec.Cmd) error {
	done, started := make(chan struct{}), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in the log
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.done = cmd.Process, done
	return nil
}

// await returns when the server accepts connections, has ended, or ctx is over.
func (s *Server) await(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !s.ready() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return s.failure()
		}
	}
	return nil
}

// ready reads what the server says of itself in its pid file: the process on
// the first line, the state on the eighth.
func (s *Server) ready() bool {
	text, _ := os.ReadFile(filepath.Join(s.data(), "postmaster.pid")) // not there yet
	lines := strings.Split(string(text), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(s.process.Pid) && strings.TrimSpace(lines[7]) == "ready"
}

// failure says why the server ended before it was ready.
func (s *Server) failure() error {
	log, err := os.ReadFile(filepath.Join(s.home, "log"))
	if err != nil {
		return err
	}
	if bytes.Contains(log, []byte("Address already in use")) {
		return fmt.Errorf("%w: %s", errBusy, log)
	}
	return fmt.Errorf("the server ended: %s", log)
}

// freePort returns a port that was free a moment ago.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// unprivileged returns whom to run as: PostgreSQL refuses root. It is nil when
// the caller is not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numbers, on Linux
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("there is neither a user postgres nor nobody to run it as")
}
