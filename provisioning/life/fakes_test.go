package life_test

import (
	"context"
	"errors"
	"time"

	"wangge/provisioning"
)

var errBroken = errors.New("broken")

// failing is a ledger that fails when a step ends.
type failing struct {
	provisioning.Ledger
	step string
}

func (f failing) End(ctx context.Context, city, step string, at time.Time, detail string, failed bool) error {
	if step == f.step {
		return errBroken
	}
	return f.Ledger.End(ctx, city, step, at, detail, failed)
}
