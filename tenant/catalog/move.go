package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
)

// Fate is what a move to another version means for a condition.
type Fate string

// The fates.
const (
	Moves     Fate = "mapped"         // its kind has one successor
	Undecided Fate = "needs_decision" // the city's own kind, a split, or a successor nothing confirms
	Dropped   Fate = "no_successor"   // the newer version has no such kind: the condition ends
)

// MoveItem is one condition in the light of a move.
type MoveItem struct {
	Condition  Condition
	Fate       Fate
	To         string     // code of the kind it goes to; "" when it ends or is undecided
	Confidence Confidence // of the mapping
	Note       string
	Candidates []Kind // among which to decide
	Decided    bool
}

// KindCount is a number of open cases of a kind.
type KindCount struct {
	Kind  Kind
	Cases int
}

// MoveReport says what a move does or would do.
type MoveReport struct {
	From, To Version
	Day      string
	Items    []MoveItem
	Open     []KindCount // cases that stay on the older version until they end
	Without  []Kind      // kinds of the newer version that no condition goes to
}

// Count is the number of items of a fate.
func (r MoveReport) Count(f Fate) (n int) {
	for _, i := range r.Items {
		if i.Fate == f {
			n++
		}
	}
	return n
}

// Decision says what becomes of a condition in a move: it goes to a kind of the
// newer version, or ends when Kind is "".
type Decision struct{ Condition, Kind string }

// MoveInput is the order to move.
type MoveInput struct {
	To        Version
	Day       string // first day of the newer version: tomorrow at the earliest, within MoveAhead
	Decisions []Decision
	By        int64 // account
}

// MoveAhead is how many days before its day a move may be ordered: the
// catalogue can't be changed in between.
const MoveAhead = 31

// MoveRecord is a move that was ordered.
type MoveRecord struct {
	From, To                   Version
	Day                        string
	At                         time.Time
	By                         int64
	Conditions, Decided, Ended int // before the move, by decision, not continued
}

// ErrMove refuses a move that is not forward.
var ErrMove = errs.New(errs.Conflict, "catalogue_move", "目录只能由 %s 换到更新的版本", "the catalogue can move from %s to a newer version only")

// RehearseMove says what a move to a version would do with each condition that
// holds or will hold, and which cases stay on the older version.
func (s *Service) RehearseMove(ctx context.Context, to Version) (MoveReport, error) {
	st, err := s.settled(ctx)
	if err != nil {
		return MoveReport{}, err
	}
	report, _, err := s.planMove(ctx, st, MoveInput{To: to, Day: st.tomorrow}, true)
	return report, err
}

// Move ends every condition of the version in force on a day and begins its
// successor under the newer one. It is all or nothing: each condition that
// needs a decision must have one, and a wrong one refuses all. The older
// version's kinds and conditions stay readable, and cases keep them.
func (s *Service) Move(ctx context.Context, in MoveInput) (MoveReport, error) {
	st, err := s.settled(ctx)
	if err != nil {
		return MoveReport{}, err
	}
	report, change, err := s.planMove(ctx, st, in, false)
	if err != nil {
		return MoveReport{}, err
	}
	if err := s.store.Apply(ctx, change); err != nil {
		return MoveReport{}, fmt.Errorf("move to %s: %w", in.To, err)
	}
	return report, nil
}

// History lists the moves, the oldest first.
func (s *Service) History(ctx context.Context) ([]MoveRecord, error) {
	st, err := s.store.State(ctx)
	return st.Moves, err
}

func (s *Service) planMove(ctx context.Context, st snapshot, in MoveInput, rehearse bool) (MoveReport, Change, error) {
	report := MoveReport{From: st.version, To: in.To, Day: in.Day}
	if !st.version.before(in.To) {
		return report, Change{}, ErrMove.With(string(st.version))
	}
	f := &faults{}
	s.checkDay(f, st, in.Day)
	target := st.kindsOf(in.To)
	decided := decisions(f, in.Decisions, target)
	for _, c := range st.Conditions {
		switch {
		case c.Kind.Version != string(st.version) || c.Until != "" && c.Until <= in.Day:
			continue // of another version, or over by then
		case c.Since >= in.Day:
			f.add(0, "day", "立案条件 "+c.Line+" 有自 "+c.Since+" 起的修改，换版须在其后", "the condition "+c.Line+" changes on "+c.Since+"; move after that")
			continue
		}
		item := fate(c, st.version, in.To, target)
		decided.apply(f, &item, target)
		if item.Fate == Undecided && !item.Decided && !rehearse {
			f.add(0, c.Code, "须决定立案条件 "+c.Code+" 的去向", "it must be decided what becomes of the condition "+c.Code)
		}
		report.Items = append(report.Items, item)
	}
	decided.leftOver(f, in.Decisions)
	if err := f.err(); err != nil {
		return MoveReport{}, Change{}, err
	}
	open, err := s.store.OpenCases(ctx)
	if err != nil {
		return MoveReport{}, Change{}, err
	}
	report.Open = openKinds(st.Conditions, open)
	report.Without = without(target, report.Items)
	return report, moveChange(st, in, report, s.now()), nil
}

func (s *Service) checkDay(f *faults, st snapshot, day string) {
	at, err := time.Parse(time.DateOnly, day)
	last := s.now().In(s.calendar.Zone()).AddDate(0, 0, MoveAhead).Format(time.DateOnly)
	if err != nil || at.Format(time.DateOnly) <= st.today || day > last {
		f.add(0, "day", fmt.Sprintf("换版日期须在 %s 至 %s 之间", st.tomorrow, last), fmt.Sprintf("the day of the move lies between %s and %s", st.tomorrow, last))
	}
}

