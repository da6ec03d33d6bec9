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
	switch s.Action {
	case casework.ActionReport:
		f.reported, f.channel = s.At, s.Detail.Channel
		if len(s.Detail.Grid) >= 6 {
			f.district = s.Detail.Grid[:6]
		}
		f.fileDue = instant(s.Detail.FileDue)
	case casework.ActionFile:
		f.filed = s.At
	case casework.ActionDecline:
		f.declined = s.At
	case casework.ActionDispatch:
		f.dispatched, f.department = s.At, s.Detail.Department
		f.due, f.closeDue = instant(s.Detail.Due), instant(s.Detail.CloseDue)
	case casework.ActionHandle:
		f.handled = s.At
	case casework.ActionRework:
		f.handled = time.Time{}
		f.reworks++
	case casework.ActionClose:
		f.end = s.At
	}
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
