package casework

import (
	"context"
	"time"

	"wangge/internal/errs"
)

// The refusals between two cases.
var (
	ErrSameCase  = errs.New(errs.Invalid, "same_case", "不能与自身并案或归入自身", "a case can't be merged into or attached to itself")
	ErrOtherRest = errs.New(errs.Conflict, "other_case_over", "案卷 %s 已结束，不能并入", "case %s is over; nothing can be added to it")
	ErrFamily    = errs.New(errs.Conflict, "one_level_family", "母案不能再有母案，子案不能再有子案", "a parent has no parent, and a child no children")
)

// counterpart is the other half of a merge or of a child's joining: the other
// case takes a step of its own, so that a change of it in between is noticed.
func (s *Service) counterpart(ctx context.Context, a Action, in Command, by Actor, now time.Time) (*Change, error) {
	var answer Action
	switch a {
	case ActionMerge:
		answer = ActionAbsorb
	case ActionAttach:
		answer = ActionGather
	default:
		return nil, nil
	}
	if in.Other == in.Number {
		return nil, ErrSameCase
	}
	other, err := s.p.Store.Case(ctx, in.Other)
	if err != nil {
		return nil, err
	}
	if !other.Stage.Open() {
		return nil, ErrOtherRest.With(other.Number)
	}
	if a == ActionAttach {
		children, err := s.p.Store.OpenChildren(ctx, in.Number)
		if err != nil {
			return nil, err
		}
		if other.Parent != "" || children > 0 {
			return nil, ErrFamily
		}
	}
	if now.Before(other.EnteredAt) {
		now = other.EnteredAt
	}
	step, err := other.Apply(answer, by, now, s.rules, Order{Other: in.Number})
	return &Change{Case: other, Step: step}, err
}
