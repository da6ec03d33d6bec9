package tenanthttp

import (
	"net/http"
	"strings"
	"testing"

	"wangge/internal/web"
	"wangge/tenant"
	"wangge/tenant/org"
)

// refusals counts the signed-in routes that are refused with a code, and lists
// those that are not though they should be, or the other way round.
func (h town) refusals(code string, should func(Route) bool) (refused int, wrong []string) {
	h.t.Helper()
	admin := h.as(org.CityAdmin)
	for _, r := range Routes() {
		if r.Access == web.Public || r.Path == "/session" {
			continue
		}
		at := h.at + strings.NewReplacer(":number", "20261123-000001", ":account", "1", ":department", "SZ").Replace(r.Path)
		got := admin.Do(r.Method, at, nil)
		is := got.Status == http.StatusForbidden && strings.Contains(string(got.Body), `"`+code+`"`)
		permitted := got.Status != http.StatusForbidden || is // the guard is asked first
		if is {
			refused++
		}
		if permitted && is != should(r) {
			wrong = append(wrong, r.Method+" "+r.Path)
		}
	}
	return refused, wrong
}

func TestASuspendedCityIsOnlyLookedAtAndAClosedOneNotEvenThat(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		change := func(r Route) bool { return r.Method != http.MethodGet && r.Path != "/cases" }
		h.House.City.Standing = tenant.Standing{ReadOnly: true, Reason: "割接"}
		if n, wrong := h.refusals("city_read_only", change); n < 10 || len(wrong) > 0 {
			t.Errorf("read-only: %d refused, wrongly decided: %v", n, wrong)
		}
		h.House.City.Standing = tenant.Standing{Closed: true, Reason: "割接"}
		if n, wrong := h.refusals("city_closed", func(r Route) bool { return r.Method == http.MethodGet || change(r) }); n < 20 || len(wrong) > 0 {
			t.Errorf("closed: %d refused, wrongly decided: %v", n, wrong)
		}
		h.House.City.Standing = tenant.Standing{}
		if n, _ := h.refusals("city_closed", change); n != 0 {
			t.Errorf("in service: %d refused", n)
		}
	})
}

func TestASuspendedCityStillTakesReportsOfWhatIsUrgent(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk := h.as(org.IntakeClerk)
		urgent, can := h.call(), h.call() // citytest.Condition has work hours
		urgent["condition"] = "01-001-1"
		for standing, code := range map[tenant.Standing]string{{ReadOnly: true, Reason: "割接"}: "city_read_only", {Closed: true, Reason: "割接"}: "city_closed"} {
			h.House.City.Standing = standing
			clerk.Post(h.at+"/cases", can).Refused(403, code)
			clerk.Post(h.at+"/cases", urgent).Want(201)
			clerk.Get(h.at + "/session").Want(200)
		}
		if cases, _ := h.written(); cases != 2 {
			t.Errorf("%d cases, want the two urgent ones", cases)
		}
	})
}
