package provisioning_test

import (
	"fmt"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant/org"
)

// big is the spec of a city of 60 departments and 500 people.
func big() provisioning.Spec {
	s := provisioningtest.Spec()
	s.Departments, s.Staff = s.Departments[:3], nil
	for n := len(s.Departments); n < 60; n++ {
		s.Departments = append(s.Departments, provisioning.Department{Code: fmt.Sprintf("D%02d", n), Name: fmt.Sprintf("专业部门%02d", n), Kind: org.Functional})
	}
	for n := range 499 {
		p := provisioning.Person{Login: fmt.Sprintf("handler%03d", n), Name: fmt.Sprintf("部门处置员%03d", n), Department: s.Departments[2+n%58].Code, Roles: []org.Role{org.DepartmentHandler}}
		if n%3 == 0 {
			p = provisioning.Person{Login: fmt.Sprintf("supervisor%03d", n), Name: fmt.Sprintf("监督员%03d", n), Department: "JD", Roles: []org.Role{org.Supervisor}}
		}
		s.Staff = append(s.Staff, p)
	}
	return s
}

// BenchmarkABigCity builds a city of 19,881 grids, 60 departments and 500
// people from its files, and applies the same spec again. The seconds of each
// step are reported.
func BenchmarkABigCity(b *testing.B) {
	path := provisioningtest.Write(b, big(), provisioningtest.Square(b, 141, 1))
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b, engine)
				took := map[string]time.Duration{}
				b.StartTimer()
				began := time.Now()
				s := read(b, path)
				took["read"] = time.Since(began)
				last := time.Now()
				_, err := w.Apply(b.Context(), s, func(st provisioning.Step, _, _ int, d time.Duration, _ string, err error) {
					if d >= 0 {
						took[st.Code], last = time.Since(last), time.Now()
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				took["all"] = time.Since(began)
				began = time.Now()
				w.apply(b, s)
				took["again"] = time.Since(began)
				for name, d := range took {
					b.ReportMetric(d.Seconds(), name+"_s")
				}
			}
		})
	}
}
