package provisioning

import (
	"context"
	"errors"
	"fmt"

	"wangge/tenant"
)

// Abandon undoes what was built of a city that was never in service, the last
// step first, until nothing of it is left: no row, role, schema, file or key. It
// may be interrupted at any point and run again. A city that was in service
// leaves in another way and is refused.
func (p *Provisioner) Abandon(ctx context.Context, id tenant.ID, progress Progress) error {
	held, unlock, err := p.Ledger.Lock(ctx, id.String())
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.Ledger.Unused(held, id.String()); err != nil {
		return err
	}
	undone, of := 0, 0
	for _, st := range steps {
		if st.undo != nil {
			of++
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		st := steps[i]
		if st.undo == nil {
			continue // it goes with the database
		}
		undone++
		began := p.Now()
		progress(st.Step, undone, of, -1, "", nil)
		err := st.undo(held, p, id)
		progress(st.Step, undone, of, p.Now().Sub(began), "undone", err)
		if err != nil {
			return errors.Join(context.Cause(held), fmt.Errorf("undo step %s: %w", st.Code, err))
		}
	}
	return nil
}
