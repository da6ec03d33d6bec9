package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"wangge/provisioning"
	"wangge/provisioning/sample"
	"wangge/tenant"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// town is a city of the story: what it is, how well it works, and its life.
type town struct {
	division.Division
	id      tenant.ID
	quality float64 // 0 to 1: how quick and careful its people are
	volume  float64 // reports a month
	strong  bool    // will apply and be accepted
	weak    bool    // will apply and be sent back
	clock   *clock
	seed    uint64
	grids   int
	life    *life
}

// choose takes the first cities of a province that can be drawn, and decides
// by the seed how they work: their qualities lie evenly between good and poor.
func choose(atlas *division.Atlas, o Options) ([]*town, error) {
	var towns []*town
	for _, d := range atlas.Cities(o.Province) {
		if _, _, ok := seat.Of(d.Code); !ok || len(sample.Communities(atlas, d.Code, communities)) == 0 {
			continue
		}
		if o.Cities > 0 && len(towns) == o.Cities {
			break
		}
		id, err := tenant.ParseID(d.Code)
		if err != nil {
			return nil, err
		}
		towns = append(towns, &town{Division: d, id: id})
	}
	random := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // a story, not a secret
	last := max(len(towns)-1, 1)
	for place, i := range random.Perm(len(towns)) {
		t := towns[i]
		t.quality = 0.97 - 0.67*float64(place)/float64(last)
		t.volume = float64(o.Cases) * (1 + 0.12*random.Float64())
		t.strong, t.weak = place == 0, place == len(towns)-1
		t.seed = o.Seed ^ number(t.Code)
	}
	return towns, nil
}

func number(code string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(code))
	return h.Sum64()
}

// The grids of a demo city cover whole streets: at least so many communities,
// with so many unit grids each.
const (
	communities = 16
	cells       = 16
)

// draw lays unit grids over the middle of the city. A weak city leaves out a
// third of the communities that its streets have.
func (t *town) draw(atlas *division.Atlas) ([]grid.Grid, error) {
	all := sample.Communities(atlas, t.Code, communities)
	grids, err := sample.Grids(t.Code, all, cells, t.seed)
	if err != nil || !t.weak {
		return grids, err
	}
	left := all[:len(all)-len(all)/3]
	return slices.DeleteFunc(grids, func(g grid.Grid) bool { return !slices.Contains(left, g.Code.Community()) }), nil
}

// write puts the city's spec and grids into dir as an operator would have
// them, and returns the spec's path.
func (t *town) write(atlas *division.Atlas, dir string, model provisioning.Model) (string, error) {
	grids, err := t.draw(atlas)
	if err != nil {
		return "", err
	}
	t.grids = len(grids)
	vacant := org.Role("")
	if t.weak {
		vacant = org.Evaluator
	}
	return sample.Write(dir, provisioning.Spec{
		Code: t.Code, Name: t.Name, Model: model, Departments: departments(),
		Administrators: []provisioning.Person{{Login: "admin", Name: "市级管理员01"}},
		Staff:          staff(vacant),
	}, grids)
}

// complete gives the kinds that the starting set leaves without a filing
// condition one of the city's own, as its administrator would by a file.
func complete(ctx context.Context, city *tenant.City) error {
	kinds, err := city.Catalogue.Kinds(ctx)
	if err != nil {
		return err
	}
	conditions, err := city.Catalogue.Conditions(ctx)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	if err := w.Write(catalog.Columns()); err != nil {
		return err
	}
	for _, k := range kinds {
		has := slices.ContainsFunc(conditions, func(c catalog.Condition) bool { return c.Kind.Code == k.Code && c.Kind.Version == k.Version })
		if has {
			continue
		}
		if err := w.Write([]string{k.Code + "-1", k.Code, "现场存在" + k.Name + "情形的", "3", "work_day", "示例：本市自定"}); err != nil {
			return err
		}
	}
	w.Flush()
	_, err = city.Catalogue.Import(ctx, "conditions.csv", &file)
	return err
}
