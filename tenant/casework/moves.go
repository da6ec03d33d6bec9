package casework

import (
	"slices"
	"time"
)

// Condition names what must hold for a move besides the stage.
type Condition string

// The conditions of the moves.
const (
	Always         Condition = ""
	Confirmed      Condition = "confirmed"
	TwoCommands    Condition = "two_commands"
	ReturnsLeft    Condition = "returns_left"
	NoReturnsLeft  Condition = "no_returns_left"
	NotArbitrated  Condition = "not_arbitrated"
	InTime         Condition = "in_time"
	AssistantsDone Condition = "assistants_done"
	CheckedFirst   Condition = "feedback_checked"
	DirectFeedback Condition = "feedback_direct"
	SecondPerson   Condition = "second_person"
	VetoOpen       Condition = "veto_open"
)

// conditions says what each condition asks of a case under a city's workflow.
// The order of a case's clocks and people is in Apply; here is what only looks.
var conditions = map[Condition]struct {
	zh, en string
	holds  func(c *Case, r Rules, now time.Time) bool
	err    error // why a move is refused when no other row fits
}{
	Always: {holds: func(*Case, Rules, time.Time) bool { return true }},
	Confirmed: {"公众举报已核实属实", "a public report was confirmed on site", func(c *Case, r Rules, _ time.Time) bool {
		return !r.Workflow.ConfirmPublic || !c.Channel.Public() || c.Confirmation == FoundOnSite
	}, ErrUnconfirmed},
	TwoCommands: {"两级指挥", "two levels of command", func(_ *Case, r Rules, _ time.Time) bool { return r.Workflow.Commands == 2 }, ErrOneCommand},
	ReturnsLeft: {"未达仲裁次数", "fewer returns than lead to arbitration", func(c *Case, r Rules, _ time.Time) bool {
		return c.Returns+1 < r.Workflow.MaxReturns
	}, nil},
	NoReturnsLeft: {"已达仲裁次数", "as many returns as lead to arbitration", func(c *Case, r Rules, _ time.Time) bool {
		return c.Returns+1 >= r.Workflow.MaxReturns
	}, nil},
	NotArbitrated: {"未经仲裁", "no arbitration has decided", func(c *Case, _ Rules, _ time.Time) bool { return !c.Arbitrated }, ErrArbitrated},
	InTime: {"尚在处置时限内", "the handling limit has not run out", func(c *Case, _ Rules, now time.Time) bool {
		return !now.After(c.Handling.Due)
	}, ErrTooLate},
	AssistantsDone: {"协办部门均已反馈", "every assistant has reported its work done", func(c *Case, _ Rules, _ time.Time) bool {
		return !slices.ContainsFunc(c.Assistants, func(a Assistant) bool { return a.DoneAt.IsZero() })
	}, ErrAssistantsOpen},
	CheckedFirst:   {"结果须经指挥中心审核", "the command centre checks results first", func(_ *Case, r Rules, _ time.Time) bool { return r.Workflow.CheckFeedback }, nil},
	DirectFeedback: {"结果直接反馈", "results are fed back directly", func(_ *Case, r Rules, _ time.Time) bool { return !r.Workflow.CheckFeedback }, nil},
	SecondPerson: {"经处置人以外的人核查", "verified by another person than the handler", func(c *Case, _ Rules, _ time.Time) bool {
		return c.VerifiedBy != 0 && c.VerifiedBy != c.HandledBy
	}, ErrSamePerson},
	VetoOpen: {"公众举报、首次否决、在否决期内", "a public report, its first veto, within the days for it", func(c *Case, r Rules, now time.Time) bool {
		return c.Channel.Public() && c.Vetoes == 0 && now.Before(c.ClosedAt.AddDate(0, 0, r.Workflow.VetoDays))
	}, ErrNoVeto},
}

// Name is what a condition asks, in both languages.
func (c Condition) Name() Name { return Name{conditions[c].zh, conditions[c].en} }

// Move is one row of the rule table: at From, Action leads to To when If holds.
type Move struct {
	From   Stage
	Action Action
	To     Stage
	If     []Condition
}

func when(c ...Condition) []Condition { return c }

