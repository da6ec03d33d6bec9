package part

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// Source yields the records of a file; io.EOF after the last. Any other error
// ends the reading; it is Invalid when the file is at fault.
type Source interface{ Next() (Record, error) }

// Upload is a file of parts and who brought it.
type Upload struct {
	File      string // its name, for messages and for the record
	SHA256    string
	Numbering string // how its identifiers are read; "" for GB/T 47678.5-2026
	Open      func() (Source, error)
	By        int64 // account
}

// Report says what an import did or, as a rehearsal, would do.
type Report struct {
	Import int64 // number of the act; 0 for a rehearsal
	Counts
	Faults []errs.Problem // of a rehearsal: the first 200, and one that counts the rest
}

// Rehearse checks a file as Import does and tells what Import would do. It
// writes nothing. Faults of records stand in the report; the error is Invalid
// only when the file can't be read at all.
func (s *Service) Rehearse(ctx context.Context, up Upload) (Report, error) {
	p, err := s.pass(ctx, up)
	if err != nil {
		return Report{}, err
	}
	p.store = s.store
	if err := p.run(ctx); err != nil {
		return Report{}, fmt.Errorf("rehearse %s: %w", up.File, err)
	}
	return Report{Counts: p.counts, Faults: p.faults.all()}, nil
}

// Import adds the parts of a file to the register and changes those that are in
// it, all or nothing: a file with any fault changes nothing, and the error lists
// the first 200 of them. Parts that the file does not have stay as they are, and
// so do those fields of a part for which it has no column. The file is read
// twice, so that the register is held only while it is written.
func (s *Service) Import(ctx context.Context, up Upload) (report Report, err error) {
	first, err := s.pass(ctx, up)
	if err != nil {
		return Report{}, err
	}
	if err := first.checked(ctx); err != nil {
		return Report{}, fmt.Errorf("import parts of %s: %w", up.File, err)
	}
	err = s.store.InTx(ctx, func(store Store) error {
		p, err := s.pass(ctx, up) // grids and kinds as they are now
		if err != nil {
			return err
		}
		if report.Import, err = store.NewAct(ctx, Act{
			Kind: ActImport, At: s.now(), Account: up.By, File: up.File, SHA256: up.SHA256, Numbering: p.rules.numbering.Name,
		}); err != nil {
			return err
		}
		p.store, p.act = store, report.Import
		if err := p.checked(ctx); err != nil {
			return err
		}
		report.Counts = p.counts
		return store.Count(ctx, report.Import, p.counts)
	})
	if err != nil {
		return Report{}, fmt.Errorf("import parts of %s: %w", up.File, err)
	}
	return report, nil
}

// batch is how many records are held at a time.
const batch = 1000

// pass is one reading of a file. Without a store it only checks, without an act
// it only compares.
type pass struct {
	up     Upload
	rules  rules
	store  Store
	act    int64
	counts Counts
	faults problems
	seen   map[packed]int32 // the row that every identifier came in
	parts  []Part
	given  []Given
}

func (s *Service) pass(ctx context.Context, up Upload) (*pass, error) {
	n, err := s.Numbering(up.Numbering)
	if err != nil {
		return nil, err
	}
	locate, err := s.grids.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("grids: %w", err)
	}
	kind, err := s.kinds.PartKinds(ctx)
	if err != nil {
		return nil, fmt.Errorf("kinds of parts: %w", err)
	}
	return &pass{
		up: up, rules: rules{s.std, n, locate, kind}, seen: map[packed]int32{},
		faults: problems{std: s.std, file: up.File},
	}, nil
}

// checked is run for which a fault of any record is an error.
func (p *pass) checked(ctx context.Context) error {
	if err := p.run(ctx); err != nil {
		return err
	}
	return errs.Problems(p.faults.all()...)
}

