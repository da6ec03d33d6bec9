// Package identitytest holds the behaviour that internal/identity keeps on every
// engine and in the databases of both planes.
package identitytest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/migrations"
)

// Cheap is a cost at which hundreds of passwords are hashed in a second.
var Cheap = identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

const password = "correct horse 电池"

// Test runs the suite on an empty database for each plane.
func Test(t *testing.T, open func(t testing.TB) *gormx.DB) {
	for _, plane := range []migrations.Plane{migrations.City, migrations.Province} {
		t.Run(string(plane), func(t *testing.T) {
			db := open(t)
			if _, err := migrations.Up(t.Context(), db, plane); err != nil {
				t.Fatal(err)
			}
			if plane == migrations.City {
				run(t, db, `INSERT INTO departments (code, name, kind) VALUES ('C', '监督中心', 'supervision_centre')`)
			}
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					h := &house{T: t, db: db, plane: plane, key: fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:12], now: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)}
					h.Service = identity.New(db, func() time.Time { return h.now }, string(plane),
						identity.Options{Hasher: identity.NewHasher(Cheap, 4)})
					test(h)
				})
			}
		})
	}
}

// house is a service, its clock and the means to put somebody in.
type house struct {
	*testing.T
	*identity.Service
	db    *gormx.DB
	plane migrations.Plane
	now   time.Time
	key   string // what the logins of this test end in
}

