// Package part keeps the register of a city's managed parts (管理部件): covers,
// lamps, trees and whatever else GB/T 47678.5 and the versions before it give an
// identifier. It owns how an identifier is read, what a file of parts is held
// to, the history of every change, and the search by place. Rows are kept by
// whoever implements Store; reading the formats of files is left to others.
package part

import (
	"cmp"
	"context"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// Part is one managed part.
type Part struct {
	ID        string // digits, read by Numbering
	Numbering string // how the identifier is read, such as GB/T 47678.5-2026
	Version   string // of the national catalogue that Kind is of
	Kind      string // 01-001
	Name      string
	Place     grid.Point // CGCS2000
	Grid      grid.Code  // computed from the place

	Responsible Unit // 主管部门
	Owner       Unit // 权属单位
	Maintainer  Unit // 养护单位

	State    State
	Initial  string // day, 2026-01-31
	Changed  string // day; "" when it was never changed
	Source   string
	Note     string
	Revision int64 // the act that made it what it is
}

// Unit is a body that answers for a part: its unified social credit code and name.
type Unit struct{ Code, Name string }

// same says whether two parts agree in all but the act that made them so.
func (p Part) same(q Part) bool {
	p.Revision = q.Revision
	return p == q
}

// State is what a part is like.
type State string

// The states.
const (
	Intact    State = "intact"    // 完好
	Damaged   State = "damaged"   // 破损
	Lost      State = "lost"      // 丢失
	Abandoned State = "abandoned" // 废弃
	Removed   State = "removed"   // 移除
)

// States lists every state.
func States() []State { return []State{Intact, Damaged, Lost, Abandoned, Removed} }

// What is refused.
var (
	ErrNoPart   = errs.New(errs.NotFound, "no_such_part", "没有这个部件", "no such part")
	ErrNoImport = errs.New(errs.NotFound, "no_such_import", "没有这次导入", "no such import")
	ErrUndone   = errs.New(errs.Conflict, "import_undone", "这次导入已经撤销", "this import has been undone")
	ErrStale    = errs.New(errs.Conflict, "part_stale", "部件刚被他人修改，请刷新后重试", "the part was changed by somebody else; read it again")
	ErrMoved    = errs.New(errs.Conflict, "parts_changed_since", "导入之后有 %d 个部件又被修改，无法撤销", "%d parts were changed after the import; it can't be undone")
)

// ActKind says what sort of act changed the register.
type ActKind string

// The kinds of acts.
const (
	ActImport ActKind = "import"
	ActEdit   ActKind = "edit"
	ActUndo   ActKind = "undo"
)

// Act is one deed on the register: who did what when. Acts are numbered upwards.
type Act struct {
	ID      int64
	Kind    ActKind
	At      time.Time
	Account int64
	Reason  string // of an edit and of an undo

	// Of an import.
	File      string
	SHA256    string
	Numbering string
	Counts

	Undoes   int64 // of an undo: the import that it took back
	UndoneBy int64 // of an import: the undo that took it back
}

// Counts are how many parts an import added, changed and left as they were; of
// an undo, Added is how many came back and Removed how many went.
type Counts struct{ Added, Changed, Unchanged, Removed int }

// Change is one entry of a part's history. Old is nil when the part was added
// by it, New when it was taken out of the register.
type Change struct {
	Act      Act
	Old, New *Part
}

// Replaced is a part as an act found it. Together with the parts as they are it
// holds the whole history: what an act made of a part is what the next one found.
type Replaced struct {
	Act  Act
	Part Part // Revision is the act that had made it so
}

// Store keeps the register of one city.
type Store interface {
	// InTx runs fn in one transaction: all of it happens or none. Acts that run
	// at once wait for each other from NewAct on.
	InTx(ctx context.Context, fn func(Store) error) error
	// NewAct records an act and returns its number.
	NewAct(ctx context.Context, a Act) (int64, error)
	// Count writes down the counts of an act once they are known.
	Count(ctx context.Context, act int64, n Counts) error
	// Import returns one import, ErrNoImport when there is none of the number.
	Import(ctx context.Context, id int64) (Act, error)
	// Imports lists imports, the newest first, those before the number before.
	Imports(ctx context.Context, before int64, limit int) ([]Act, error)

	// Held returns those parts of ids that the register has.
	Held(ctx context.Context, ids []string) (map[string]Part, error)
	// Add adds parts that are not in the register.
	Add(ctx context.Context, parts []Part) error
	// Change replaces parts by what they are now, keeping what they were.
	Change(ctx context.Context, from, to []Part) error

	// ChangedSince counts the parts that the act made and a later one changed,
	// and names the first of them.
	ChangedSince(ctx context.Context, act int64, limit int) (ids []string, count int, err error)
	// TakeBack makes every part that the act made what it was before, under the
	// number of another act that does so.
	TakeBack(ctx context.Context, act, by int64) (Counts, error)

	Part(ctx context.Context, id string) (Part, error) // ErrNoPart
	// Replaced returns what acts found of a part, the oldest act first; and the
	// acts of the numbers that its parts name.
	Replaced(ctx context.Context, id string) ([]Replaced, map[int64]Act, error)
	// List lists parts by identifier.
	List(ctx context.Context, f Filter) ([]Part, error)
	// InSquare lists those of the n.Count parts nearest to n.Place, within
	// n.Within, that lie in the square of cells which goes r cells beyond that of
	// the place; nearest first, then by identifier.
	InSquare(ctx context.Context, n Near, r int64) ([]Found, error)
	// Counted counts the parts in a box, at most so many.
	Counted(ctx context.Context, f Filter, most int) (int, error)
	// Clusters counts the parts in the cells that a box touches, those of
	// neighbouring cells together, about side clusters along each side.
	Clusters(ctx context.Context, f Filter, side int) ([]Cluster, error)
}

// history puts what acts found and what is together. now is nil when the part
// is not in the register.
func history(found []Replaced, acts map[int64]Act, now *Part) (out []Change) {
	added := map[int64]bool{}
	for i, r := range found {
		// Nothing that was replaced is by this act, so the part was added by it.
		if by := r.Part.Revision; !added[by] && !replacedBy(found, by) {
			added[by] = true
			out = append(out, Change{Act: acts[by], New: &found[i].Part})
		}
		next := now
		if i+1 < len(found) {
			next = &found[i+1].Part
		}
		c := Change{Act: r.Act, Old: &found[i].Part}
		if next != nil && next.Revision <= r.Act.ID { // a later one was added after this act took the part out
			c.New = next
		}
		out = append(out, c)
	}
	if now != nil && !added[now.Revision] && !replacedBy(found, now.Revision) {
		out = append(out, Change{Act: acts[now.Revision], New: now})
	}
	return out
}

func replacedBy(found []Replaced, act int64) bool {
	for _, r := range found {
		if r.Act.ID == act {
			return true
		}
	}
	return false
}

// page bounds a limit that was asked for.
func page(limit, usual, most int) int { return min(cmp.Or(max(limit, 0), usual), most) }
