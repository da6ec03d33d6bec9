package casework

import (
	"time"

	"wangge/tenant/calendar"
)

// Clock counts a limit in its own unit of time. It stands still while it is
// paused and goes on with exactly what was left; what was late stays late.
type Clock struct {
	Unit   calendar.Unit
	Due    time.Time     // when it runs out; while it stands, when it would have
	Left   time.Duration // of the unit's time, while it stands before it ran out
	Paused bool
}

// Started says whether the clock has been started and not been set back.
func (c Clock) Started() bool { return c.Unit != "" }

// Running says whether time counts.
func (c Clock) Running() bool { return c.Started() && !c.Paused }

// start begins a limit anew.
func start(cal *calendar.Calendar, now time.Time, l calendar.Limit) Clock {
	return Clock{Unit: l.Unit, Due: cal.Deadline(now, l)}
}

// pause stops a running clock.
func (c Clock) pause(cal *calendar.Calendar, now time.Time) Clock {
	if c.Running() {
		c.Paused, c.Left = true, cal.Between(now, c.Due, c.Unit)
	}
	return c
}

// resume goes on with what was left.
func (c Clock) resume(cal *calendar.Calendar, now time.Time) Clock {
	if c.Paused && c.Left > 0 {
		c.Due = cal.After(now, c.Left, c.Unit)
	}
	c.Paused, c.Left = false, 0
	return c
}

// extend adds a limit to the end.
func (c Clock) extend(cal *calendar.Calendar, l calendar.Limit) Clock {
	c.Due = cal.Deadline(c.Due, l)
	return c
}