func run(t *testing.T, db *gormx.DB, sql string, args ...any) {
	t.Helper()
	if err := db.Write.WithContext(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

// invited adds an account without a password; its login is of this test alone.
func (h *house) invited(name string) identity.Account {
	h.Helper()
	a, err := h.CreateAccount(h.Context(), name+"."+h.key, "王 "+name)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

// account adds an account whose password is password.
func (h *house) account(name string) identity.Account {
	h.Helper()
	a := h.invited(name)
	must(h, h.Accept(h.Context(), h.invite(a.ID), password))
	return a
}

func (h *house) invite(id int64) string {
	h.Helper()
	token, err := h.Invite(h.Context(), id, time.Hour)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

func (h *house) grant(id int64, role string) {
	h.Helper()
	if h.plane == migrations.Province {
		run(h.T, h.db, `INSERT INTO role_holders (account_id, role) VALUES (?, ?)`, id, role)
		return
	}
	run(h.T, h.db, `INSERT INTO sides (account_id, side) VALUES (?, 'neutral') ON CONFLICT DO NOTHING`, id)
	run(h.T, h.db, `INSERT INTO holders (account_id, role, side, department, since) VALUES (?, ?, 'neutral', 'C', 0)`, id, role)
}

func (h *house) signIn(a identity.Account) string {
	h.Helper()
	token, _, err := h.SignIn(h.Context(), a.Login, password)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, sentinel error) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("got %v, want %v", err, sentinel)
	}
}

func (h *house) open(token string, want bool, when string) {
	h.Helper()
	_, err := h.Resolve(h.Context(), token)
	if got := err == nil; got != want || err != nil && !errors.Is(err, identity.ErrNoSession) {
		h.Fatalf("session open %s: %v (%v), want %v", when, got, err, want)
	}
}

var tests = map[string]func(*house){
	"whoever signs in is known with roles and policy version": func(h *house) {
		a := h.account("a")
		h.grant(a.ID, "auditor")
		token, first, err := h.SignIn(h.Context(), " "+strings.ToUpper(a.Login)+" ", password)
		must(h, err)
		if !strings.HasPrefix(token, string(h.plane)+".") || identity.PlaneOf(token) != string(h.plane) {
			h.Fatal("the token does not name its plane")
		}
		run(h.T, h.db, `UPDATE policy_version SET version = version + 1`)
		got, err := h.Resolve(h.Context(), token)
		must(h, err)
		if got.Account.ID != a.ID || got.Account.Name != a.Name || !slices.Equal(got.Account.Roles, []string{"auditor"}) {
			h.Fatalf("got %+v, want %+v as auditor", got.Account, a)
		}
		if got.PolicyVersion != first.PolicyVersion+1 {
			h.Fatalf("policy version %d after %d", got.PolicyVersion, first.PolicyVersion)
		}
	},
	"roles come in alphabetical order and an account without any has none": func(h *house) {
		a, other := h.account("a"), "leader"
		if h.plane == migrations.Province {
			other = "analyst"
		}
		if len(a.Roles) != 0 {
			h.Fatalf("roles %q before any was given", a.Roles)
		}
		h.grant(a.ID, other)
		h.grant(a.ID, "auditor")
		got, err := h.Account(h.Context(), a.ID)
		must(h, err)
		roles := []string{"auditor", other}
		slices.Sort(roles)
		if !slices.Equal(got.Roles, roles) {
			h.Fatalf("got %q, want %q", got.Roles, roles)
		}
	},
	"only a digest of a token is stored": func(h *house) {
		a := h.account("a")
		token, link := h.signIn(a), h.invite(a.ID)
		for _, secret := range []string{token, link} {
			var n int
			must(h, h.db.Read.WithContext(h.Context()).Raw(`SELECT
				(SELECT count(*) FROM sessions WHERE token_hash LIKE ?) + (SELECT count(*) FROM invitations WHERE token_hash LIKE ?)`,
				"%"+secret[len(secret)-20:]+"%", "%"+secret[len(secret)-20:]+"%").Row().Scan(&n))
			if n != 0 {
				h.Fatal("a token can be read from the database")
			}
		}
	},
	"an unknown login, a wrong password and a barred account are told alike": func(h *house) {
		a, barred, invited := h.account("a"), h.account("b"), h.invited("c")
		must(h, h.SetDisabled(h.Context(), barred.ID, true))
		for _, c := range [][2]string{
			{"nobody", password}, {a.Login, "wrong horse 电池"}, {a.Login, ""}, {barred.Login, password}, {invited.Login, ""},
		} {
			_, _, err := h.SignIn(h.Context(), c[0], c[1])
			want(h, err, identity.ErrBadCredentials)
		}
	},
	"the fifth failure locks for a quarter of an hour even with the right password": func(h *house) {
		a := h.account("a")
		for range 5 {
			_, _, err := h.SignIn(h.Context(), a.Login, "wrong horse 电池")
			want(h, err, identity.ErrBadCredentials)
		}
		_, _, err := h.SignIn(h.Context(), a.Login, password)
		want(h, err, identity.ErrLocked)
		if e, _ := errs.As(err); !strings.Contains(e.En, "15 minutes") {
			h.Fatalf("the refusal says %q", e.En)
		}
		h.now = h.now.Add(15 * time.Minute)
		h.signIn(a)
	},
	"a lock that ended leaves five new tries": func(h *house) {
		a := h.account("a")
		for range 5 {
			_, _, _ = h.SignIn(h.Context(), a.Login, "wrong horse 电池")
		}
		h.now = h.now.Add(15 * time.Minute)
		for range 4 {
			_, _, err := h.SignIn(h.Context(), a.Login, "wrong horse 电池")
			want(h, err, identity.ErrBadCredentials)
		}
		h.signIn(a)
	},
	"success forgets the failures before it": func(h *house) {
		a := h.account("a")
		for range 3 {
			for range 4 {
				_, _, err := h.SignIn(h.Context(), a.Login, "wrong horse 电池")
				want(h, err, identity.ErrBadCredentials)
			}
			h.signIn(a)
		}
	},
	"guessing in parallel gets no more than five tries": func(h *house) {
		a := h.account("a")
		var tries sync.WaitGroup
		answers := make([]error, 30)
		for i := range answers {
			tries.Go(func() { _, _, answers[i] = h.SignIn(context.Background(), a.Login, "wrong horse 电池") })
		}
		tries.Wait()
		looked := 0
		for _, err := range answers {
			if errors.Is(err, identity.ErrBadCredentials) {
				looked++
			} else {
				want(h, err, identity.ErrLocked)
			}
		}
		if looked != 5 {
			h.Fatalf("%d passwords were looked at, want 5", looked)
		}
	},
	"a session ends after two idle hours": func(h *house) {
		token := h.signIn(h.account("a"))
		for range 3 { // use keeps it open
			h.now = h.now.Add(2*time.Hour - time.Minute)
			h.open(token, true, "when used in time")
		}
		h.now = h.now.Add(2 * time.Hour)
		h.open(token, false, "after two idle hours")
	},
	"a session ends after twelve hours however busy": func(h *house) {
		token := h.signIn(h.account("a"))
		for range 11 {
			h.now = h.now.Add(time.Hour)
			h.open(token, true, "within twelve hours")
		}
		h.now = h.now.Add(time.Hour)
		h.open(token, false, "after twelve hours")
	},
	"use is written down at most once a minute": func(h *house) {
		a := h.account("a")
		token := h.signIn(a)
		seen := func() (at int64) {
			must(h, h.db.Read.WithContext(h.Context()).Raw(`SELECT seen_at FROM sessions WHERE account_id = ?`, a.ID).Row().Scan(&at))
			return at
		}
		start := seen()
		h.now = h.now.Add(59 * time.Second)
		h.open(token, true, "at once")
		if seen() != start {
			h.Fatal("written within the minute")
		}
		h.now = h.now.Add(time.Second)
		h.open(token, true, "a minute later")
		if got := seen() - start; got != time.Minute.Microseconds() {
			h.Fatalf("seen %d µs after the start, want a minute", got)
		}
	},
	"being barred ends the sessions at once and for good": func(h *house) {
		a := h.account("a")
		token, link := h.signIn(a), h.invite(a.ID)
		must(h, h.SetDisabled(h.Context(), a.ID, true))
		h.open(token, false, "once barred")
		want(h, h.Accept(h.Context(), link, "another horse"), identity.ErrBadInvitation)
		must(h, h.SetDisabled(h.Context(), a.ID, false))
		h.open(token, false, "once let in again")
		h.signIn(a)
		want(h, h.SetDisabled(h.Context(), 1<<40, true), identity.ErrNoAccount)
	},
	"an account marked barred by other hands resolves to nothing": func(h *house) {
		a := h.account("a")
		token := h.signIn(a)
		run(h.T, h.db, `UPDATE accounts SET disabled_at = 1 WHERE id = ?`, a.ID)
		h.open(token, false, "once barred")
	},
	"signing out ends this session and no other": func(h *house) {
		a := h.account("a")
		one, two := h.signIn(a), h.signIn(a)
		must(h, h.SignOut(h.Context(), one))
		must(h, h.SignOut(h.Context(), one))
		h.open(one, false, "after signing out")
		h.open(two, true, "elsewhere")
	},
	"a token of another plane or a forged one opens nothing": func(h *house) {
		token := h.signIn(h.account("a"))
		_, secret, _ := strings.Cut(token, ".")
		for _, forged := range []string{"", ".", "x", string(h.plane) + ".", "999999." + secret, token + "A", token[:len(token)-1], string(h.plane) + "." + token} {
			h.open(forged, false, "with a forged token")
		}
	},
	"an invitation works once": func(h *house) {
		a := h.account("a")
		link := h.invite(a.ID)
		must(h, h.Accept(h.Context(), link, "another horse"))
		want(h, h.Accept(h.Context(), link, "a third horse"), identity.ErrInvitationUsed)
		_, _, err := h.SignIn(h.Context(), a.Login, "another horse")
		must(h, err)
		want(h, h.Accept(h.Context(), string(h.plane)+".nonsense", "another horse"), identity.ErrBadInvitation)
	},
	"of ten who open one link at once, one gets in": func(h *house) {
		link := h.invite(h.account("a").ID)
		var all sync.WaitGroup
		answers := make([]error, 10)
		for i := range answers {
			all.Go(func() { answers[i] = h.Accept(context.Background(), link, fmt.Sprintf("the password of %d", i)) })
		}
		all.Wait()
		accepted := 0
		for _, err := range answers {
			if err == nil {
				accepted++
			} else {
				want(h, err, identity.ErrInvitationUsed)
			}
		}
		if accepted != 1 {
			h.Fatalf("%d were accepted", accepted)
		}
	},
	"an invitation expires, and a newer one takes its place": func(h *house) {
		a := h.account("a")
		old := h.invite(a.ID)
		link := h.invite(a.ID)
		want(h, h.Accept(h.Context(), old, "another horse"), identity.ErrBadInvitation)
		h.now = h.now.Add(time.Hour)
		want(h, h.Accept(h.Context(), link, "another horse"), identity.ErrInvitationExpired)
		_, err := h.Invite(h.Context(), 1<<40, time.Hour)
		want(h, err, identity.ErrNoAccount)
	},
	"a weak password is refused with its field and leaves the link good": func(h *house) {
		a := h.account("a")
		link := h.invite(a.ID)
		for _, weak := range []string{"", "123456789", "九个字的密码不够长", "1234567890", "Password123", "aaaaaaaaaaaa", "哈哈哈哈哈哈哈哈哈哈", strings.ToUpper(a.Login), strings.Repeat("x1", 200)} {
			err := h.Accept(h.Context(), link, weak)
			want(h, err, identity.ErrWeakPassword)
			e, _ := errs.As(err)
			if e.Kind != errs.Invalid || len(e.Problems) != 1 || e.Problems[0].Field != "password" || e.Problems[0].Zh == "" {
				h.Fatalf("got %+v", e)
			}
		}
		must(h, h.Accept(h.Context(), link, "a stronger horse"))
	},
	"accepting an invitation ends the sessions and the lock": func(h *house) {
		a := h.account("a")
		token, link := h.signIn(a), h.invite(a.ID)
		for range 5 {
			_, _, _ = h.SignIn(h.Context(), a.Login, "wrong horse 电池")
		}
		must(h, h.Accept(h.Context(), link, password))
		h.open(token, false, "after a new password")
		h.signIn(a)
	},
	"changing one's password keeps this session, ends the others and burns links": func(h *house) {
		a := h.account("a")
		here, there, link := h.signIn(a), h.signIn(a), h.invite(a.ID)
		want(h, h.ChangePassword(h.Context(), here, "wrong horse 电池", "another horse"), identity.ErrBadCredentials)
		want(h, h.ChangePassword(h.Context(), here, password, "short"), identity.ErrWeakPassword)
		want(h, h.ChangePassword(h.Context(), "x", password, "another horse"), identity.ErrNoSession)
		must(h, h.ChangePassword(h.Context(), here, password, "another horse"))
		h.open(here, true, "here")
		h.open(there, false, "elsewhere")
		want(h, h.Accept(h.Context(), link, "a third horse"), identity.ErrBadInvitation)
		_, _, err := h.SignIn(h.Context(), a.Login, password)
		want(h, err, identity.ErrBadCredentials)
	},
	"a password composed in another way is the same password": func(h *house) {
		a := h.account("a")
		must(h, h.Accept(h.Context(), h.invite(a.ID), "caf\u00e9 de nuit"))
		_, _, err := h.SignIn(h.Context(), a.Login, "cafe\u0301 de nuit")
		must(h, err)
	},
	"purging deletes what expired and nothing else": func(h *house) {
		a := h.account("a")
		idle := h.signIn(a)
		h.now = h.now.Add(2 * time.Hour)
		fresh := h.signIn(a)
		if n, err := h.Purge(h.Context()); err != nil || n < 1 {
			h.Fatalf("purged %d, %v", n, err)
		}
		var left int
		must(h, h.db.Read.WithContext(h.Context()).Raw(`SELECT count(*) FROM sessions WHERE account_id = ?`, a.ID).Row().Scan(&left))
		if left != 1 {
			h.Fatalf("%d sessions left, want 1", left)
		}
		h.open(idle, false, "after purging")
		h.open(fresh, true, "after purging")
	},
	"a login is taken once, and ensured as often as asked": func(h *house) {
		a := h.account("a")
		_, err := h.CreateAccount(h.Context(), strings.ToUpper(a.Login), "别人")
		want(h, err, identity.ErrLoginTaken)
		again, err := h.EnsureAccount(h.Context(), a.Login, "王 新名")
		must(h, err)
		if again.ID != a.ID || again.Name != "王 新名" || !again.HasPassword {
			h.Fatalf("got %+v, want account %d renamed with its password", again, a.ID)
		}
		_, err = h.CreateAccount(h.Context(), "with space", "")
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid || len(e.Problems) != 2 {
			h.Fatalf("got %v, want a fault of login and one of name", err)
		}
		_, err = h.Account(h.Context(), 1<<40)
		want(h, err, identity.ErrNoAccount)
	},
	"a list read page by page has everybody once": func(h *house) {
		ids := map[int64]bool{}
		for i := range 5 {
			ids[h.account(fmt.Sprint("a", i)).ID] = true
		}
		seen := map[int64]int{}
		for cursor := int64(0); ; {
			page, next, err := h.Accounts(h.Context(), cursor, 2)
			must(h, err)
			for _, a := range page {
				seen[a.ID]++
			}
			if next == 0 {
				break
			}
			cursor = next
		}
		for id := range ids {
			if seen[id] != 1 {
				h.Fatalf("account %d was listed %d times", id, seen[id])
			}
		}
	},
	"no refusal repeats a login, a name, a password or a token": func(h *house) {
		a := h.account("tell-tale")
		token, link := h.signIn(a), h.invite(a.ID)
		must(h, h.SignOut(h.Context(), token))
		_, create := h.CreateAccount(h.Context(), a.Login, a.Name)
		_, resolve := h.Resolve(h.Context(), token)
		_, _, wrong := h.SignIn(h.Context(), a.Login, "tell-tale horse")
		weak := h.Accept(h.Context(), link, "tell-tale")
		must(h, h.Accept(h.Context(), link, "tell-tale horse"))
		used := h.Accept(h.Context(), link, "tell-tale horse 2")
		for _, err := range []error{create, resolve, wrong, weak, used} {
			for _, secret := range []string{"tell-tale", a.Name, token, link} {
				if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
					h.Fatalf("a refusal tells too much, or is none: %v", err)
				}
			}
		}
	},
}