// moveTable lists every move the workflow allows; any other is refused. Of two
// rows for one stage and action the first whose conditions hold is taken.
var moveTable = slices.Concat([]Move{
	{"", ActionReport, StageReported, nil},
	{StageReported, ActionAskConfirm, StageConfirming, nil},
	{StageConfirming, ActionConfirm, StageReported, nil},
	{StageConfirming, ActionDeny, StageReported, nil},
	{StageReported, ActionFile, StageFiled, when(Confirmed)},
	{StageReported, ActionDecline, StageDeclined, nil},
	{StageReported, ActionMerge, StageMerged, nil},
	{StageMerged, ActionUnmerge, StageReported, nil},
	{StageReported, ActionTransfer, StageTransferring, nil},
	{StageTransferring, ActionTransferAccepted, StageTransferred, nil},
	{StageTransferring, ActionTransferRefused, StageReported, nil},

	{StageFiled, ActionDispatch, StageDispatched, nil},
	{StageFiled, ActionForward, StageForwarded, when(TwoCommands)},
	{StageForwarded, ActionDispatch, StageDispatched, nil},
	{StageForwarded, ActionSendUp, StageFiled, nil},
	{StageArbitrating, ActionArbitrate, StageDispatched, nil},

	{StageDispatched, ActionAccept, StageAccepted, nil},
	{StageDispatched, ActionReturn, StageReturning, when(NotArbitrated)},
	{StageAccepted, ActionReturn, StageReturning, when(NotArbitrated)},
	{StageReturning, ActionApproveReturn, StageFiled, when(ReturnsLeft)},
	{StageReturning, ActionApproveReturn, StageArbitrating, when(NoReturnsLeft)},
	{StageReturning, ActionRefuseReturn, StageDispatched, nil},
	{StageAccepted, ActionExtend, StageExtending, when(InTime)},
	{StageExtending, ActionApproveExtension, StageAccepted, nil},
	{StageExtending, ActionRefuseExtension, StageAccepted, nil},
	{StageAccepted, ActionSuspend, StageSuspending, when(InTime)},
	{StageSuspending, ActionApproveSuspension, StageSuspended, nil},
	{StageSuspending, ActionRefuseSuspension, StageAccepted, nil},
	{StageSuspended, ActionResume, StageAccepted, nil},
},
	inAny([]Stage{StageDispatched, StageAccepted, StageExtending, StageSuspending}, ActionHandle, StageFeedback, AssistantsDone, CheckedFirst),
	inAny([]Stage{StageDispatched, StageAccepted, StageExtending, StageSuspending}, ActionHandle, StageHandled, AssistantsDone, DirectFeedback),
	[]Move{
		{StageFeedback, ActionFeedBack, StageHandled, nil},
		{StageFeedback, ActionSendBack, StageAccepted, nil},
		{StageHandled, ActionVerify, StageVerified, nil},
		{StageHandled, ActionRework, StageDispatched, nil},
		{StageVerified, ActionClose, StageClosed, when(SecondPerson)},
		{StageClosed, ActionVeto, StageVetoed, when(VetoOpen)},
		{StageVetoed, ActionUphold, StageClosed, nil},
		{StageVetoed, ActionReopen, StageFiled, nil},
	},
	inAny([]Stage{StageFiled, StageForwarded, StageArbitrating, StageDispatched, StageAccepted}, ActionVoid, StageVoided),
	staying(ActionRedraw, StageConfirming, StageHandled),
	staying(ActionAssist, StageDispatched, StageAccepted, StageExtending, StageSuspending, StageSuspended),
	staying(ActionAttach, openStages()...),
	staying(ActionDetach, openStages()...),
	staying(ActionGather, openStages()...),
	staying(ActionAbsorb, openStages()...),
	staying(ActionUrge, openStages()...),
	staying(ActionEscalate, openStages()...),
)

func inAny(from []Stage, a Action, to Stage, conditions ...Condition) []Move {
	out := make([]Move, len(from))
	for i, s := range from {
		out[i] = Move{s, a, to, conditions}
	}
	return out
}

func staying(a Action, at ...Stage) []Move {
	out := make([]Move, len(at))
	for i, s := range at {
		out[i] = Move{s, a, s, nil}
	}
	return out
}

func openStages() []Stage {
	return slices.DeleteFunc(Stages(), func(s Stage) bool { return !s.Open() })
}

// Moves returns the rule table.
func Moves() []Move { return slices.Clone(moveTable) }

// byStage finds the rows of a stage and action without walking the table.
var byStage = func() map[Stage]map[Action][]Move {
	out := map[Stage]map[Action][]Move{}
	for _, m := range moveTable {
		if out[m.From] == nil {
			out[m.From] = map[Action][]Move{}
		}
		out[m.From][m.Action] = append(out[m.From][m.Action], m)
	}
	return out
}()

// next finds the move of an action, or says why there is none.
func (c *Case) next(a Action, r Rules, now time.Time) (Move, error) {
	rows := byStage[c.Stage][a]
	if len(rows) == 0 {
		return Move{}, refuse(c.Stage, a)
	}
	var why error
	for _, row := range rows {
		failed := slices.IndexFunc(row.If, func(k Condition) bool { return !conditions[k].holds(c, r, now) })
		if failed < 0 {
			return row, nil
		}
		if err := conditions[row.If[failed]].err; err != nil {
			why = err
		}
	}
	return Move{}, why
}

// May lists the actions that the workflow allows a case now, in the order of
// the workflow; who may give them is the policy's to say.
func (c *Case) May(r Rules, now time.Time) (out []Action) {
	for _, f := range actionTable {
		if f.permit == "" {
			continue
		}
		if _, err := c.next(f.action, r, now); err == nil {
			out = append(out, f.action)
		}
	}
	return out
}
