package evaluation

import (
	"time"

	"wangge/tenant/casework"
)

// Contribution is what one case adds to one count of one day.
type Contribution struct {
	Count      Count
	Day        string // the city's date
	Quantity   int64
	District   string // 6-digit county code of the case's grid
	Department string // who it was dispatched to, "" before that
}

// fact is a case as its steps tell it.
type fact struct {
	channel                                             casework.Channel
	district, department                                string
	reported, filed, declined, dispatched, handled, end time.Time
	fileDue, due, closeDue                              time.Time
	reworks                                             int64
	more                                                map[Count]tally
}

// tally is how often something was, and when last.
type tally struct {
	n  int64
	at time.Time
}

// Contributions folds the steps of one case, in order, into what it adds to
// the figures. It looks at nothing but the steps, so the same journal always
// gives the same figures.
func Contributions(steps []casework.Step, zone *time.Location) []Contribution {
	var f fact
	for _, s := range steps {
		f.apply(s)
	}
	return f.contributions(zone)
}

func (f *fact) apply(s casework.Step) {
	if s.Detail.FileDue != nil {
		f.fileDue = *s.Detail.FileDue
	}
	if s.Detail.Due != nil { // also moved by an extension, or by a clock that goes on
		f.due, f.closeDue = instant(s.Detail.Due), instant(s.Detail.CloseDue)
	}
	switch s.Action {
	case casework.ActionReport:
		f.reported, f.channel = s.At, s.Detail.Channel
		if len(s.Detail.Grid) >= 6 {
			f.district = s.Detail.Grid[:6]
		}
	case casework.ActionFile:
		f.filed = s.At
	case casework.ActionDecline:
		f.declined = s.At
	case casework.ActionDispatch, casework.ActionArbitrate:
		f.department = s.Detail.Department
		if f.dispatched.IsZero() {
			f.dispatched = s.At
		}
	case casework.ActionHandle:
		f.handled = s.At
	case casework.ActionSendBack:
		f.handled = time.Time{}
	case casework.ActionRework:
		f.handled = time.Time{}
		f.reworks++
	case casework.ActionClose:
		f.end = s.At
	case casework.ActionApproveReturn:
		f.took(Returned, s.At)
	case casework.ActionApproveExtension:
		f.took(Extended, s.At)
	case casework.ActionApproveSuspension:
		f.took(Suspended, s.At)
	case casework.ActionReopen:
		f.took(Reopened, s.At)
		f.handled, f.end = time.Time{}, time.Time{}
	case casework.ActionVoid:
		f.took(Voided, s.At)
		f.due, f.closeDue = time.Time{}, time.Time{}
	}
	if s.To == casework.StageFiled || s.To == casework.StageArbitrating { // whoever it goes to next has the whole limit
		f.department, f.due, f.closeDue = "", time.Time{}, time.Time{}
	}
}

// took notes one more of something, on the day of the last.
func (f *fact) took(c Count, at time.Time) {
	if f.more == nil {
		f.more = map[Count]tally{}
	}
	f.more[c] = tally{f.more[c].n + 1, at}
}

func (f *fact) contributions(zone *time.Location) []Contribution {
	var out []Contribution
	add := func(count Count, at time.Time, quantity int64) {
		if quantity > 0 && !at.IsZero() {
			day := at.In(zone).Format(time.DateOnly)
			out = append(out, Contribution{count, day, quantity, f.district, f.department})
		}
	}
	within := func(done, limit time.Time) int64 {
		return yes(!done.IsZero() && !done.After(limit))
	}
	add(Reported, f.reported, 1)
	add(PublicReports, f.reported, yes(f.channel.Public()))
	add(ReportedFiled, f.reported, yes(!f.filed.IsZero()))
	add(Filed, f.filed, 1)
	add(FiledInTime, f.filed, within(f.filed, f.fileDue))
	add(Declined, f.declined, 1)
	add(Dispatched, f.dispatched, 1)
	add(DueHandle, f.due, 1)
	add(Handled, f.due, yes(!f.handled.IsZero()))
	add(HandledInTime, f.due, within(f.handled, f.due))
	add(Reworked, f.due, f.reworks)
	add(DueClose, f.closeDue, 1)
	add(Closed, f.closeDue, yes(!f.end.IsZero()))
	add(ClosedInTime, f.closeDue, within(f.end, f.closeDue))
	for _, c := range []Count{Returned, Extended, Suspended, Reopened, Voided} {
		add(c, f.more[c].at, f.more[c].n)
	}
	return out
}

func yes(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
