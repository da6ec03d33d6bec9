// Package casework moves cases through the closed loop of GB/T 30428.8: report,
// confirm, file or decline, dispatch, handle, verify, close, with returns,
// extensions, suspensions, rework and reopening. It owns the rule table, the
// clocks and the journal of steps; what is read from the journal (figures,
// usage, audit) belongs to its readers.
package casework

import (
	"encoding/json"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
)

// Channel is how a report came in.
type Channel string

// The channels.
const (
	ChannelSupervisor Channel = "supervisor" // 监督员上报
	ChannelCitizen    Channel = "citizen"    // 公众举报
	ChannelHotline    Channel = "hotline"    // 热线 12319 / 12345
	ChannelTransfer   Channel = "transfer"   // 外市移送
)

// Public says whether the report came from the public.
func (c Channel) Public() bool { return c == ChannelCitizen || c == ChannelHotline }

// Actor is who gives a command: an account in one of its posts.
type Actor struct {
	Account    int64
	Role       string
	Department string
}

// System is who the platform's own steps are by.
var System = Actor{Role: "system"}

// Confirmation is what a check on site before filing (核实) found.
type Confirmation string

// The results of a confirmation; "" when there was none.
const (
	FoundOnSite  Confirmation = "found"
	NothingFound Confirmation = "not_found"
)

// Case is a case file (案卷). Times are UTC; the zero time means not yet.
type Case struct {
	ID          int64
	Number      string // day + serial of the day: 20261123-000042
	Stage       Stage
	Version     int64 // the number of steps; a save carries the version it read
	Channel     Channel
	Condition   string // filing condition code
	KindVersion string
	Sort        catalog.Sort // part or event: before 2026 a code alone does not tell
	Kind        string
	Part        string // id of the part it concerns, "" for none
	Description string
	Address     string
	Place       grid.Point
	Grid        grid.Code
	GridSet     int64  // the version of the grids that Grid is of
	Reporter    []byte // sealed name and phone; nil when the reporter is staff

	Confirmation Confirmation
	Command      string // the district command centre that holds it, "" for the city's
	Department   string // who handles it, or handled it last
	Assistants   []Assistant
	Checker      int64 // the supervisor drawn for the check on site that is due; 0 for anyone
	Asked        Asked // what is asked for at a stage that awaits an approval
	Arbitrated   bool  // the department was fixed by arbitration
	Parent       string
	Children     int    // how many cases were ever attached to it
	Into         string // the case it was merged into
	Elsewhere    string // the city it was transferred to, or came from, and the number there

	Reworks, Returns, Extensions, Suspensions, Vetoes int
	ReportedBy, HandledBy, VerifiedBy, ClosedBy       int64

	ReportedAt, FiledAt, DispatchedAt, HandledAt, ClosedAt time.Time

	Filing   Clock // from report to filing
	Handling Clock // the handling limit of the condition
	CloseDue time.Time

	EnteredAt time.Time // when the present stage began
	StageDue  time.Time // when it must end; zero when nothing is due
	Level     int       // how far an overdue stage was escalated
	NextAlarm time.Time // when the next rung of the ladder is due
}

// Assistant is a department that helps the lead one (协办).
type Assistant struct {
	Department string    `json:"department"`
	DoneAt     time.Time `json:"done_at,omitzero"`
	By         int64     `json:"by,omitempty"`
}

// Asked is what a department asks for: more time, or a rest until a day.
type Asked struct {
	Extra calendar.Limit `json:"extra,omitzero"`
	Until time.Time      `json:"until,omitzero"`
}

// Step is one entry of the journal. It says all that its readers need, so that
// figures can be rebuilt from steps alone.
type Step struct {
	Case       int64
	Number     string
	Seq        int64 // the case's version after the step
	Action     Action
	From, To   Stage
	At         time.Time
	By         Actor
	Note       string
	Detail     Detail
	RequestKey string // the command's Idempotency-Key, "" when it had none
}