// fate says what becomes of a condition without a decision.
func fate(c Condition, from, to Version, target []Kind) MoveItem {
	item := MoveItem{Condition: c, Fate: Undecided}
	list, known := Successors(from, to, c.Kind.Sort, c.Kind.Code)
	named := func(k Kind) bool { // the city's own kind may have become one of the standard's
		return k.Sort == c.Kind.Sort && bare(k.Name) == bare(c.Kind.Name)
	}
	switch {
	case !known:
		item.Note = "本市自定类别 / a kind of the city's own"
		for _, k := range target {
			if named(k) {
				item.Candidates = append(item.Candidates, k)
			}
		}
		return item
	case len(list) == 0:
		item.Fate = Dropped
		return item
	}
	for _, m := range list {
		if i := slices.IndexFunc(target, func(k Kind) bool { return k.Sort == c.Kind.Sort && k.Code == m.Code }); i >= 0 {
			item.Candidates = append(item.Candidates, target[i])
		}
		item.Confidence, item.Note = m.Confidence, m.Note
	}
	if len(list) == 1 && item.Confidence != Recalled {
		item.Fate, item.To = Moves, list[0].Code
	}
	return item
}

// bare is a kind's name without what the versions add to it.
func bare(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, "（自定义）"), "异常")
}

// deciding holds the decisions by condition; a decision once applied is removed.
type deciding map[string]struct {
	kind string
	row  int
}

func decisions(f *faults, list []Decision, target []Kind) deciding {
	out := deciding{}
	for i, d := range list {
		field := fmt.Sprintf("decisions[%d]", i)
		if _, twice := out[d.Condition]; twice {
			f.add(0, field, "立案条件 "+d.Condition+" 有两个决定", "there are two decisions on the condition "+d.Condition)
		}
		if d.Kind != "" && !slices.ContainsFunc(target, func(k Kind) bool { return k.Code == d.Kind }) {
			f.add(0, field, "新版本中没有类别 "+d.Kind, "the newer version has no kind "+d.Kind)
		}
		out[d.Condition] = struct {
			kind string
			row  int
		}{d.Kind, i}
	}
	return out
}

func (d deciding) apply(f *faults, item *MoveItem, target []Kind) {
	made, has := d[item.Condition.Code]
	if !has {
		return
	}
	delete(d, item.Condition.Code)
	if made.kind != "" && !slices.ContainsFunc(target, func(k Kind) bool { return k.Code == made.kind && k.Sort == item.Condition.Kind.Sort }) {
		f.add(0, fmt.Sprintf("decisions[%d]", made.row), "部件与事件不能互换："+made.kind, "a part does not become an event, nor the other way round: "+made.kind)
	}
	item.Decided, item.To = true, made.kind
}

// leftOver notes decisions on conditions that do not move.
func (d deciding) leftOver(f *faults, list []Decision) {
	for i, made := range list {
		if _, left := d[made.Condition]; left {
			f.add(0, fmt.Sprintf("decisions[%d]", i), "换版不涉及立案条件 "+made.Condition, "the move does not concern a condition "+made.Condition)
		}
	}
}

func openKinds(conditions []Condition, open map[string]int) []KindCount {
	byKind := map[Kind]int{}
	for _, c := range conditions {
		if n := open[c.Code]; n > 0 {
			byKind[c.Kind] += n
		}
	}
	out := make([]KindCount, 0, len(byKind))
	for k, n := range byKind {
		out = append(out, KindCount{k, n})
	}
	slices.SortFunc(out, func(a, b KindCount) int {
		return cmp.Or(cmp.Compare(a.Kind.Version, b.Kind.Version), -cmp.Compare(a.Kind.Sort, b.Kind.Sort), cmp.Compare(a.Kind.Code, b.Kind.Code))
	})
	return out
}

func without(target []Kind, items []MoveItem) []Kind {
	with := map[key]bool{}
	for _, i := range items {
		with[key{i.Condition.Kind.Sort, i.To}] = true
	}
	return slices.DeleteFunc(slices.Clone(target), func(k Kind) bool { return with[k.key()] })
}

// moveChange is what a planned move writes.
func moveChange(st snapshot, in MoveInput, report MoveReport, at time.Time) Change {
	c := Change{Revision: st.Revision, Kinds: in.To.Kinds(), End: map[string]string{}}
	record := MoveRecord{From: st.version, To: in.To, Day: in.Day, At: at, By: in.By, Conditions: len(report.Items)}
	taken := map[string]bool{}
	for _, held := range st.Conditions {
		taken[held.Code] = true
	}
	byKey := map[key]Kind{}
	for _, k := range st.kindsOf(in.To) {
		byKey[k.key()] = k
	}
	for _, i := range report.Items {
		c.End[i.Condition.Code] = in.Day
		if i.Decided {
			record.Decided++
		}
		if i.To == "" {
			record.Ended++
			continue
		}
		next := i.Condition
		next.Kind = byKey[key{i.Condition.Kind.Sort, i.To}]
		next.Code = in.To.Layout().conditionCode(next.Kind, taken)
		next.Line, next.Since, next.Replaces = next.Code, in.Day, i.Condition.Code
		taken[next.Code] = true
		c.Add = append(c.Add, next)
	}
	c.Move = &record
	return c
}

// conditionCode is the first code that is free for a condition of a kind:
// 01-001-1, and where sorts share codes 13P01-01-1.
func (l Layout) conditionCode(k Kind, taken map[string]bool) string {
	prefix := l.prefix
	if prefix != "" {
		prefix += map[Sort]string{Part: "P", Event: "E"}[k.Sort]
	}
	for n := 1; ; n++ {
		if code := fmt.Sprintf("%s%s-%d", prefix, k.Code, n); !taken[code] {
			return code
		}
	}
}
