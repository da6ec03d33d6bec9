package catalog

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// What an import does with a row.
const (
	Added     = "added"
	Revised   = "revised" // the wording in force ends, another begins
	Ended     = "ended"
	Unchanged = "unchanged"
)

// ImportItem is what an import does with one condition.
type ImportItem struct {
	Row   int
	Line  string
	Code  string // of the wording that begins or ends
	What  string
	Since string // day of it
}

// ImportReport says what an import did, or would do; rows that change nothing
// are counted only.
type ImportReport struct {
	Added, Revised, Ended, Unchanged int
	Items                            []ImportItem
}

// Import adds the filing conditions of a CSV file (UTF-8, header as Columns) and
// returns how many began. It is ImportSheet without a rehearsal.
func (s *Service) Import(ctx context.Context, file string, r io.Reader) (added int, err error) {
	report, err := s.ImportSheet(ctx, file, calendar.CSV(r), false)
	return report.Added + report.Revised, err
}

// ImportSheet holds a table of filing conditions against those of the version in
// force. A code that is new begins, today if nothing else is said. One that is
// known and says something else is revised: from its day, tomorrow at the
// earliest, a new wording holds, and cases filed before keep the old one. With
// a day of the end it ends. Rows that say nothing new change nothing, and so do
// conditions that are not in the table. Columns that are not there stay as they
// are. It is all or nothing: every fault is named with its row, and with any, or
// in a rehearsal, nothing is written.
func (s *Service) ImportSheet(ctx context.Context, file string, sheet Sheet, rehearse bool) (ImportReport, error) {
	st, err := s.settled(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	f := &faults{file: file}
	drafts := readSheet(f, sheet, st.version, st.kindsOf(st.version))
	if len(f.list) > 0 {
		return ImportReport{}, f.err()
	}
	return s.take(ctx, st, f, drafts, Own, rehearse)
}

// take plans and applies drafts.
func (s *Service) take(ctx context.Context, st snapshot, f *faults, drafts []draft, origin Origin, rehearse bool) (ImportReport, error) {
	p := newPlanner(st, f, origin)
	for _, d := range drafts {
		p.row(d)
	}
	if err := f.err(); err != nil {
		return ImportReport{}, err
	}
	if rehearse || p.empty() {
		return p.report, nil
	}
	if err := s.store.Apply(ctx, p.change); err != nil {
		return ImportReport{}, fmt.Errorf("import conditions of %s: %w", f.file, err)
	}
	return p.report, nil
}

// planner turns drafts into a change of the catalogue.
type planner struct {
	*faults
	st     snapshot
	origin Origin
	lines  map[string][]Condition
	change Change
	report ImportReport
}

func newPlanner(st snapshot, f *faults, origin Origin) *planner {
	p := &planner{faults: f, st: st, origin: origin, lines: map[string][]Condition{}}
	p.change = Change{Revision: st.Revision, End: map[string]string{}}
	for _, c := range st.Conditions {
		p.lines[c.Line] = append(p.lines[c.Line], c)
	}
	return p
}

func (p *planner) empty() bool { return len(p.change.Add) == 0 && len(p.change.End) == 0 }

func (p *planner) note(d draft, c Condition, what, since string) {
	p.report.Items = append(p.report.Items, ImportItem{d.row, c.Line, c.Code, what, since})
}

func (p *planner) row(d draft) {
	wordings := p.lines[d.cond.Line]
	if len(wordings) == 0 {
		p.begin(d)
		return
	}
	last := slices.MaxFunc(wordings, func(a, b Condition) int {
		return strings.Compare(a.Since, b.Since)
	})
	for _, c := range wordings { // an export written before a change to come still says what holds
		if c.InForce(p.st.today) && same(c, d) && c.Kind.key() == d.cond.Kind.key() && (d.cond.Until == "" || d.cond.Until == c.Until) {
			p.report.Unchanged++
			return
		}
	}
	switch {
	case last.Kind.Version != string(p.st.version) || last.Until != "" && last.Until <= p.st.today:
		p.add(d.row, "code", "编码已被停用的立案条件使用，请换一个："+d.cond.Line, "the code was of a condition that has ended; take another: "+d.cond.Line)
	case last.Kind.key() != d.cond.Kind.key():
		p.add(d.row, "kind", "立案条件不能换到另一类别，请停用后另立："+last.Kind.Code, "a condition can't change its kind; end it and begin another: "+last.Kind.Code)
	case same(last, d):
		p.keep(d, last)
	default:
		p.revise(d, last, len(wordings))
	}
}

// same says whether a row says nothing else than the wording that holds.
func same(c Condition, d draft) bool {
	return c.Filing == d.cond.Filing && c.Limit == d.cond.Limit &&
		(!d.given["closing"] || c.Closing == d.cond.Closing) &&
		(!d.given["area_class"] || c.AreaClass == d.cond.AreaClass) &&
		(!d.given["source"] || d.cond.Source == "" || c.Source == d.cond.Source)
}

// begin adds a condition the city does not have.
func (p *planner) begin(d draft) {
	c := d.cond
	c.Origin = p.origin
	if c.Since == "" {
		c.Since = p.st.today
	}
	if c.Since < p.st.today {
		p.add(d.row, "since", "新立案条件不能早于今天生效："+c.Since, "a new condition can't have begun before today: "+c.Since)
	}
	if c.Until != "" && c.Until <= c.Since {
		p.add(d.row, "until", "停用日期须晚于生效日期", "the day of the end must be after the day of the beginning")
	}
	p.change.Add = append(p.change.Add, c)
	p.report.Added++
	p.note(d, c, Added, c.Since)
}

// keep leaves a wording, or ends it when the row says so.
func (p *planner) keep(d draft, held Condition) {
	if d.cond.Until == "" || d.cond.Until == held.Until {
		p.report.Unchanged++
		return
	}
	if !p.later(d, "until", d.cond.Until, held) {
		return
	}
	p.change.End[held.Code] = d.cond.Until
	p.report.Ended++
	p.note(d, held, Ended, d.cond.Until)
}

// revise ends a wording on a day and begins another on it.
func (p *planner) revise(d draft, held Condition, wordings int) {
	c := d.cond
	if !d.given["closing"] {
		c.Closing = held.Closing
	}
	if !d.given["area_class"] {
		c.AreaClass = held.AreaClass
	}
	if c.Source == "" {
		c.Source = held.Source
	}
	if c.Since == "" || c.Since == held.Since {
		c.Since = p.st.tomorrow
	}
	c.Origin, c.Replaces = p.origin, held.Code
	c.Code = fmt.Sprintf("%s@%d", c.Line, wordings+1)
	switch {
	case held.Since > p.st.today:
		p.add(d.row, "code", "该条件已有自 "+held.Since+" 起生效的修改，须待其生效", "the condition has a change from "+held.Since+" on already; wait until it holds")
		return
	case !p.later(d, "since", c.Since, held):
		return
	case held.Until != "" && held.Until <= c.Since:
		p.add(d.row, "since", "该条件自 "+held.Until+" 起停用", "the condition ends on "+held.Until)
		return
	}
	p.change.End[held.Code] = c.Since
	p.change.Add = append(p.change.Add, c)
	p.report.Revised++
	p.note(d, c, Revised, c.Since)
}

// later holds a day to the rule that what cases may have been filed under today
// does not change today: other processes hold conditions in memory for a while,
// and a day must not have two truths.
func (p *planner) later(d draft, field, day string, held Condition) bool {
	if day > p.st.today && day > held.Since {
		return true
	}
	p.add(d.row, field, "修改和停用最早自次日生效："+day, "a change or an end holds from tomorrow at the earliest: "+day)
	return false
}

// Errors of changes.
var (
	// ErrChanged refuses a change that was planned on a catalogue that another
	// person has changed meanwhile.
	ErrChanged = errs.New(errs.Conflict, "catalogue_changed", "目录刚刚被他人修改，请重试", "the catalogue has just been changed by somebody else; try again")
	// ErrTaken refuses a second condition or kind of one code.
	ErrTaken = errs.New(errs.Conflict, "condition_taken", "编码已被使用", "the code is taken")
)
