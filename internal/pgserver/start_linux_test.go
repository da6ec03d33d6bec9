package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"
)

// childVariable tells the test binary to be the process that is killed.
const childVariable = "WANGGE_PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// child starts a server, says where, and waits to be killed.
func child() error {
	s, err := Start(context.Background(), Options{})
	if err != nil {
		return err
	}
	fmt.Println(s.home, s.process.Pid, s.AdminDSN())
	select {}
}

func TestAConnectionNeedsTheRightPassword(t *testing.T) {
	s := startServer(t, Options{})
	conn := connect(t, s.AdminDSN())
	run(t, conn, "CREATE ROLE city LOGIN PASSWORD 'right'; CREATE ROLE keyless LOGIN")
	for name, c := range map[string]struct {
		user, password string
		want           bool
	}{
		"the role's own password":        {"city", "right", true},
		"a wrong password":               {"city", "wrong", false},
		"no password":                    {"city", "", false},
		"a role that has no password":    {"keyless", "", false},
		"the administrator's name alone": {admin, "right", false},
	} {
		conn, err := pgx.Connect(t.Context(), s.DSN(c.user, c.password, "postgres"))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		var refusal *pgconn.PgError
		if got := err == nil; got != c.want || !got && !(errors.As(err, &refusal) && refusal.Code == "28P01") {
			t.Errorf("%s: got %v, want let in = %v", name, err, c.want)
		}
	}
}

func TestOnlyABenchmarkPaysForDurability(t *testing.T) {
	for _, c := range []struct {
		options            Options
		fsync, connections string
	}{
		{Options{}, "off", "200"},
		{Options{Durable: true, MaxConnections: 7}, "on", "7"},
	} {
		conn := connect(t, startServer(t, c.options).AdminDSN())
		for setting, want := range map[string]string{
			"fsync": c.fsync, "full_page_writes": c.fsync, "synchronous_commit": c.fsync, "max_connections": c.connections,
			"TimeZone": "UTC", "server_encoding": "UTF8", "lc_collate": "C.UTF-8", "listen_addresses": "127.0.0.1",
		} {
			if got := show(t, conn, setting); got != want {
				t.Errorf("%+v: %s: got %q, want %q", c.options, setting, got, want)
			}
		}
	}
}

func TestTheCallersEnvironmentDoesNotReachTheServer(t *testing.T) {
	leaks := map[string]string{"PGDATA": "/nonexistent", "PGPORT": "1", "PGHOST": "192.0.2.1", "PGTZ": "Asia/Shanghai",
		"PGUSER": "nosuch", "PGOPTIONS": "-c work_mem=1234kB", "LC_ALL": "nosuch", "TZ": "Asia/Tokyo", "PGCLIENTENCODING": "GB18030"}
	for name, value := range leaks {
		t.Setenv(name, value)
	}
	s := startServer(t, Options{})
	for name := range leaks { // so that this test's own client does not read them
		os.Unsetenv(name)
	}
	conn := connect(t, s.AdminDSN())
	for setting, want := range map[string]string{"data_directory": s.data(), "work_mem": "4MB", "TimeZone": "UTC", "client_encoding": "UTF8"} {
		if got := show(t, conn, setting); got != want {
			t.Errorf("%s: got %q, want %q", setting, got, want)
		}
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range leaks {
		if strings.Contains(string(environ), "\x00"+name+"="+value) {
			t.Errorf("the server's environment holds %s=%s", name, value)
		}
	}
}

func TestAFolderOfTheCallerStaysAndIsNotUsedTwice(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, Options{Dir: dir})
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "PG_VERSION")); err != nil {
		t.Errorf("the caller's cluster: %v, want it left", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "password")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the password file: got %v, want it removed", err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second start in the folder: got %v, want os.ErrExist", err)
	}
}

func TestStopEndsItsOwnServerAndNoOther(t *testing.T) {
	mine, other := startServer(t, Options{}), startServer(t, Options{})
	conn := connect(t, mine.AdminDSN())
	for range 2 {
		if err := mine.Stop(); err != nil {
			t.Errorf("got %v, want every Stop to answer as the first", err)
		}
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the stopped server still answers")
	}
	if _, err := os.Stat(mine.home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the stopped server: got %v, want it gone", err)
	}
	connect(t, other.AdminDSN())
}

