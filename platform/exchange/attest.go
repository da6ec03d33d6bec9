package exchange

import (
	"context"
	"slices"
	"time"

	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/evaluation"
	"wangge/tenant/org"
)

// Trial says what counts as a month of trial run.
type Trial struct {
	MinFiled int64 // cases filed in the month
}

// requiredPosts are those a city can't run the closed loop without.
var requiredPosts = []org.Role{org.Supervisor, org.IntakeClerk, org.ShiftLeader, org.Evaluator, org.Dispatcher, org.DepartmentHandler, org.CityAdmin}

// Attest lets an open city compute its facts for acceptance over a period, both
// days included. What leaves the city are these figures, never a row.
func Attest(ctx context.Context, city *tenant.City, from, to string, trial Trial, now time.Time) (Evidence, error) {
	e := Evidence{City: city.ID.String(), Name: city.Settings.Name, AsOf: now.UTC(), From: from, To: to, Facts: map[string]evaluation.Ratio{}}
	for _, part := range []func(context.Context, *tenant.City, Evidence, Trial) error{attestWork, attestGrids, attestOrganisation} {
		if err := part(ctx, city, e, trial); err != nil {
			return Evidence{}, err
		}
	}
	return e, nil
}

func (e Evidence) count(key string, n int64) {
	e.Facts[key] = evaluation.Ratio{Numerator: n, Denominator: 1}
}

func (e Evidence) share(key string, part, whole int) {
	e.Facts[key] = evaluation.Ratio{Numerator: int64(part), Denominator: int64(whole)}
}

// attestWork reads the figures of the period from the city's evaluation.
func attestWork(ctx context.Context, city *tenant.City, e Evidence, trial Trial) error {
	days, err := city.Evaluation.Days(ctx, evaluation.City, e.From, e.To)
	if err != nil {
		return err
	}
	total, months := evaluation.Counts{}, map[string]int64{}
	for _, d := range days {
		total.Add(d.Counts)
		months[d.Day[:7]] += d.Counts[evaluation.Filed]
	}
	e.count(TrialMonths, longestRun(e.From, e.To, months, trial.MinFiled))
	for key, code := range map[string]string{
		FilingInTime: "filing_in_time_rate", HandlingInTime: "handling_in_time_rate",
		Closing: "closing_rate", ClosingInTime: "closing_in_time_rate", Rework: "rework_rate",
	} {
		for _, i := range evaluation.Indicators() {
			if i.Code == code {
				e.Facts[key] = i.Of(total)
			}
		}
	}
	return nil
}

// longestRun is the longest stretch of consecutive whole months, within the
// period, that each reached the volume.
func longestRun(from, to string, filed map[string]int64, least int64) (best int64) {
	first, errFrom := time.Parse(time.DateOnly, from)
	last, errTo := time.Parse(time.DateOnly, to)
	if errFrom != nil || errTo != nil {
		return 0
	}
	run := int64(0)
	for m := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC); !m.After(last); m = m.AddDate(0, 1, 0) {
		whole := !m.Before(first) && !m.AddDate(0, 1, -1).After(last)
		if whole && filed[m.Format("2006-01")] >= least {
			run++
		} else {
			run = 0
		}
		best = max(best, run)
	}
	return best
}

// attestGrids counts the grids and the communities they cover, among those of
// the streets the city works in. Faults are none: an import with any is refused,
// so what is stored passed the checks.
func attestGrids(ctx context.Context, city *tenant.City, e Evidence, _ Trial) error {
	grids, err := city.Grids.Grids(ctx)
	if err != nil {
		return err
	}
	var area float64
	streets, covered := map[string]bool{}, map[string]bool{}
	for _, g := range grids {
		area += g.Area
		streets[g.Code.Street()] = true
		covered[g.Code.Community()] = true
	}
	toCover, faults := 0, 0
	for street := range streets {
		communities, err := city.Divisions.Under(ctx, street)
		if err != nil {
			return err
		}
		if len(communities) == 0 {
			faults++ // grids in a street that the city does not have
		}
		toCover += len(communities)
	}
	e.count(Grids, int64(len(grids)))
	e.count(GridArea, int64(area+0.5))
	e.count(GridFaults, int64(faults))
	e.share(CommunitiesCovered, len(covered), toCover)
	return nil
}

// attestOrganisation looks at the catalogue, the posts and the live policy.
func attestOrganisation(ctx context.Context, city *tenant.City, e Evidence, _ Trial) error {
	kinds, err := city.Catalogue.Kinds(ctx)
	if err != nil {
		return err
	}
	conditions, err := city.Catalogue.Conditions(ctx)
	if err != nil {
		return err
	}
	with := map[string]bool{}
	for _, c := range conditions {
		with[c.Kind.Version+string(c.Kind.Sort)+c.Kind.Code] = true
	}
	e.share(KindsWithCondition, len(with), len(kinds))
	held, err := city.Org.Holders(ctx)
	if err != nil {
		return err
	}
	filled := 0
	for _, role := range requiredPosts {
		if slices.ContainsFunc(held, func(h org.Holder) bool { return h.Role == role }) {
			filled++
		}
	}
	e.share(PostsFilled, filled, len(requiredPosts))
	rules, err := city.Access.Rules(ctx)
	if err != nil {
		return err
	}
	e.count(SeparationBreaches, int64(len(access.Breaches(rules))+bothSides(held)))
	return attestDepartments(ctx, city, e)
}

// bothSides counts the accounts that hold posts of supervision and execution.
func bothSides(held []org.Holder) (breaches int) {
	roles := map[int64][]org.Role{}
	for _, h := range held {
		roles[h.Account] = append(roles[h.Account], h.Role)
	}
	for _, list := range roles {
		if _, err := org.SideOf(list...); err != nil {
			breaches++
		}
	}
	return breaches
}

func attestDepartments(ctx context.Context, city *tenant.City, e Evidence) error {
	list, err := city.Org.Departments(ctx)
	if err != nil {
		return err
	}
	figures, err := city.Evaluation.Figures(ctx, evaluation.Department, e.From, e.To)
	if err != nil {
		return err
	}
	active, all := 0, 0
	for _, d := range list {
		if !d.Kind.Handles() {
			continue
		}
		all++
		if figures[d.Code][evaluation.Dispatched] > 0 {
			active++
		}
	}
	e.share(DepartmentsActive, active, all)
	return nil
}
