package grid

import (
	"fmt"

	"wangge/internal/errs"
)

// Divisions answers whether a community code belongs to the city.
type Divisions interface{ HasCommunity(code string) bool }

// Rules are what a file of grids is held to.
type Rules struct {
	Divisions Divisions
	Systems   Systems

	MinArea, MaxArea float64 // m²; a grid outside is refused as a gross error
	Small, Large     float64 // m²; a grid outside is an outlier: accepted and reported
	Tolerance        Tolerance

	MaxBytes    int64 // of a file
	MaxFeatures int   // in a file
	MaxPoints   int   // of one grid
}

// NewRules returns the rules for a city. A unit grid measures about 10,000 m²;
// the standard names no bounds.
func NewRules(divisions Divisions) Rules {
	return Rules{
		Divisions: divisions, Systems: degrees,
		MinArea: 100, MaxArea: 1_000_000,
		Small: 2_000, Large: 50_000,
		Tolerance: DefaultTolerance(),
		MaxBytes:  64 << 20, MaxFeatures: 50_000, MaxPoints: 5_000,
	}
}

// Outlier is a grid of unusual area.
type Outlier struct {
	Code Code
	Area float64 // m²
}

// Outliers lists the grids whose area is unusual, in the order given.
func (r Rules) Outliers(grids []Grid) (out []Outlier) {
	for _, g := range grids {
		if g.Area < r.Small || g.Area > r.Large {
			out = append(out, Outlier{g.Code, g.Area})
		}
	}
	return out
}

// maxListed is how many faults of a file are listed; the rest is counted.
const maxListed = 200

// faults collects what is wrong in a file.
type faults struct {
	file   string
	listed []errs.Problem
	more   int
}

// add notes a fault of a feature, or of the file when row is 0. Both messages
// are formatted with args.
func (f *faults) add(row int, field, zh, en string, args ...any) {
	f.put(errs.Problem{File: f.file, Row: row, Field: field, Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)})
}

func (f *faults) put(p errs.Problem) {
	if len(f.listed) == maxListed {
		f.more++
		return
	}
	f.listed = append(f.listed, p)
}

// all lists the faults, the last of them saying how many are not listed.
func (f *faults) all() []errs.Problem {
	if f.more == 0 {
		return f.listed
	}
	return append(f.listed, errs.Problem{
		File: f.file, Zh: fmt.Sprintf("另有 %d 处问题未列出", f.more), En: fmt.Sprintf("%d more faults are not listed", f.more),
	})
}

// err returns all faults as one error, nil when there are none.
func (f *faults) err() error { return errs.Problems(f.all()...) }