// Detail is what an action fixed: at the report where and what, at filing
// whether it was in time, at dispatch who must handle it until when; later on
// every change of a deadline.
type Detail struct {
	Channel     Channel      `json:"channel,omitempty"`
	KindVersion string       `json:"kind_version,omitempty"`
	Sort        catalog.Sort `json:"sort,omitempty"`
	Kind        string       `json:"kind,omitempty"`
	Grid        string       `json:"grid,omitempty"`
	GridSet     int64        `json:"grid_set,omitempty"`
	Part        string       `json:"part,omitempty"`
	FileDue     *time.Time   `json:"file_due,omitempty"`
	Command     string       `json:"command,omitempty"`
	Department  string       `json:"department,omitempty"`
	Assistants  []string     `json:"assistants,omitempty"`
	Due         *time.Time   `json:"due,omitempty"`
	CloseDue    *time.Time   `json:"close_due,omitempty"`
	LeftSeconds *float64     `json:"left_s,omitempty"` // of the handling limit, where its clock stopped
	Asked       *Asked       `json:"asked,omitempty"`
	Draw        *Draw        `json:"draw,omitempty"`
	Other       string       `json:"other,omitempty"` // the other case of a merge or a family
	City        string       `json:"city,omitempty"`  // the other city of a transfer
	Level       int          `json:"level,omitempty"`
	To          string       `json:"to,omitempty"` // whose attention the level asks for
	Confirmed   Confirmation `json:"confirmed,omitempty"`
}

// JSON encodes the detail for storage.
func (d Detail) JSON() string {
	b, _ := json.Marshal(d) // strings and times always encode
	return string(b)
}

// The refusals of this package.
var (
	ErrNoCase          = errs.New(errs.NotFound, "no_such_case", "没有这个案卷", "no such case")
	ErrMove            = errs.New(errs.Conflict, "move_not_allowed", "案卷处于“%s”阶段，不能执行“%s”", "a case at stage %s can't be given the command %s")
	ErrStale           = errs.New(errs.Conflict, "stale", "案卷已被他人更新，请刷新后重试", "somebody else has changed the case; reload and try again")
	ErrSamePerson      = errs.New(errs.Forbidden, "second_person", "核查须由处置人以外的人员进行", "the result must be verified by another person than the handler")
	ErrNotDrawn        = errs.New(errs.Forbidden, "not_drawn", "本次现场核查由抽取的另一名监督员进行", "another supervisor was drawn for this check on site")
	ErrSameCloser      = errs.New(errs.Forbidden, "not_the_closer", "公众否决须由结案人以外的人员复核", "a veto is reviewed by another person than the one who closed the case")
	ErrOtherDepartment = errs.New(errs.Forbidden, "other_department", "案卷派遣给了其他部门", "the case was dispatched to another department")
	ErrOtherCommand    = errs.New(errs.Forbidden, "other_command", "案卷在另一级（或另一区）指挥中心", "the case is with another command centre")
	ErrKeyReused       = errs.New(errs.Conflict, "request_key_reused", "该 Idempotency-Key 已用于另一条命令", "this Idempotency-Key was used for another command")
	ErrOutside         = errs.New(errs.Invalid, "outside_grids", "位置不在任何单元网格内", "the place lies in no unit grid")
	ErrUnconfirmed     = errs.New(errs.Conflict, "not_confirmed", "公众举报须先现场核实属实才能立案", "a public report is filed once it was confirmed on site")
	ErrOneCommand      = errs.New(errs.Conflict, "one_command", "本市为一级指挥，不能下派", "this city has one level of command")
	ErrArbitrated      = errs.New(errs.Conflict, "arbitrated", "责任已经仲裁，不能再回退", "responsibility was arbitrated; the case can't be returned")
	ErrTooLate         = errs.New(errs.Conflict, "limit_run_out", "处置时限已过，不能再申请", "the handling limit has run out; too late to ask")
	ErrAssistantsOpen  = errs.New(errs.Conflict, "assistants_open", "协办部门尚未全部反馈", "an assisting department has not reported its work done")
	ErrNoVeto          = errs.New(errs.Conflict, "no_veto", "只有公众举报的案卷可在结案后规定天数内否决一次", "only a public report can be vetoed, once, within the days set after closing")
	ErrNotAssisting    = errs.New(errs.Forbidden, "not_assisting", "本部门不是该案卷的协办部门，或已反馈", "the department does not assist in this case, or has reported already")
)

func refuse(s Stage, a Action) error { return refusal(s.Name(), a.Name()) }

func refusal(s, a Name) error {
	e := *ErrMove
	e.Zh = "案卷处于“" + s.Zh + "”阶段，不能执行“" + a.Zh + "”"
	e.En = "a case at stage " + s.En + " can't be given the command " + a.En
	return &e
}
