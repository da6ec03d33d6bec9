package grid

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Responsibility is a responsibility grid (责任网格): whole unit grids that are
// given to a supervisor together. A unit grid belongs to one at most.
type Responsibility struct {
	Code    string // 1 to 30 letters, digits and hyphens; the standard names no form
	Name    string
	Members []Code
}

// Assignment is the responsibility grids and the unit grids without one, all by
// code.
type Assignment struct {
	Responsibilities []Responsibility
	Without          []Code
}

// Assignment returns who answers for which unit grids.
func (s *Service) Assignment(ctx context.Context) (Assignment, error) {
	list, err := s.store.Responsibilities(ctx)
	if err != nil {
		return Assignment{}, err
	}
	grids, err := s.Grids(ctx)
	if err != nil {
		return Assignment{}, err
	}
	return Assignment{list, without(grids, list)}, nil
}

// Assign replaces all responsibility grids, all or nothing. Refused are codes
// and names that are none, a code twice, unit grids that are not in the set or
// belong to two; the row is the number of the responsibility grid in the list.
func (s *Service) Assign(ctx context.Context, list []Responsibility) (a Assignment, err error) {
	err = s.store.InTx(ctx, func(store Store) error {
		version, err := store.LockGrids(ctx) // so that no unit grid retires meanwhile
		if err != nil {
			return err
		}
		grids, err := store.Grids(ctx, version)
		if err != nil {
			return err
		}
		if err := checkResponsibilities(list, byCode(grids)); err != nil {
			return err
		}
		if err := store.SetResponsibilities(ctx, list); err != nil {
			return err
		}
		if a.Responsibilities, err = store.Responsibilities(ctx); err != nil {
			return err
		}
		a.Without = without(grids, list)
		return nil
	})
	return a, err
}

func checkResponsibilities(list []Responsibility, known map[Code]Grid) error {
	form := regexp.MustCompile(`^[0-9A-Za-z-]{1,30}$`)
	f := &faults{}
	row, owner := map[string]int{}, map[Code]string{}
	for i, r := range list {
		if !form.MatchString(r.Code) {
			f.add(i+1, "code", "责任网格编码“%s”应为 1–30 个字母、数字或连字符", "the code %q must be 1 to 30 letters, digits and hyphens", cut(r.Code, 40))
		}
		if first, again := row[r.Code]; again {
			f.add(i+1, "code", "编码 %s 与第 %d 个责任网格重复", "code %s repeats that of responsibility grid %d", cut(r.Code, 40), first)
		} else {
			row[r.Code] = i + 1
		}
		if n := utf8.RuneCountInString(strings.TrimSpace(r.Name)); n == 0 || n > maxName {
			f.add(i+1, "name", "名称应为 1–%d 字", "the name must have 1 to %d characters", maxName)
		}
		for _, c := range r.Members {
			other, taken := owner[c]
			switch _, ok := known[c]; {
			case !ok:
				f.add(i+1, "grids", "单元网格 %s 不存在或已停用", "unit grid %s does not exist or is retired", c)
			case taken:
				f.add(i+1, "grids", "单元网格 %s 已属于责任网格 %s", "unit grid %s already belongs to responsibility grid %s", c, cut(other, 40))
			}
			owner[c] = r.Code
		}
	}
	return f.err()
}

// without lists the grids that are in no responsibility grid, by code.
func without(grids []Grid, list []Responsibility) []Code {
	free := byCode(grids)
	for _, r := range list {
		for _, c := range r.Members {
			delete(free, c)
		}
	}
	return sorted(maps.Keys(free))
}
