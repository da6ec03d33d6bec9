package citytest

import (
	"fmt"
	"testing"
	"time"

	"wangge/internal/identity"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// Password is every account's, once SignIn has set it.
const Password = "correct horse 电池"

// cheap hashes passwords at a cost for tests.
var cheap = identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4)

// unitOf is where a role is held in every house.
func unitOf(r org.Role) string {
	switch r {
	case org.Dispatcher:
		return CommandCentre
	case org.DepartmentHandler:
		return Works
	default:
		return SupervisionCentre
	}
}

// Login is the login of the n-th holder of a role: supervisor01. Each role has
// two; the second department handler is of Greening.
func Login(r org.Role, n int) string { return fmt.Sprintf("%s%02d", r, n) }

// people gives every post two holders, named by post and number: 监督员01.
func (h *House) people(t testing.TB) {
	t.Helper()
	for _, r := range org.Roles() {
		for n := 1; n <= 2; n++ {
			zh, _ := r.Names()
			a, err := h.City.Accounts.CreateAccount(t.Context(), Login(r, n), fmt.Sprintf("%s%02d", zh, n))
			if err != nil {
				t.Fatal(err)
			}
			h.accounts[a.Login] = a.ID
			by := h.actor(r, n)
			if err := h.City.Org.SetPosts(t.Context(), a.ID, []org.Holder{{Role: r, Department: by.Department}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Actor is the first holder of a role, in that post.
func (h *House) Actor(r org.Role) casework.Actor { return h.actor(r, 1) }

// Second is the second holder of a role: another supervisor, or the handler of
// the other department.
func (h *House) Second(r org.Role) casework.Actor { return h.actor(r, 2) }

func (h *House) actor(r org.Role, n int) casework.Actor {
	unit := unitOf(r)
	if r == org.DepartmentHandler && n == 2 {
		unit = Greening
	}
	return casework.Actor{Account: h.accounts[Login(r, n)], Role: string(r), Department: unit}
}

// Account is the ID of the first holder of a role.
func (h *House) Account(r org.Role) int64 { return h.Actor(r).Account }

// SignIn returns the session token of the first holder of a role, who accepts
// an invitation for it.
func (h *House) SignIn(t testing.TB, r org.Role) (token string) {
	t.Helper()
	invitation, err := h.City.Accounts.Invite(t.Context(), h.Account(r), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.City.Accounts.Accept(t.Context(), invitation, Password); err != nil {
		t.Fatal(err)
	}
	token, _, err = h.City.Accounts.SignIn(t.Context(), Login(r, 1), Password)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
