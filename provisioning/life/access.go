package life

import (
	"context"
	"errors"
	"strings"

	"wangge/internal/errs"
	"wangge/platform"
	"wangge/tenant"
)

// Suspend takes a city out of service: read_only lets its people look, closed
// not even that. What is urgent is reported all the same. Running servers hold
// to it within two seconds. It may be given again with another degree.
func (l *Life) Suspend(ctx context.Context, id tenant.ID, access platform.Access, reason string) error {
	if access != platform.ReadOnly && access != platform.Closed {
		return errs.Field("access", "应为 read_only 或 closed", "must be read_only or closed")
	}
	if strings.TrimSpace(reason) == "" {
		return errs.Field("reason", "须说明理由", "a reason is needed")
	}
	err := l.Registry.Change(ctx, id.String(), func(c *platform.City) error {
		switch {
		case c.State == platform.Building:
			return ErrNotServing.With(c.Code)
		case !c.LeftAt.IsZero():
			return ErrLeft.With(c.Code)
		}
		c.State, c.Access, c.AccessReason = platform.Suspended, access, reason
		c.Generation++
		return nil
	})
	return l.cutOff(ctx, id, err)
}

// cutOff ends what is connected to a city that was taken out of service. Servers
// that may still look open it anew.
func (l *Life) cutOff(ctx context.Context, id tenant.ID, err error) error {
	if err != nil || l.CutOff == nil {
		return err
	}
	return l.CutOff(ctx, id)
}

// Resume puts a city into service again that was suspended, or that was deleted
// and not purged yet.
func (l *Life) Resume(ctx context.Context, id tenant.ID) error {
	if purged, err := l.purged(ctx, id); err != nil || purged {
		return errors.Join(err, purgedError(id, purged))
	}
	return l.Registry.Change(ctx, id.String(), func(c *platform.City) error {
		if c.State == platform.Building {
			return ErrNotServing.With(c.Code)
		}
		c.State, c.Access, c.AccessReason = platform.Active, platform.Open, ""
		c.LeftAt = platform.City{}.LeftAt
		c.Generation++
		return nil
	})
}

// Delete takes a city out of service for ever: nobody gets in any more, and
// after the retention it may be purged. Until then Resume brings it back. What
// it used and its figures are taken a last time first.
func (l *Life) Delete(ctx context.Context, id tenant.ID, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errs.Field("reason", "须说明理由", "a reason is needed")
	}
	entry, err := l.served(ctx, id)
	if err != nil {
		return err
	}
	if err := l.Province.TakeAll(ctx, id); err != nil {
		return err
	}
	err = l.Registry.Change(ctx, entry.Code, func(c *platform.City) error {
		if !c.LeftAt.IsZero() {
			return ErrLeft.With(c.Code)
		}
		c.State, c.Access, c.AccessReason, c.LeftAt = platform.Suspended, platform.Closed, reason, l.Now()
		c.Generation++
		return nil
	})
	return l.cutOff(ctx, id, err)
}
