package identity

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
)

var cheap = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestTheReferenceHashesOfArgon2idAreRead(t *testing.T) {
	h := NewHasher(cheap, 1)
	for _, stored := range []string{ // from the reference implementation's tests
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
	} {
		if ok, err := h.matches(t.Context(), stored, "password"); !ok || err != nil {
			t.Errorf("%s: %v, %v; want a match", stored, ok, err)
		}
		if ok, err := h.matches(t.Context(), stored, "passwore"); ok || err != nil {
			t.Errorf("%s: %v, %v; want no match", stored, ok, err)
		}
	}
}

func TestAPasswordIsHashedUnderAFreshSaltAtTheGivenCost(t *testing.T) {
	h := NewHasher(OWASP, 1)
	one, err := h.hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("got %s, %v", one, err)
	}
	if two, _ := h.hash(t.Context(), "correct horse"); one == two {
		t.Fatal("two hashes of one password are the same")
	}
	if ok, err := NewHasher(cheap, 1).matches(t.Context(), one, "correct horse"); !ok || err != nil {
		t.Fatalf("a hash made at another cost: %v, %v; want a match", ok, err)
	}
}

func TestADamagedHashIsAnErrorThatDoesNotShowIt(t *testing.T) {
	h := NewHasher(cheap, 1)
	for _, stored := range []string{
		"secret", "$argon2i$v=19$m=64,t=1,p=1$AA$AA", "$argon2id$v=16$m=64,t=1,p=1$AA$AA", "$argon2id$v=19$m=64,t=0,p=1$AA$AA",
		"$argon2id$v=19$m=64,t=1,p=1$!$AA", "$argon2id$v=19$m=64,t=1,p=1$c2VjcmV0$c2VjcmV0", "$argon2id$v=19$m=64,t=1,p=1$AA",
	} {
		ok, err := h.matches(t.Context(), stored, "password")
		if ok || err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "$") {
			t.Errorf("%s: %v, %v", stored, ok, err)
		}
	}
}

func TestAnUnknownLoginIsHashedForLikeAnyOther(t *testing.T) {
	hasher := NewHasher(cheap, 1)
	s := New(openCity(t), time.Now, "130100", Options{Hasher: hasher})
	if _, err := s.CreateAccount(t.Context(), "known", "王"); err != nil {
		t.Fatal(err)
	}
	hasher.slots <- struct{}{} // every slot is taken: whoever would hash waits
	for _, login := range []string{"known", "unknown"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, _, err := s.SignIn(ctx, login, "some password"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want to wait for a slot", login, err)
		}
	}
}

func TestAFailingDatabaseLogsNothingPersonal(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	s, _ := signedIn(t)
	if err := s.db.Write.Exec(`ALTER TABLE sessions RENAME TO elsewhere`).Error; err != nil {
		t.Fatal(err)
	}
	_, _, err := s.SignIn(t.Context(), "telltale", "telltale horse")
	if err == nil || log.Len() == 0 {
		t.Fatalf("got %v, log %q", err, log.String())
	}
	if all := log.String() + err.Error(); strings.Contains(all, "telltale") {
		t.Fatalf("it tells: %s", all)
	}
}

// signedIn returns a service and the token of its only account.
func signedIn(t testing.TB) (s *Service, token string) {
	t.Helper()
	s = New(openCity(t), time.Now, "130100", Options{Hasher: NewHasher(cheap, 1)})
	a, err := s.CreateAccount(t.Context(), "telltale", "telltale")
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.Invite(t.Context(), a.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Accept(t.Context(), link, "telltale horse"); err != nil {
		t.Fatal(err)
	}
	if token, _, err = s.SignIn(t.Context(), "telltale", "telltale horse"); err != nil {
		t.Fatal(err)
	}
	return s, token
}

func TestAUseThatAnotherRequestIsNotingIsNotNotedTwice(t *testing.T) {
	s, token := signedIn(t)
	later := time.Now().Add(2 * touchEvery).Truncate(time.Microsecond)
	s.now = func() time.Time { return later }
	seen := func() (at gormx.Instant) {
		if _, err := s.Resolve(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Read.Raw("SELECT seen_at FROM sessions").Row().Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	s.touching.Store(digest(token), true)
	if at := seen(); !at.Before(later.Add(-touchEvery)) {
		t.Errorf("noted at %v beside a request that does so", at)
	}
	s.touching.Delete(digest(token))
	if at := seen(); !at.Equal(later) {
		t.Errorf("noted at %v, want %v", at, later)
	}
	if _, busy := s.touching.Load(digest(token)); busy {
		t.Error("the note of the request at work was left")
	}
}

func openCity(t testing.TB) *gormx.DB {
	db := testdb.SQLite(t)
	if _, err := migrations.Up(t.Context(), db, migrations.City); err != nil {
		t.Fatal(err)
	}
	return db
}

func BenchmarkResolveSQLite(b *testing.B) {
	s, token := signedIn(b)
	for b.Loop() {
		if _, err := s.Resolve(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashOWASP(b *testing.B) {
	h := NewHasher(OWASP, 1)
	for b.Loop() {
		if _, err := h.hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}
