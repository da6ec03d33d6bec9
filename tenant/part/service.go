package part

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
)

// Grids are the city's unit grids.
type Grids interface {
	// Snapshot returns the lookup in the grids as they stand now.
	Snapshot(ctx context.Context) (Locate, error)
}

// Kinds are the kinds of parts the city knows, its own ones included.
type Kinds interface {
	PartKinds(ctx context.Context) (KindName, error)
}

// Service keeps the register of one city. It is safe for concurrent use.
type Service struct {
	store Store
	grids Grids
	kinds Kinds
	now   func() time.Time
	std   standard
}

// NewService returns the register kept in store.
func NewService(store Store, grids Grids, kinds Kinds, now func() time.Time) (*Service, error) {
	std, err := readStandard()
	if err != nil {
		return nil, err
	}
	return &Service{store, grids, kinds, now, std}, nil
}

// Numberings lists the ways an identifier may be read.
func (s *Service) Numberings() []Numbering { return append([]Numbering(nil), s.std.numberings...) }

// usual is the numbering of a file that does not say its own.
const usual = "GB/T 47678.5-2026"

var errNumbering = errs.New(errs.Invalid, "no_such_numbering", "没有这种编码方式：%s", "no such numbering: %s")

// Numbering returns the numbering of a name, the usual one of "".
func (s *Service) Numbering(name string) (Numbering, error) {
	if name == "" {
		name = usual
	}
	for _, n := range s.std.numberings {
		if n.Name == name {
			return n, nil
		}
	}
	return Numbering{}, errNumbering.With(cut(name))
}

// StateZh is the standard's word for a state.
func (s *Service) StateZh(state State) string { return s.std.shown[state] }

// Part returns a part, ErrNoPart when the register does not have it.
func (s *Service) Part(ctx context.Context, id string) (Part, error) { return s.store.Part(ctx, id) }

// HasPart says whether the register has a part.
func (s *Service) HasPart(ctx context.Context, id string) (bool, error) {
	_, err := s.store.Part(ctx, id)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil, err
}

// History lists what was done to a part, the oldest first; ErrNoPart when the
// register never had it. It may no longer have it.
func (s *Service) History(ctx context.Context, id string) ([]Change, error) {
	var now *Part
	switch p, err := s.store.Part(ctx, id); {
	case err == nil:
		now = &p
	case errs.KindOf(err) != errs.NotFound:
		return nil, err
	}
	found, acts, err := s.store.Replaced(ctx, id)
	if err != nil {
		return nil, err
	}
	if now == nil && len(found) == 0 {
		return nil, ErrNoPart
	}
	return history(found, acts, now), nil
}

// Edit is a change of one part by hand. What is nil stays as it is.
type Edit struct {
	ID                             string
	Revision                       int64 // of the part that was seen; 0 for whichever it is
	State                          *State
	Responsible, Owner, Maintainer *Unit
	Note                           *string
	Reason                         string
	By                             int64
}

// Edit changes a part and keeps what it was. The part's change date becomes
// today. A change that changes nothing is refused, and so is one of a part that
// is no longer as it was seen (ErrStale).
func (s *Service) Edit(ctx context.Context, e Edit) (p Part, err error) {
	if err := s.checkEdit(e); err != nil {
		return Part{}, err
	}
	err = s.store.InTx(ctx, func(store Store) error {
		act, err := store.NewAct(ctx, Act{Kind: ActEdit, At: s.now(), Account: e.By, Reason: e.Reason})
		if err != nil {
			return err
		}
		before, err := store.Part(ctx, e.ID)
		if err != nil {
			return err
		}
		if e.Revision != 0 && e.Revision != before.Revision {
			return ErrStale
		}
		if p = e.apply(before); p.same(before) {
			return errs.Field("body", "没有任何变化", "nothing would change")
		}
		p.Changed, p.Revision = max(s.now().Format(time.DateOnly), p.Initial), act
		if err := store.Change(ctx, []Part{before}, []Part{p}); err != nil {
			return err
		}
		return store.Count(ctx, act, Counts{Changed: 1})
	})
	if err != nil {
		return Part{}, fmt.Errorf("edit part %s: %w", e.ID, err)
	}
	return p, nil
}

