package tenant

import (
	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Standing is what a suspended city still does; the zero Standing is a city in
// service. Whatever it is, what is urgent is reported.
type Standing struct {
	ReadOnly bool   // its people may look
	Closed   bool   // not even that
	Reason   string // why, for its people to read
}

// The refusals of a suspended city.
var (
	ErrReadOnly = errs.New(errs.Forbidden, "city_read_only",
		"本市已暂停使用（%[1]s），只可查看；时限为紧急工作时的问题仍可上报", "the city is suspended (%[1]s): look only; problems with a limit in urgent hours are still taken")
	ErrClosed = errs.New(errs.Forbidden, "city_closed",
		"本市已停用（%[1]s）；时限为紧急工作时的问题仍可上报", "the city is closed (%[1]s); problems with a limit in urgent hours are still taken")
)

// Admit refuses what a city's people may not do now: anything when it is closed,
// what changes it when it is read-only.
func (s Standing) Admit(changes bool) error {
	switch {
	case s.Closed:
		return ErrClosed.With(s.Reason)
	case s.ReadOnly && changes:
		return ErrReadOnly.With(s.Reason)
	}
	return nil
}

// AdmitReport refuses a report that can wait. A kind of problem is urgent when
// its handling limit is in urgent hours.
func (s Standing) AdmitReport(limit calendar.Limit) error {
	if limit.Unit == calendar.UrgentHour {
		return nil
	}
	return s.Admit(true)
}
