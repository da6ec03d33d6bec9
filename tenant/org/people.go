package org

import (
	"context"
	"fmt"
	"slices"

	"wangge/internal/errs"
)

// SetPosts gives an account exactly these posts. Posts of both sides are
// refused, also when they are held at different times or when one of them is
// deputised, and so are a post in a unit that doesn't have it and one held
// twice in the same unit. Who acted for a post that is taken away no longer does.
func (s *Service) SetPosts(ctx context.Context, account int64, holders []Holder) error {
	roles := make([]Role, len(holders))
	var faults []errs.Problem
	for i := range holders {
		h := &holders[i]
		if slices.ContainsFunc(holders[:i], func(o Holder) bool { return o.Role == h.Role && o.Department == h.Department }) {
			return ErrTwice.With(string(h.Role))
		}
		h.Account, h.For = account, 0
		roles[i] = h.Role
		faults = append(faults, numbered(i, "posts", span(h.From, h.Until, "from", "until"))...)
	}
	if err := errs.Problems(faults...); err != nil {
		return err
	}
	if _, err := SideOf(roles...); err != nil {
		return err
	}
	return s.change(ctx, func(store Store, today string) error {
		for _, h := range holders {
			d, err := store.Department(ctx, h.Department)
			if err != nil {
				return err
			}
			if err := fits(h.Role, d); err != nil {
				return err
			}
		}
		acting, err := store.Deputies(ctx)
		if err != nil {
			return err
		}
		for _, d := range acting {
			if d.Account == account && d.To >= today {
				roles = append(roles, d.Role) //nolint:makezero // after those it holds itself
			}
		}
		side, err := SideOf(roles...)
		if err != nil {
			return err
		}
		return store.SetHolders(ctx, account, side, holders, today)
	})
}

// numbered names the faults of the i-th entry of a list by its place in it.
func numbered(i int, list string, faults []errs.Problem) []errs.Problem {
	for n := range faults {
		faults[n].Field = fmt.Sprintf("%s[%d].%s", list, i, faults[n].Field)
	}
	return faults
}

// SetDeputies lets exactly these accounts act for posts of principal. A post
// that principal does not hold is refused, a principal as the own deputy, days
// that are none, and who holds or deputises a post of the other side, at
// whatever time: an account stands on one side. All faults are listed.
func (s *Service) SetDeputies(ctx context.Context, principal int64, list []Deputy) error {
	for i := range list {
		list[i].Principal = principal
	}
	return s.change(ctx, func(store Store, _ string) error {
		held, err := store.Holders(ctx)
		if err != nil {
			return err
		}
		acting, err := store.Deputies(ctx)
		if err != nil {
			return err
		}
		acting = append(slices.DeleteFunc(acting, func(d Deputy) bool { return d.Principal == principal }), list...)
		sides := map[int64]Side{}
		var faults []errs.Problem
		for i, d := range list {
			found := d.check(list[:i], held)
			side, err := SideOf(rolesOf(d.Account, held, acting)...)
			if e, ok := errs.As(err); ok && len(found) == 0 {
				found = append(found, errs.Problem{Field: "deputy", Zh: e.Zh, En: e.En})
			}
			sides[d.Account] = side
			faults = append(faults, numbered(i, "deputies", found)...)
		}
		if err := errs.Problems(faults...); err != nil {
			return err
		}
		return store.SetDeputies(ctx, principal, list, sides)
	})
}

// check names what is wrong with a deputy, given those listed before it and who
// holds which post.
func (d Deputy) check(before []Deputy, held []Holder) (faults []errs.Problem) {
	if d.Account == d.Principal {
		faults = append(faults, errs.Problem{Field: "deputy", Zh: "不能代理自己的岗位", En: "nobody deputises for themselves"})
	}
	if !slices.ContainsFunc(held, func(h Holder) bool {
		return h.Account == d.Principal && h.Role == d.Role && h.Department == d.Department
	}) {
		faults = append(faults, errs.Problem{Field: "role", Zh: "本人在该部门没有这个岗位：" + string(d.Role) + "@" + d.Department, En: "that post is not held there: " + string(d.Role) + "@" + d.Department})
	}
	if d.From == "" || d.To == "" {
		return append(faults, errs.Problem{Field: "from", Zh: "代理须有开始和结束日期", En: "acting for somebody has a first and a last day"})
	}
	if slices.ContainsFunc(before, func(o Deputy) bool {
		return o.Account == d.Account && o.Role == d.Role && o.Department == d.Department && o.From <= d.To && d.From <= o.To
	}) {
		faults = append(faults, errs.Problem{Field: "from", Zh: "与前面的代理时间重叠", En: "overlaps an entry before it"})
	}
	return append(faults, span(d.From, d.To, "from", "to")...)
}

// rolesOf lists what an account holds and deputises for, whenever.
func rolesOf(account int64, held []Holder, acting []Deputy) (roles []Role) {
	for _, h := range held {
		if h.Account == account {
			roles = append(roles, h.Role)
		}
	}
	for _, d := range acting {
		if d.Account == account {
			roles = append(roles, d.Role)
		}
	}
	return roles
}

const maxReason = 200 // characters

// SetLeaves sets on which days an account is away, as a whole. Stretches have
// both ends and don't overlap. Being away takes no right: it takes duty.
func (s *Service) SetLeaves(ctx context.Context, account int64, list []Leave) error {
	var faults []errs.Problem
	for i := range list {
		l := &list[i]
		l.Account = account
		found := span(l.From, l.To, "from", "to")
		if l.From == "" || l.To == "" {
			found = append(found, errs.Problem{Field: "from", Zh: "请假须有开始和结束日期", En: "leave has a first and a last day"})
		}
		if len([]rune(l.Reason)) > maxReason {
			found = append(found, errs.Problem{Field: "reason", Zh: "事由不超过 200 字", En: "a reason has at most 200 characters"})
		}
		if slices.ContainsFunc(list[:i], func(o Leave) bool { return o.From <= l.To && l.From <= o.To }) {
			found = append(found, errs.Problem{Field: "from", Zh: "与前面的请假时间重叠", En: "overlaps an entry before it"})
		}
		faults = append(faults, numbered(i, "leave", found)...)
	}
	if err := errs.Problems(faults...); err != nil {
		return err
	}
	return s.change(ctx, func(store Store, _ string) error { return store.SetLeaves(ctx, account, list) })
}
