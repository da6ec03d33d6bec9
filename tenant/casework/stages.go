package casework

import "wangge/tenant/access"

// Stage is a state of a case.
type Stage string

// The stages. The words for the two checks on site are those of the standard:
// 核实 comes before filing (confirming), 核查 after handling (handled).
const (
	StageReported     Stage = "reported"     // 已上报，待立案
	StageConfirming   Stage = "confirming"   // 待核实
	StageTransferring Stage = "transferring" // 移送中
	StageFiled        Stage = "filed"        // 已立案，待派遣
	StageForwarded    Stage = "forwarded"    // 已下派二级指挥
	StageArbitrating  Stage = "arbitrating"  // 待仲裁
	StageDispatched   Stage = "dispatched"   // 已派遣，待接收
	StageAccepted     Stage = "accepted"     // 处置中
	StageReturning    Stage = "returning"    // 回退待批
	StageExtending    Stage = "extending"    // 延期待批
	StageSuspending   Stage = "suspending"   // 挂账待批
	StageSuspended    Stage = "suspended"    // 已挂账
	StageFeedback     Stage = "feedback"     // 已处置，待反馈
	StageHandled      Stage = "handled"      // 已反馈，待核查
	StageVerified     Stage = "verified"     // 核查通过，待结案
	StageVetoed       Stage = "vetoed"       // 公众否决，待复核
	StageClosed       Stage = "closed"       // 已结案
	StageMerged       Stage = "merged"       // 已并案
	StageDeclined     Stage = "declined"     // 不予立案
	StageVoided       Stage = "voided"       // 已作废
	StageTransferred  Stage = "transferred"  // 已移送
)

// clockKind says which clock of a case runs at a stage.
type clockKind int

const (
	noClock       clockKind = iota
	filingClock             // from report to filing
	handlingClock           // the condition's handling limit
)

// stage is what the tables know of a stage.
type stageFacts struct {
	stage  Stage
	zh, en string
	clock  clockKind
	rests  bool // a case may stay here for good
}

// stageTable lists the stages in the order of the workflow.
var stageTable = []stageFacts{
	{StageReported, "已上报", "reported", filingClock, false},
	{StageConfirming, "待核实", "awaiting confirmation", noClock, false},
	{StageTransferring, "移送中", "being transferred", noClock, false},
	{StageFiled, "已立案", "filed", noClock, false},
	{StageForwarded, "已下派", "forwarded to the district's command", handlingClock, false},
	{StageArbitrating, "待仲裁", "awaiting arbitration", noClock, false},
	{StageDispatched, "已派遣", "dispatched", handlingClock, false},
	{StageAccepted, "处置中", "being handled", handlingClock, false},
	{StageReturning, "回退待批", "return asked for", handlingClock, false},
	{StageExtending, "延期待批", "extension asked for", handlingClock, false},
	{StageSuspending, "挂账待批", "suspension asked for", handlingClock, false},
	{StageSuspended, "已挂账", "suspended", noClock, false},
	{StageFeedback, "待反馈", "awaiting feedback", noClock, false},
	{StageHandled, "已处置", "handled", noClock, false},
	{StageVerified, "核查通过", "verified", noClock, false},
	{StageVetoed, "公众否决", "vetoed by the citizen", noClock, false},
	{StageClosed, "已结案", "closed", noClock, true},
	{StageMerged, "已并案", "merged", noClock, true},
	{StageDeclined, "不予立案", "declined", noClock, true},
	{StageVoided, "已作废", "voided", noClock, true},
	{StageTransferred, "已移送", "transferred", noClock, true},
}

// Stages lists every stage in the order of the workflow.
func Stages() []Stage {
	out := make([]Stage, len(stageTable))
	for i, s := range stageTable {
		out[i] = s.stage
	}
	return out
}

func (s Stage) facts() stageFacts {
	for _, f := range stageTable {
		if f.stage == s {
			return f
		}
	}
	return stageFacts{stage: s, zh: "新建", en: "new"}
}

