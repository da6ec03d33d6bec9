package casework

import (
	"context"
	"errors"
	"time"
)

// maxAlarms is how many cases one watch looks at; the next goes on.
const maxAlarms = 5000

// NextWatch is the instant from which Watch has something to do as things stand,
// zero when there is none.
func (s *Service) NextWatch(ctx context.Context) (time.Time, error) {
	return s.p.Store.NextAlarm(ctx)
}

// Watch takes the next rung of the ladder for every case whose time has come,
// and lets suspended cases go on whose rest is over. It returns how many cases
// it moved; one that somebody works on meanwhile is left to the next watch.
func (s *Service) Watch(ctx context.Context) (moved int, err error) {
	now := s.now()
	list, err := s.p.Store.Alarms(ctx, now, maxAlarms)
	if err != nil {
		return 0, err
	}
	for i := range list {
		c := &list[i]
		a, note := ActionEscalate, ""
		if c.Stage == StageSuspended && !c.Asked.Until.After(now) {
			a, note = ActionResume, "挂账到期 the suspension has ended"
		} else if c.Stage == StageSuspended {
			continue
		}
		step, err := c.Apply(a, System, now, s.rules, Order{})
		if err != nil {
			return moved, err
		}
		step.Note = note
		switch err := s.p.Store.Save(ctx, Change{Case: c, Step: step}); {
		case errors.Is(err, ErrStale):
		case err != nil:
			return moved, err
		default:
			moved++
		}
	}
	return moved, nil
}
