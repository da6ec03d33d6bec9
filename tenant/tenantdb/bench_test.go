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
	by := func(r org.Role) casework.Command { return casework.Command{Number: c.Number, By: h.Actor(r)} }
	for _, do := range []func() (*casework.Case, error){
		func() (*casework.Case, error) { return cases.File(ctx, by(org.ShiftLeader)) },
		func() (*casework.Case, error) { return cases.Dispatch(ctx, by(org.Dispatcher), citytest.Works) },
		func() (*casework.Case, error) { return cases.Handle(ctx, by(org.DepartmentHandler)) },
		func() (*casework.Case, error) { return cases.Verify(ctx, by(org.Supervisor)) },
		func() (*casework.Case, error) { return cases.Close(ctx, by(org.ShiftLeader)) },
	} {
		if _, err := do(); err != nil {
			b.Fatal(err)
		}
	}
}