// Name is what people call the stage.
func (s Stage) Name() Name {
	f := s.facts()
	return Name{f.zh, f.en}
}

// Rests says whether a case may stay at the stage for good.
func (s Stage) Rests() bool { return s.facts().rests }

// Open says whether work on the case is still due.
func (s Stage) Open() bool { return s != "" && !s.Rests() }

// Action is a command on a case.
type Action string

// The actions.
const (
	ActionReport            Action = "report"             // 上报
	ActionAskConfirm        Action = "ask_confirm"        // 下达核实
	ActionConfirm           Action = "confirm"            // 核实属实
	ActionDeny              Action = "deny"               // 核实不属实
	ActionFile              Action = "file"               // 立案
	ActionDecline           Action = "decline"            // 不予立案
	ActionMerge             Action = "merge"              // 并案
	ActionUnmerge           Action = "unmerge"            // 撤销并案
	ActionTransfer          Action = "transfer"           // 移送外市
	ActionTransferAccepted  Action = "transfer_accepted"  // 外市接收
	ActionTransferRefused   Action = "transfer_refused"   // 外市退回
	ActionForward           Action = "forward"            // 下派二级指挥
	ActionSendUp            Action = "send_up"            // 退回上级指挥
	ActionDispatch          Action = "dispatch"           // 派遣
	ActionArbitrate         Action = "arbitrate"          // 仲裁
	ActionAccept            Action = "accept"             // 接收
	ActionReturn            Action = "return"             // 申请回退
	ActionApproveReturn     Action = "approve_return"     // 同意回退
	ActionRefuseReturn      Action = "refuse_return"      // 不同意回退
	ActionExtend            Action = "extend"             // 申请延期
	ActionApproveExtension  Action = "approve_extension"  // 同意延期
	ActionRefuseExtension   Action = "refuse_extension"   // 不同意延期
	ActionSuspend           Action = "suspend"            // 申请挂账
	ActionApproveSuspension Action = "approve_suspension" // 同意挂账
	ActionRefuseSuspension  Action = "refuse_suspension"  // 不同意挂账
	ActionResume            Action = "resume"             // 恢复处置
	ActionAssist            Action = "assist"             // 协办反馈
	ActionHandle            Action = "handle"             // 处置完成
	ActionFeedBack          Action = "feed_back"          // 反馈
	ActionSendBack          Action = "send_back"          // 反馈退回
	ActionVerify            Action = "verify"             // 核查通过
	ActionRework            Action = "rework"             // 核查不通过，返工
	ActionRedraw            Action = "redraw"             // 重新抽取核查人
	ActionClose             Action = "close"              // 结案
	ActionVeto              Action = "veto"               // 公众否决
	ActionUphold            Action = "uphold"             // 维持结案
	ActionReopen            Action = "reopen"             // 重新立案
	ActionVoid              Action = "void"               // 作废
	ActionAttach            Action = "attach"             // 归入母案
	ActionDetach            Action = "detach"             // 脱离母案
	ActionGather            Action = "gather"             // 收入子案
	ActionAbsorb            Action = "absorb"             // 吸收重复件
	ActionUrge              Action = "urge"               // 督办
	ActionEscalate          Action = "escalate"           // 升级预警
)

// actionFacts is what the tables know of an action.
type actionFacts struct {
	action Action
	zh, en string
	permit access.Permission // "" only for what the system does itself
	reason bool              // the note must say why
}