func (e Edit) apply(p Part) Part {
	if e.State != nil {
		p.State = *e.State
	}
	if e.Responsible != nil {
		p.Responsible = *e.Responsible
	}
	if e.Owner != nil {
		p.Owner = *e.Owner
	}
	if e.Maintainer != nil {
		p.Maintainer = *e.Maintainer
	}
	if e.Note != nil {
		p.Note = *e.Note
	}
	return p
}

// checkEdit holds an edit to what a file is held to.
func (s *Service) checkEdit(e Edit) error {
	var found []errs.Problem
	add := func(field, zh, en string) { found = append(found, errs.Problem{Field: field, Zh: zh, En: en}) }
	if strings.TrimSpace(e.Reason) == "" {
		add("reason", "必填", "is required")
	}
	if e.State != nil && s.std.shown[*e.State] == "" {
		add("state", "没有这个状态", "no such state")
	}
	if e.Responsible != nil && e.Responsible.Name == "" {
		add("responsible.name", "必填", "is required")
	}
	long := func(field, v string, k Key) {
		if most := s.std.fields[k].Length; utf8.RuneCountInString(v) > most {
			add(field, fmt.Sprintf("不得多于 %d 个字", most), fmt.Sprintf("must have at most %d characters", most))
		}
	}
	for _, u := range []struct {
		name string
		unit *Unit
	}{{"responsible", e.Responsible}, {"owner", e.Owner}, {"maintainer", e.Maintainer}} {
		if u.unit != nil {
			long(u.name+".code", u.unit.Code, ResponsibleCode)
			long(u.name+".name", u.unit.Name, ResponsibleName)
		}
	}
	if e.Note != nil {
		long("note", *e.Note, Note)
	}
	return errs.Problems(found...)
}

// Imports lists the imports, the newest first, those with a number below before
// (0 for all), at most limit.
func (s *Service) Imports(ctx context.Context, before int64, limit int) ([]Act, error) {
	return s.store.Imports(ctx, before, page(limit, 50, 200))
}

// Undo takes back an import: parts that it added leave the register, parts that
// it changed are exactly what they were before. It is refused when it is undone
// (ErrUndone) and when any of its parts was changed since (ErrMoved, which names
// the first 200 of them). The history keeps both.
func (s *Service) Undo(ctx context.Context, id, by int64, reason string) (n Counts, err error) {
	if strings.TrimSpace(reason) == "" {
		return n, errs.Field("reason", "必填", "is required")
	}
	err = s.store.InTx(ctx, func(store Store) error {
		switch act, err := store.Import(ctx, id); {
		case err != nil:
			return err
		case act.UndoneBy != 0:
			return ErrUndone
		}
		undo, err := store.NewAct(ctx, Act{Kind: ActUndo, At: s.now(), Account: by, Reason: reason, Undoes: id})
		if err != nil {
			return err
		}
		switch ids, count, err := store.ChangedSince(ctx, id, maxListed); {
		case err != nil:
			return err
		case count > 0:
			return changedSince(ids, count)
		}
		if n, err = store.TakeBack(ctx, id, undo); err != nil {
			return err
		}
		return store.Count(ctx, undo, n)
	})
	if err != nil {
		return Counts{}, fmt.Errorf("undo import %d: %w", id, err)
	}
	return n, nil
}

// changedSince names the parts because of which an import can't be undone.
func changedSince(ids []string, count int) error {
	e := *ErrMoved.With(count)
	for _, id := range ids {
		e.Problems = append(e.Problems, errs.Problem{Field: id, Zh: "部件 " + id + " 之后被修改", En: "part " + id + " was changed since"})
	}
	return &e
}