func (p *pass) run(ctx context.Context) error {
	src, err := p.up.Open()
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		rec, err := src.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				p.faults.listed = append(p.faults.listed, errs.Problem{File: p.up.File, Zh: "文件中没有部件", En: "there is no part in the file"})
			}
			return p.flush(ctx)
		}
		if err != nil {
			return err
		}
		p.take(rec)
		if len(p.parts) == batch {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// take checks a record and puts it into the batch.
func (p *pass) take(rec Record) {
	part, faults := p.rules.check(rec)
	if id, ok := pack(part.ID); ok {
		if row, twice := p.seen[id]; twice {
			faults = append(faults, Fault{ID, fmt.Sprintf("标识码与第 %d 行重复", row), fmt.Sprintf("the identifier is also that of row %d", row)})
		} else {
			p.seen[id] = int32(rec.Row) // a file has fewer rows
		}
	}
	p.faults.add(rec.Row, faults...)
	if len(faults) == 0 {
		p.parts, p.given = append(p.parts, part), append(p.given, rec.Given)
	}
}

// flush compares the batch with the register and, in an import, writes it.
func (p *pass) flush(ctx context.Context) error {
	if p.store == nil || p.act > 0 && p.faults.count() > 0 {
		p.parts, p.given = p.parts[:0], p.given[:0]
		return ctx.Err()
	}
	ids := make([]string, len(p.parts))
	for i := range p.parts {
		ids[i] = p.parts[i].ID
	}
	held, err := p.store.Held(ctx, ids)
	if err != nil {
		return err
	}
	var added, from, to []Part
	for i, now := range p.parts {
		now.Revision = p.act
		before, ok := held[now.ID]
		if ok {
			now = keepUngiven(now, before, p.given[i])
			if now.Grid == before.Grid && almost(now.Place, before.Place) {
				now.Place = before.Place
			}
		}
		switch {
		case !ok:
			added = append(added, now)
		case before.same(now):
			p.counts.Unchanged++
		default:
			from, to = append(from, before), append(to, now)
		}
	}
	p.counts.Added += len(added)
	p.counts.Changed += len(to)
	p.parts, p.given = p.parts[:0], p.given[:0]
	if p.act == 0 {
		return nil
	}
	if err := p.store.Add(ctx, added); err != nil {
		return err
	}
	return p.store.Change(ctx, from, to)
}

// keepUngiven gives a part the fields for which its file has no column.
func keepUngiven(now, before Part, given Given) Part {
	for _, f := range []struct {
		key      Key
		now, was *string
	}{
		{ResponsibleCode, &now.Responsible.Code, &before.Responsible.Code},
		{OwnerCode, &now.Owner.Code, &before.Owner.Code},
		{OwnerName, &now.Owner.Name, &before.Owner.Name},
		{MaintainerCode, &now.Maintainer.Code, &before.Maintainer.Code},
		{MaintainerName, &now.Maintainer.Name, &before.Maintainer.Name},
		{Changed, &now.Changed, &before.Changed},
		{SourceOf, &now.Source, &before.Source},
		{Note, &now.Note, &before.Note},
	} {
		if !given.Has(f.key) {
			*f.now = *f.was
		}
	}
	return now
}

// almost says whether two places are less than a fifth of a millimetre apart:
// a spreadsheet program keeps 15 digits of a number, and the inverse of a shifted
// system is as exact as that.
func almost(a, b grid.Point) bool {
	const degrees = 2e-9
	return math.Abs(a.Lon-b.Lon) < degrees && math.Abs(a.Lat-b.Lat) < degrees
}

// packed is an identifier of at most 24 digits in 12 bytes, so that those of a
// million records can be remembered.
type packed [12]byte

func pack(id string) (p packed, ok bool) {
	if id == "" || len(id) > 2*len(p) {
		return p, false
	}
	for i := range len(id) {
		d := id[i] - '0'
		if d > 9 {
			return p, false
		}
		p[i/2] |= (d + 1) << (4 * (i % 2))
	}
	return p, true
}