func TestServersStartedAtOnceEachHaveAPort(t *testing.T) {
	const n = 3
	servers, failures := make([]*Server, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { servers[i], failures[i] = Start(t.Context(), Options{}) })
	}
	all.Wait()
	ports := map[int]bool{}
	for i, s := range servers {
		if failures[i] != nil {
			t.Fatal(failures[i])
		}
		defer func() { _ = s.Stop() }()
		connect(t, s.AdminDSN())
		ports[s.port] = true
	}
	if len(ports) != n {
		t.Errorf("got ports %v, want %d different ones", ports, n)
	}
}

func TestATakenPortIsLeftForAnother(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address, ok := taken.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("the listener is at %v", taken.Addr())
	}
	busy, tries := address.Port, 0
	s, err := start(t.Context(), Options{}, func(ctx context.Context) (int, error) {
		if tries++; tries < 3 {
			return busy, nil
		}
		return freePort(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	if connect(t, s.AdminDSN()); s.port == busy || tries != 3 {
		t.Errorf("got port %d after %d tries, want another than %d after 3", s.port, tries, busy)
	}
}

func TestAStartThatIsCalledOffLeavesNothing(t *testing.T) {
	ownTemporary(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("called off")
	_, err := start(ctx, Options{}, func(ctx context.Context) (int, error) {
		defer cancel(reason)
		return freePort(ctx)
	})
	if !errors.Is(err, reason) {
		t.Errorf("got %v, want %v", err, reason)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// The kernel sends the parent-death signal when the thread that started the
// server ends, which in Go may be long before the process does.
func TestTheServerOutlivesTheThreadThatCalledStart(t *testing.T) {
	var s *Server
	var err error
	var thread int
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		thread = unix.Gettid()
		s, err = Start(t.Context(), Options{})
	}()
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	task := fmt.Sprintf("/proc/self/task/%d", thread)
	for _, err := os.Stat(task); err == nil && thread != os.Getpid(); _, err = os.Stat(task) { // the main thread never ends
		runtime.Gosched()
	}
	conn := connect(t, s.AdminDSN())
	run(t, conn, "SELECT pg_sleep(0.2)")
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("after the caller's thread ended: %v", err)
	}
}

func TestTheServerDiesWithAKilledParentAndItsFolderIsSweptNextTime(t *testing.T) {
	ownTemporary(t)
	home, postmaster, dsn, kill := startChild(t)
	conn := connect(t, dsn)
	busy := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(600)")
		busy <- err
	}()
	kill()
	awaitEnd(t, postmaster)
	if err := <-busy; err == nil {
		t.Error("the query in hand ended well, want its backend gone with the parent")
	}
	if _, err := pgx.Connect(t.Context(), dsn); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connect after the parent's death: got %v, want connection refused", err)
	}
	startServer(t, Options{})
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead parent's folder: got %v, want it swept by the next start", err)
	}
}

// startChild runs this test binary as a process that starts a server; kill
// ends it by SIGKILL. postmaster is a pidfd, which no reused number can fool.
func startChild(t *testing.T) (home string, postmaster int, dsn string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	var pid int
	if _, err := fmt.Sscan(line, &home, &pid, &dsn); err != nil {
		t.Fatal(err)
	}
	if postmaster, err = unix.PidfdOpen(pid, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(postmaster) })
	return home, postmaster, dsn, kill
}

// awaitEnd waits for the process of a pidfd to end.
func awaitEnd(t *testing.T, pidfd int) {
	t.Helper()
	limit := 20 * time.Second
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(limit.Milliseconds()))
	if n != 1 || err != nil {
		t.Fatalf("the server lives %v after its parent was killed (%v)", limit, err)
	}
}

func TestATemporaryFolderClosedToTheServersUserIsNotUsed(t *testing.T) {
	closed := ownTemporary(t)
	if err := os.Chmod(filepath.Dir(closed), 0o700); err != nil {
		t.Fatal(err)
	}
	someone := &syscall.Credential{Uid: 65534, Gid: 65534}
	if got := temporary(someone); got != "/tmp" {
		t.Errorf("another user: got %s, want /tmp", got)
	}
	if got := temporary(nil); got != closed {
		t.Errorf("the caller itself: got %s, want %s", got, closed)
	}
}

// ownTemporary gives the test a folder for temporary files that every user may enter.
func ownTemporary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	began := time.Now()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v: answered after %v", o, time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statements string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

func show(t *testing.T, conn *pgx.Conn, setting string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