// actionTable lists the actions in the order of the workflow.
var actionTable = []actionFacts{
	{ActionReport, "上报", "report", access.CaseReport, false},
	{ActionAskConfirm, "下达核实", "ask for confirmation on site", access.CaseAskConfirm, false},
	{ActionConfirm, "核实属实", "confirm on site", access.CaseConfirm, false},
	{ActionDeny, "核实不属实", "find nothing on site", access.CaseConfirm, true},
	{ActionFile, "立案", "file", access.CaseFile, false},
	{ActionDecline, "不予立案", "decline", access.CaseDecline, true},
	{ActionMerge, "并案", "merge into another case", access.CaseMerge, true},
	{ActionUnmerge, "撤销并案", "undo a merge", access.CaseMerge, true},
	{ActionTransfer, "移送外市", "transfer to another city", access.CaseTransfer, true},
	{ActionTransferAccepted, "外市接收", "transfer accepted", "", false},
	{ActionTransferRefused, "外市退回", "transfer refused", "", true},
	{ActionForward, "下派二级指挥", "forward to the district's command", access.CaseDispatch, false},
	{ActionSendUp, "退回上级指挥", "send back up", access.CaseDispatch, true},
	{ActionDispatch, "派遣", "dispatch", access.CaseDispatch, false},
	{ActionArbitrate, "仲裁", "arbitrate", access.CaseArbitrate, true},
	{ActionAccept, "接收", "accept", access.CaseHandle, false},
	{ActionReturn, "申请回退", "ask for return", access.CaseHandle, true},
	{ActionApproveReturn, "同意回退", "approve the return", access.CaseDecideReturn, false},
	{ActionRefuseReturn, "不同意回退", "refuse the return", access.CaseDecideReturn, true},
	{ActionExtend, "申请延期", "ask for extension", access.CaseHandle, true},
	{ActionApproveExtension, "同意延期", "approve the extension", access.CaseDecideTime, false},
	{ActionRefuseExtension, "不同意延期", "refuse the extension", access.CaseDecideTime, true},
	{ActionSuspend, "申请挂账", "ask for suspension", access.CaseHandle, true},
	{ActionApproveSuspension, "同意挂账", "approve the suspension", access.CaseDecideTime, false},
	{ActionRefuseSuspension, "不同意挂账", "refuse the suspension", access.CaseDecideTime, true},
	{ActionResume, "恢复处置", "resume", access.CaseHandle, false},
	{ActionAssist, "协办反馈", "report an assistant's work done", access.CaseHandle, false},
	{ActionHandle, "处置反馈", "handle", access.CaseHandle, false},
	{ActionFeedBack, "反馈", "feed back", access.CaseDispatch, false},
	{ActionSendBack, "反馈退回", "send the feedback back", access.CaseDispatch, true},
	{ActionVerify, "核查通过", "verify", access.CaseVerify, false},
	{ActionRework, "返工", "rework", access.CaseRework, true},
	{ActionRedraw, "重新抽取核查人", "draw another checker", access.CaseRedraw, true},
	{ActionClose, "结案", "close", access.CaseClose, false},
	{ActionVeto, "公众否决", "record the citizen's veto", access.CaseVeto, true},
	{ActionUphold, "维持结案", "uphold the closing", access.CaseReopen, true},
	{ActionReopen, "重新立案", "reopen", access.CaseReopen, true},
	{ActionVoid, "作废", "void", access.CaseVoid, true},
	{ActionAttach, "归入母案", "attach to a parent case", access.CaseMerge, false},
	{ActionDetach, "脱离母案", "detach from the parent case", access.CaseMerge, true},
	{ActionGather, "收入子案", "gain a child case", "", false},
	{ActionAbsorb, "吸收重复件", "absorb a duplicate", "", false},
	{ActionUrge, "督办", "urge", access.CaseUrge, true},
	{ActionEscalate, "升级预警", "escalate", "", false},
}

// Actions lists every action in the order of the workflow.
func Actions() []Action {
	out := make([]Action, len(actionTable))
	for i, a := range actionTable {
		out[i] = a.action
	}
	return out
}

func (a Action) facts() actionFacts {
	for _, f := range actionTable {
		if f.action == a {
			return f
		}
	}
	return actionFacts{action: a}
}

// Name is what people call the action.
func (a Action) Name() Name {
	f := a.facts()
	return Name{f.zh, f.en}
}

// Permission is what an action needs, "" for what only the system does.
func (a Action) Permission() access.Permission { return a.facts().permit }

// NeedsReason says whether the note must say why.
func (a Action) NeedsReason() bool { return a.facts().reason }

// Name is a word of the field in both languages.
type Name struct{ Zh, En string }
