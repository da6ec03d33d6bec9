package org_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"wangge/tenant/org"
)

// memory is an organisation without a database, so that rules are tested by
// themselves; tenantdb's tests hold the same on both engines.
type memory struct {
	units    []org.Department
	holders  []org.Holder
	deputies []org.Deputy
	leaves   []org.Leave
	sides    map[int64]org.Side
	day      string
	moved    int // how often the day was
}

func (m *memory) InTx(_ context.Context, fn func(org.Store) error) error {
	before := *m
	before.units, before.holders, before.deputies = slices.Clone(m.units), slices.Clone(m.holders), slices.Clone(m.deputies)
	err := fn(m)
	if err != nil {
		*m = before
	}
	return err
}

func (m *memory) Begin(context.Context) error { return nil }

func (m *memory) SetDay(_ context.Context, day string) (string, error) {
	if m.day < day {
		m.day = day
		m.moved++
	}
	return m.day, nil
}

func (m *memory) Department(_ context.Context, code string) (org.Department, error) {
	for _, d := range m.units {
		if d.Code == code {
			return d, nil
		}
	}
	return org.Department{}, org.ErrNoDepartment.With(code)
}

func (m *memory) Departments(context.Context) ([]org.Department, error) { return m.units, nil }

func (m *memory) SaveDepartment(_ context.Context, d org.Department) error {
	m.units = append(slices.DeleteFunc(m.units, func(o org.Department) bool { return o.Code == d.Code }), d)
	return nil
}

func (m *memory) HasDivision(_ context.Context, code string) (bool, error) {
	return code[:4] == "1503", nil
}

func (m *memory) Holders(context.Context) ([]org.Holder, error) { return slices.Clone(m.holders), nil }

func (m *memory) HeldBy(_ context.Context, account int64, day string) (list []org.Holder, err error) {
	for _, h := range m.holders {
		if h.Account == account && h.On(day) {
			list = append(list, h)
		}
		for _, d := range m.deputies {
			if d.Account == account && d.Principal == h.Account && d.Role == h.Role && d.Department == h.Department && d.On(day) && h.On(day) {
				list = append(list, org.Holder{Account: account, Role: d.Role, Department: d.Department, From: d.From, Until: d.To, For: d.Principal})
			}
		}
	}
	slices.SortFunc(list, func(a, b org.Holder) int {
		if a.Role != b.Role {
			return slices.Index(org.Roles(), a.Role) - slices.Index(org.Roles(), b.Role)
		}
		return int(a.For - b.For)
	})
	return list, nil
}

func (m *memory) SetHolders(_ context.Context, account int64, side org.Side, list []org.Holder, day string) error {
	m.holders = append(slices.DeleteFunc(m.holders, func(h org.Holder) bool { return h.Account == account }), list...)
	m.deputies = slices.DeleteFunc(m.deputies, func(d org.Deputy) bool {
		gone := d.Principal == account && !slices.ContainsFunc(list, func(h org.Holder) bool { return h.Role == d.Role && h.Department == d.Department })
		return gone || d.Account == account && d.To < day
	})
	m.sides[account] = side
	return nil
}

func (m *memory) Deputies(context.Context) ([]org.Deputy, error) {
	return slices.Clone(m.deputies), nil
}

func (m *memory) SetDeputies(_ context.Context, principal int64, list []org.Deputy, sides map[int64]org.Side) error {
	m.deputies = append(slices.DeleteFunc(m.deputies, func(d org.Deputy) bool { return d.Principal == principal }), list...)
	for account, side := range sides {
		m.sides[account] = side
	}
	return nil
}

func (m *memory) Leaves(context.Context) ([]org.Leave, error) { return m.leaves, nil }

func (m *memory) SetLeaves(_ context.Context, account int64, list []org.Leave) error {
	m.leaves = append(slices.DeleteFunc(m.leaves, func(l org.Leave) bool { return l.Account == account }), list...)
	return nil
}

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// clock shows noon of a day.
type clock struct{ day string }

func (c *clock) now() time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, c.day, zone)
	return t.Add(12 * time.Hour)
}

// house is a city with both centres and two departments, on 2026-11-23.
func house(t testing.TB) (*org.Service, *memory, *clock) {
	t.Helper()
	m, c := &memory{sides: map[int64]org.Side{}}, &clock{"2026-11-23"}
	s := org.NewService(m, zone, c.now)
	for _, d := range []org.Department{
		{Code: "JD", Name: "监督中心", Kind: org.SupervisionCentre}, {Code: "ZH", Name: "指挥中心", Kind: org.CommandCentre},
		{Code: "SZ", Name: "市政处", Kind: org.Functional}, {Code: "YL", Name: "园林处", Kind: org.Contractor},
	} {
		if err := s.SaveDepartment(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return s, m, c
}
