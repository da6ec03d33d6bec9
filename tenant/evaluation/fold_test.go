package evaluation_test

import (
	"maps"
	"testing"
	"time"

	"wangge/tenant/casework"
	"wangge/tenant/evaluation"
)

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// on is an instant of November 2026 in the city.
func on(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, zone).UTC()
}

func instant(t time.Time) *time.Time { return &t }

// The report of 23 November at nine is to be filed by eleven; the dispatch of
// noon gives the department until the 24th at 18:00 and the centre until the
// 25th at 18:00 to close.
func report(c casework.Channel) casework.Step {
	return casework.Step{Action: casework.ActionReport, At: on(23, 9, 0), Detail: casework.Detail{
		Channel: c, Grid: "150302001001007", FileDue: instant(on(23, 11, 0)),
	}}
}

func dispatch() casework.Step {
	return casework.Step{Action: casework.ActionDispatch, At: on(23, 12, 0), Detail: casework.Detail{
		Department: "SZ", Due: instant(on(24, 18, 0)), CloseDue: instant(on(25, 18, 0)),
	}}
}

func step(a casework.Action, at time.Time) casework.Step { return casework.Step{Action: a, At: at} }

func TestWhatACaseAddsToWhichDay(t *testing.T) {
	staff, filed := report(casework.ChannelSupervisor), step(casework.ActionFile, on(23, 10, 0))
	const d23, d24, d25 = "2026-11-23", "2026-11-24", "2026-11-25"
	dispatched := map[evaluation.Count]string{
		evaluation.Reported: d23, evaluation.ReportedFiled: d23, evaluation.Filed: d23, evaluation.FiledInTime: d23, evaluation.Dispatched: d23,
		evaluation.DueHandle: d24, evaluation.DueClose: d25,
	}
	with := func(more map[evaluation.Count]string) map[evaluation.Count]string {
		out := maps.Clone(dispatched)
		maps.Copy(out, more)
		return out
	}
	for _, tt := range []struct {
		name  string
		steps []casework.Step
		want  map[evaluation.Count]string // the day of each count
	}{
		{"a report counts on its day", []casework.Step{staff}, map[evaluation.Count]string{evaluation.Reported: d23}},
		{"a citizen's report is a public one", []casework.Step{report(casework.ChannelCitizen)},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.PublicReports: d23}},
		{"so is a call to the hotline", []casework.Step{report(casework.ChannelHotline)},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.PublicReports: d23}},
		{"declining counts on the day of the decision", []casework.Step{staff, step(casework.ActionDecline, on(24, 9, 0))},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.Declined: d24}},
		{"filing on the limit is in time", []casework.Step{staff, step(casework.ActionFile, on(23, 11, 0))},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.ReportedFiled: d23, evaluation.Filed: d23, evaluation.FiledInTime: d23}},
		{"filing a moment after it is not", []casework.Step{staff, step(casework.ActionFile, on(23, 11, 0).Add(time.Microsecond))},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.ReportedFiled: d23, evaluation.Filed: d23}},
		{"filing after midnight in the city counts on the next day", []casework.Step{staff, step(casework.ActionFile, on(24, 0, 0))},
			map[evaluation.Count]string{evaluation.Reported: d23, evaluation.ReportedFiled: d23, evaluation.Filed: d24}},
		{"a dispatched case is due on the days its limits end", []casework.Step{staff, filed, dispatch()}, dispatched},
		{"work done on the limit counts on the day it was due", []casework.Step{staff, filed, dispatch(), step(casework.ActionHandle, on(24, 18, 0))},
			with(map[evaluation.Count]string{evaluation.Handled: d24, evaluation.HandledInTime: d24})},
		{"late work is handled, not in time, on the day it was due", []casework.Step{staff, filed, dispatch(), step(casework.ActionHandle, on(27, 9, 0))},
			with(map[evaluation.Count]string{evaluation.Handled: d24})},
		{"work sent back is not handled", []casework.Step{staff, filed, dispatch(), step(casework.ActionHandle, on(24, 9, 0)), step(casework.ActionRework, on(24, 10, 0))},
			with(map[evaluation.Count]string{evaluation.Reworked: d24})},
		{"of work done again the last feedback decides whether it was in time", []casework.Step{
			staff, filed, dispatch(), step(casework.ActionHandle, on(24, 9, 0)), step(casework.ActionRework, on(24, 10, 0)), step(casework.ActionHandle, on(24, 19, 0)),
		}, with(map[evaluation.Count]string{evaluation.Reworked: d24, evaluation.Handled: d24})},
		{"verifying alone adds nothing", []casework.Step{staff, filed, dispatch(), step(casework.ActionHandle, on(24, 9, 0)), step(casework.ActionVerify, on(24, 10, 0))},
			with(map[evaluation.Count]string{evaluation.Handled: d24, evaluation.HandledInTime: d24})},
		{"closing on the limit counts on the day it was due", []casework.Step{
			staff, filed, dispatch(), step(casework.ActionHandle, on(24, 9, 0)), step(casework.ActionVerify, on(24, 10, 0)), step(casework.ActionClose, on(25, 18, 0)),
		}, with(map[evaluation.Count]string{evaluation.Handled: d24, evaluation.HandledInTime: d24, evaluation.Closed: d25, evaluation.ClosedInTime: d25})},
		{"closing late is closed, not in time", []casework.Step{
			staff, filed, dispatch(), step(casework.ActionHandle, on(24, 9, 0)), step(casework.ActionVerify, on(24, 10, 0)), step(casework.ActionClose, on(30, 9, 0)),
		}, with(map[evaluation.Count]string{evaluation.Handled: d24, evaluation.HandledInTime: d24, evaluation.Closed: d25})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := map[evaluation.Count]string{}
			for _, c := range evaluation.Contributions(tt.steps, zone) {
				got[c.Count] = c.Day
				department := ""
				if _, ok := tt.want[evaluation.Dispatched]; ok {
					department = "SZ"
				}
				if c.Quantity != 1 || c.District != "150302" || c.Department != department {
					t.Errorf("%s: got %+v, want one of district 150302 and department %q", c.Count, c, department)
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v,\nwant %v", got, tt.want)
			}
		})
	}
}

func TestEveryReworkOfACaseCounts(t *testing.T) {
	steps := []casework.Step{report(casework.ChannelSupervisor), step(casework.ActionFile, on(23, 10, 0)), dispatch()}
	for hour := 8; hour < 11; hour++ {
		steps = append(steps, step(casework.ActionHandle, on(24, hour, 0)), step(casework.ActionRework, on(24, hour, 30)))
	}
	for _, c := range evaluation.Contributions(steps, zone) {
		if c.Count == evaluation.Reworked && c.Quantity == 3 {
			return
		}
	}
	t.Errorf("three reworks are not counted: %v", evaluation.Contributions(steps, zone))
}

func TestACaseWithoutStepsAddsNothing(t *testing.T) {
	if got := evaluation.Contributions(nil, zone); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
