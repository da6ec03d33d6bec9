package demo

import (
	"sync/atomic"
	"time"
)

// clock is the story's time: it stands where it is set until Run lets it go on
// with the time of the machine.
type clock struct {
	at atomic.Pointer[func() time.Time]
}

func newClock(t time.Time) *clock {
	c := &clock{}
	c.set(t)
	return c
}

// Now is the story's time.
func (c *clock) Now() time.Time { return (*c.at.Load())() }

func (c *clock) set(t time.Time) {
	t = t.UTC()
	standing := func() time.Time { return t }
	c.at.Store(&standing)
}

// run lets the clock go on from where it stands.
func (c *clock) run() {
	from, began := c.Now(), time.Now()
	going := func() time.Time { return from.Add(time.Since(began)) }
	c.at.Store(&going)
}
