package duty

import (
	"slices"
	"time"

	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// Facts are what a roster is made from, as they stood at one moment.
type Facts struct {
	Supervisors []org.Holder // of accounts that may sign in, past and coming ones too
	Deputies    []org.Deputy // for posts of supervisors, of such accounts
	Leaves      []org.Leave
	Duties      []Duty
	Members     map[string]string // unit grid to responsibility grid
}

// Roster answers who is on duty. It never changes, so it is safe for concurrent
// use.
type Roster struct {
	supervisors []org.Holder
	deputies    map[int64][]org.Deputy // by principal
	leaves      map[int64][]org.Leave
	duties      map[string][]shift // by responsibility grid
	members     map[string]string
}

type shift struct {
	Duty
	hours
}

// NewRoster makes a roster; a duty whose shift can't be read is left out.
func NewRoster(f Facts) *Roster {
	r := &Roster{supervisors: f.Supervisors, deputies: map[int64][]org.Deputy{}, leaves: map[int64][]org.Leave{}, duties: map[string][]shift{}, members: f.Members}
	for _, d := range f.Deputies {
		r.deputies[d.Principal] = append(r.deputies[d.Principal], d)
	}
	for _, l := range f.Leaves {
		r.leaves[l.Account] = append(r.leaves[l.Account], l)
	}
	for _, d := range f.Duties {
		if h, ok := parseShift(d.Shift); ok {
			r.duties[d.Responsibility] = append(r.duties[d.Responsibility], shift{d, h})
		}
	}
	return r
}

// OnDuty lists, by account, the supervisors on duty for a unit grid at a moment
// in the city's zone: those whose duty in the responsibility grid that has the
// unit grid is on, who hold the post and are not on leave. For one on leave
// stands in who deputises for the post. Where no duty is set for the day, or the
// unit grid is in no responsibility grid, it is everybody who holds or deputises
// the post and is not on leave.
func (r *Roster) OnDuty(unit grid.Code, at time.Time) []int64 {
	today, minute := at.Format(time.DateOnly), at.Hour()*60+at.Minute()
	yesterday := at.AddDate(0, 0, -1).Format(time.DateOnly)
	list := r.duties[r.members[unit.String()]]
	var out []int64
	set := false
	for _, s := range list {
		on, before := s.on(today), s.on(yesterday)
		set = set || on
		if on && s.from <= minute && minute < s.to || before && minute+day < s.to {
			set = true
			out = append(out, r.present(s.Account, today)...)
		}
	}
	if !set {
		out = r.everybody(today)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s shift) on(day string) bool { return s.From <= day && (s.To == "" || day <= s.To) }

// everybody holds or deputises the post on a day and is not on leave.
func (r *Roster) everybody(day string) (out []int64) {
	for _, h := range r.supervisors {
		if !h.On(day) {
			continue
		}
		if !r.away(h.Account, day) {
			out = append(out, h.Account)
		}
		for _, d := range r.deputies[h.Account] {
			if d.On(day) && d.Department == h.Department && !r.away(d.Account, day) {
				out = append(out, d.Account)
			}
		}
	}
	return out
}

// present is the account, or who stands in for it while it is on leave; nobody
// when its post is not in effect.
func (r *Roster) present(account int64, day string) (out []int64) {
	held := r.held(account, day)
	if len(held) > 0 && !r.away(account, day) {
		return []int64{account}
	}
	for _, d := range r.deputies[account] {
		if d.On(day) && slices.Contains(held, d.Department) && !r.away(d.Account, day) {
			out = append(out, d.Account)
		}
	}
	return out
}

// held lists where an account is a supervisor on a day.
func (r *Roster) held(account int64, day string) (units []string) {
	from, _ := slices.BinarySearchFunc(r.supervisors, account, byAccount)
	for _, h := range r.supervisors[from:] {
		if h.Account != account {
			break
		}
		if h.On(day) {
			units = append(units, h.Department)
		}
	}
	return units
}

func byAccount(h org.Holder, account int64) int { return int(h.Account - account) }

func (r *Roster) away(account int64, day string) bool {
	return slices.ContainsFunc(r.leaves[account], func(l org.Leave) bool { return l.On(day) })
}
