package tenantdb_test

import (
	"context"
	"testing"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// BenchmarkLifecycle takes one case from report to closing: six transactions.
func BenchmarkLifecycle(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(name, func(b *testing.B) {
			h := citytest.Build(b, open(b))
			for b.Loop() {
				lifecycle(b, h)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/lifecycle")
		})
	}
}

func lifecycle(b *testing.B, h *citytest.House) {
	b.Helper()
	ctx, cases := context.Background(), h.City.Cases
	c, err := cases.Report(ctx, h.Report())
	if err != nil {
		b.Fatal(err)
	}
	for _, move := range []struct {
		action casework.Action
		role   org.Role
	}{
		{casework.ActionFile, org.ShiftLeader}, {casework.ActionDispatch, org.Dispatcher}, {casework.ActionHandle, org.DepartmentHandler},
		{casework.ActionVerify, org.Supervisor}, {casework.ActionClose, org.ShiftLeader},
	} {
		in := casework.Command{Number: c.Number, By: h.Actor(move.role), Department: citytest.Works}
		if c.Checker != 0 {
			in.By.Account = c.Checker
		}
		if c, err = cases.Do(ctx, move.action, in); err != nil {
			b.Fatal(err)
		}
	}
}
