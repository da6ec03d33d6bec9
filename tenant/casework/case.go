// Package casework moves cases through the closed loop of GB/T 30428.8: report,
// file or decline, dispatch, handle, verify, close, with rework. It owns the
// rule table and the journal of steps; what is read from the journal (figures,
// usage, audit) belongs to its readers.
package casework

import (
	"encoding/json"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/grid"
)

// Stage is a state of a case.
type Stage string

// The stages.
const (
	StageReported   Stage = "reported"   // 已上报
	StageFiled      Stage = "filed"      // 已立案
	StageDeclined   Stage = "declined"   // 不予立案
	StageDispatched Stage = "dispatched" // 已派遣
	StageHandled    Stage = "handled"    // 已处置
	StageVerified   Stage = "verified"   // 已核查
	StageClosed     Stage = "closed"     // 已结案
)

// Action is a command on a case.
type Action string

// The actions.
const (
	ActionReport   Action = "report"   // 上报
	ActionFile     Action = "file"     // 立案
	ActionDecline  Action = "decline"  // 不予立案
	ActionDispatch Action = "dispatch" // 派遣
	ActionHandle   Action = "handle"   // 处置反馈
	ActionVerify   Action = "verify"   // 核查通过
	ActionRework   Action = "rework"   // 核查不通过，返工
	ActionClose    Action = "close"    // 结案
)

// moves lists every move the workflow allows; any other is refused.
var moves = map[Stage]map[Action]Stage{
	"":              {ActionReport: StageReported},
	StageReported:   {ActionFile: StageFiled, ActionDecline: StageDeclined},
	StageFiled:      {ActionDispatch: StageDispatched},
	StageDispatched: {ActionHandle: StageHandled},
	StageHandled:    {ActionVerify: StageVerified, ActionRework: StageDispatched},
	StageVerified:   {ActionClose: StageClosed},
}

// Move is one row of the rule table.
type Move struct {
	From   Stage
	Action Action
	To     Stage
}

// Moves returns the rule table in the order of the workflow.
func Moves() []Move {
	var out []Move
	for _, from := range []Stage{"", StageReported, StageFiled, StageDispatched, StageHandled, StageVerified} {
		for _, a := range []Action{ActionReport, ActionFile, ActionDecline, ActionDispatch, ActionHandle, ActionVerify, ActionRework, ActionClose} {
			if to, ok := moves[from][a]; ok {
				out = append(out, Move{from, a, to})
			}
		}
	}
	return out
}

// Permission is what an action needs.
func (a Action) Permission() access.Permission { return access.Permission("case:" + string(a)) }

// Channel is how a report came in.
type Channel string

// The channels.
const (
	ChannelSupervisor Channel = "supervisor" // 监督员上报
	ChannelCitizen    Channel = "citizen"    // 公众举报
	ChannelHotline    Channel = "hotline"    // 热线 12319 / 12345
)

// Public says whether the report came from outside the supervision centre.
func (c Channel) Public() bool { return c != ChannelSupervisor }

// Actor is who gives a command: an account in one of its posts.
type Actor struct {
	Account    int64
	Role       string
	Department string
}

// Case is a case file (案卷). Times are UTC; the zero time means not yet.
type Case struct {
	ID          int64
	Number      string // day + serial of the day: 20261123-000042
	Stage       Stage
	Version     int64 // the number of steps; a save carries the version it read
	Channel     Channel
	Condition   string // filing condition code
	KindVersion string
	Kind        string
	Description string
	Address     string
	Place       grid.Point
	Grid        grid.Code
	Reporter    []byte // sealed name and phone; nil when the reporter is staff
	Department  string
	Reworks     int
	ReportedBy  int64
	HandledBy   int64
	VerifiedBy  int64

	ReportedAt, FiledAt, DispatchedAt, HandledAt, ClosedAt time.Time
	Due, CloseDue                                          time.Time
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
// whether it was in time, at dispatch who must handle it until when.
type Detail struct {
	Channel     Channel    `json:"channel,omitempty"`
	KindVersion string     `json:"kind_version,omitempty"`
	Kind        string     `json:"kind,omitempty"`
	Grid        string     `json:"grid,omitempty"`
	FileDue     *time.Time `json:"file_due,omitempty"`
	Department  string     `json:"department,omitempty"`
	Due         *time.Time `json:"due,omitempty"`
	CloseDue    *time.Time `json:"close_due,omitempty"`
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
	ErrOtherDepartment = errs.New(errs.Forbidden, "other_department", "案卷派遣给了其他部门", "the case was dispatched to another department")
	ErrKeyReused       = errs.New(errs.Conflict, "request_key_reused", "该 Idempotency-Key 已用于另一条命令", "this Idempotency-Key was used for another command")
	ErrOutside         = errs.New(errs.Invalid, "outside_grids", "位置不在任何单元网格内", "the place lies in no unit grid")
)

// Apply moves c by a. When the workflow does not allow the move, c is left as
// it was and the error is a Conflict; when this person may not make it, Forbidden.
func (c *Case) Apply(a Action, by Actor, now time.Time) (Step, error) {
	to, ok := moves[c.Stage][a]
	if !ok {
		return Step{}, refuse(c.Stage, a)
	}
	switch a {
	case ActionHandle:
		if by.Department != c.Department {
			return Step{}, ErrOtherDepartment
		}
		c.HandledBy, c.HandledAt = by.Account, now
	case ActionVerify, ActionRework:
		if by.Account == c.HandledBy {
			return Step{}, ErrSamePerson
		}
		c.VerifiedBy = by.Account
		if a == ActionRework {
			c.Reworks++
			c.HandledAt = time.Time{}
		}
	case ActionReport:
		c.ReportedBy, c.ReportedAt = by.Account, now
	case ActionFile:
		c.FiledAt = now
	case ActionDispatch:
		c.DispatchedAt = now
	case ActionClose:
		c.ClosedAt = now
	}
	step := Step{Case: c.ID, Number: c.Number, Seq: c.Version + 1, Action: a, From: c.Stage, To: to, At: now, By: by}
	c.Stage, c.Version = to, c.Version+1
	return step, nil
}

func refuse(s Stage, a Action) error {
	e := *ErrMove
	e.Zh = "案卷处于“" + StageNames[s].Zh + "”阶段，不能执行“" + ActionNames[a].Zh + "”"
	e.En = "a case at stage " + StageNames[s].En + " can't be given the command " + ActionNames[a].En
	return &e
}

// Name is a word of the field in both languages.
type Name struct{ Zh, En string }

// StageNames names the stages.
var StageNames = map[Stage]Name{
	"": {"新建", "new"}, StageReported: {"已上报", "reported"}, StageFiled: {"已立案", "filed"},
	StageDeclined: {"不予立案", "declined"}, StageDispatched: {"已派遣", "dispatched"}, StageHandled: {"已处置", "handled"},
	StageVerified: {"核查通过", "verified"}, StageClosed: {"已结案", "closed"},
}

// ActionNames names the actions.
var ActionNames = map[Action]Name{
	ActionReport: {"上报", "report"}, ActionFile: {"立案", "file"}, ActionDecline: {"不予立案", "decline"},
	ActionDispatch: {"派遣", "dispatch"}, ActionHandle: {"处置反馈", "handle"}, ActionVerify: {"核查通过", "verify"},
	ActionRework: {"返工", "rework"}, ActionClose: {"结案", "close"},
}
