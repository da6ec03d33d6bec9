package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"wangge/tenant"
	"wangge/tenant/calendar"
)

func TestASuspendedCityTakesWhatIsUrgent(t *testing.T) {
	readOnly, closed := tenant.Standing{ReadOnly: true, Reason: "系统割接"}, tenant.Standing{Closed: true, Reason: "合同到期"}
	urgent, work := calendar.Limit{Value: 2, Unit: calendar.UrgentHour}, calendar.Limit{Value: 2, Unit: calendar.WorkHour}
	for _, c := range []struct {
		what string
		got  error
		want error
	}{
		{"in service, a change", tenant.Standing{}.Admit(true), nil},
		{"in service, a report", tenant.Standing{}.AdmitReport(work), nil},
		{"read-only, a look", readOnly.Admit(false), nil},
		{"read-only, a change", readOnly.Admit(true), tenant.ErrReadOnly},
		{"read-only, a report", readOnly.AdmitReport(work), tenant.ErrReadOnly},
		{"read-only, an urgent report", readOnly.AdmitReport(urgent), nil},
		{"closed, a look", closed.Admit(false), tenant.ErrClosed},
		{"closed, a report", closed.AdmitReport(work), tenant.ErrClosed},
		{"closed, an urgent report", closed.AdmitReport(urgent), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if err := closed.Admit(true); !strings.Contains(err.Error(), "合同到期") {
		t.Errorf("%q does not say why", err)
	}
}

func TestOnlyACodeThatNoDivisionHasIsASandbox(t *testing.T) {
	for code, want := range map[string]bool{"130100": false, "820000": false, "990100": true, "909999": false} {
		id, err := tenant.ParseID(code)
		if err != nil || id.Sandbox() != want {
			t.Errorf("%s: sandbox %v (%v), want %v", code, id.Sandbox(), err, want)
		}
	}
}
