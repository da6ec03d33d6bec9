package evidence

import (
	"context"
	"slices"
	"time"
)

// Settled is how old a file without an item must be to be nobody's: no upload
// takes that long, and a database that was put back for a look is gone by then.
const Settled = 7 * 24 * time.Hour

// Sweep removes the files that are so old and that no item holds, which a process
// left that was killed between writing the one and the other. It returns how many.
func (s *Service) Sweep(ctx context.Context, age time.Duration) (removed int, err error) {
	var names []string
	flush := func() error {
		n, err := s.sweep(ctx, names)
		removed, names = removed+n, names[:0]
		return err
	}
	err = s.p.Vault.Walk(ctx, age, func(name string) error {
		if names = append(names, name); len(names) < 500 {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return removed, err
}

func (s *Service) sweep(ctx context.Context, names []string) (removed int, err error) {
	if len(names) == 0 {
		return 0, nil
	}
	used, err := s.p.Store.Blobs(ctx, names)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if slices.Contains(used, name) {
			continue
		}
		if err := s.p.Vault.Remove(ctx, name); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
