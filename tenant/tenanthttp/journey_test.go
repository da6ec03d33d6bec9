package tenanthttp

import (
	"net/url"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/internal/web/webtest"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// journey is a city of one model at work over HTTP: everybody signed in, and
// what was done noted.
type journey struct {
	town
	model  org.Model
	desks  map[int64]*webtest.Person
	done   map[casework.Action]bool
	limit  calendar.Limit
	office string         // the department that handles
	worker casework.Actor // its handler
	photos uint64
}

func TestEveryMoveOfACaseUnderEachModel(t *testing.T) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		for _, m := range org.Models() {
			t.Run(engine+"/"+string(m.Model), func(t *testing.T) {
				house := citytest.Build(t, db(t), citytest.Model(m.Model), citytest.Lattice(6, 6), citytest.Working(func(w *casework.Workflow) {
					w.ConfirmPublic, w.RequireEvidence = true, true
					w.CheckFeedback = m.Model == org.FourLevels || m.Model == org.Merged
				}))
				j := &journey{town: serve(t, house)[0], model: m.Model, desks: map[int64]*webtest.Person{}, done: map[casework.Action]bool{}}
				j.run()
			})
		}
	}
}

func (j *journey) run() {
	condition, err := j.City.Catalogue.Condition(j.t.Context(), citytest.Condition)
	if err != nil {
		j.t.Fatal(err)
	}
	j.limit = condition.Limit
	j.office, j.worker = citytest.Works, j.Actor(org.DepartmentHandler)
	if j.twoLevels() {
		j.worker = j.DistrictActor(org.DepartmentHandler, 1)
		j.office = j.worker.Department
	}
	j.longWay()
	j.passedAround()
	j.notFound()
	j.vetoUpheld()
	j.relatives()
	j.elsewhere()
	j.commandLevels()
	j.everythingWasDone()
}

func (j *journey) twoLevels() bool { return j.model.Commands() == 2 }

// desk is an account, signed in once.
func (j *journey) desk(account int64) *webtest.Person {
	j.t.Helper()
	if p := j.desks[account]; p != nil {
		return p
	}
	a, err := j.City.Accounts.Account(j.t.Context(), account)
	if err != nil {
		j.t.Fatal(err)
	}
	p := webtest.New(j.t, j.e)
	if !a.HasPassword {
		link, err := j.City.Accounts.Invite(j.t.Context(), account, time.Hour)
		if err != nil {
			j.t.Fatal(err)
		}
		p.Post(j.at+"/invitations/accept", body{"token": link, "password": citytest.Password}).Want(204)
	}
	p.Post(j.at+"/session", body{"login": a.Login, "password": citytest.Password}).Want(204)
	j.desks[account] = p
	return p
}

// later lets so much time pass that everybody has to sign in again.
func (j *journey) later(d time.Duration) {
	j.Clock.Advance(d)
	clear(j.desks)
}

// give gives a command a minute later and notes it.
func (j *journey) give(account int64, a casework.Action, c Case, in body) Case {
	j.t.Helper()
	j.Clock.Advance(time.Minute)
	if in == nil {
		in = body{}
	}
	if _, ok := in["note"]; !ok {
		in["note"] = "依据现场情况"
	}
	in["version"] = c.Version
	var after Case
	j.desk(account).Post(j.at+"/cases/"+c.Number+"/"+string(a), in).Want(200).Into(&after)
	if after.Version != c.Version+1 {
		j.t.Errorf("%s: version %d after %d", a, after.Version, c.Version)
	}
	j.done[a] = true
	return after
}

func (j *journey) refuse(account int64, a casework.Action, c Case, in body, status int, code string) {
	j.t.Helper()
	if in == nil {
		in = body{}
	}
	in["note"] = "依据现场情况"
	j.desk(account).Post(j.at+"/cases/"+c.Number+"/"+string(a), in).Refused(status, code)
}

func (j *journey) report(channel string) (c Case) {
	j.t.Helper()
	j.Clock.Advance(time.Minute)
	in := j.call()
	in["channel"] = channel
	j.desk(j.Account(org.IntakeClerk)).Post(j.at+"/cases", in).Want(201).Into(&c)
	j.done[casework.ActionReport] = true
	return c
}

// filed is a citizen's report that was confirmed on site and filed.
func (j *journey) filed() Case {
	j.t.Helper()
	c := j.report("citizen")
	j.refuse(j.Account(org.ShiftLeader), casework.ActionFile, c, nil, 409, "not_confirmed")
	c = j.give(j.Account(org.ShiftLeader), casework.ActionAskConfirm, c, nil)
	if c.Checker == 0 {
		j.t.Fatal("nobody was drawn to look")
	}
	c = j.give(c.Checker, casework.ActionConfirm, c, nil)
	return j.give(j.Account(org.ShiftLeader), casework.ActionFile, c, nil)
}

// dispatcher is who dispatches a case now: the city's, or the district's that
// it was forwarded to.
func (j *journey) dispatcher(c Case) int64 {
	if c.Command != "" {
		return j.DistrictActor(org.Dispatcher, 1).Account
	}
	return j.Account(org.Dispatcher)
}

// dispatched sends a filed case to the office by the levels of command there are.
func (j *journey) dispatched(c Case, assistants ...string) Case {
	j.t.Helper()
	if j.twoLevels() && c.Stage == "filed" && c.Command == "" {
		c = j.give(j.Account(org.Dispatcher), casework.ActionForward, c, body{"command": citytest.DistrictCommand(1)})
		j.want(c, "forwarded", j.deadline())
	}
	due := c.Due
	c = j.give(j.dispatcher(c), casework.ActionDispatch, c, body{"department": j.office, "assistants": assistants})
	if due == nil {
		due = j.deadline()
	}
	j.want(c, "dispatched", due)
	return c
}

// deadline is the end of a handling limit that starts now.
func (j *journey) deadline() *time.Time {
	due := j.City.Calendar.Deadline(j.Clock.Now(), j.limit)
	return &due
}

// want fails unless a case is at a stage and its limit ends then.
func (j *journey) want(c Case, stage string, due *time.Time) {
	j.t.Helper()
	if c.Stage != stage || due == nil != (c.Due == nil) || due != nil && !c.Due.Equal(*due) {
		j.t.Errorf("at %s until %v, want %s until %v", c.Stage, c.Due, stage, due)
	}
}

// handled lets the worker show its work and hand the case in, by way of the
// command centre where the city wants that.
func (j *journey) handled(c Case) Case {
	j.t.Helper()
	j.photo(j.worker.Account, c, "after")
	c = j.give(j.worker.Account, casework.ActionHandle, c, nil)
	if !c.Paused {
		j.t.Error("the limit runs while others look at the work")
	}
	if c.Stage == "feedback" {
		c = j.give(j.dispatcher(c), casework.ActionFeedBack, c, nil)
	}
	j.want(c, "handled", c.Due)
	return c
}

// closed verifies and closes a handled case.
func (j *journey) closed(c Case) Case {
	j.t.Helper()
	j.photo(c.Checker, c, "after")
	c = j.give(c.Checker, casework.ActionVerify, c, nil)
	return j.give(j.Account(org.ShiftLeader), casework.ActionClose, c, nil)
}

// longWay takes one case through everything that can happen to good work.
func (j *journey) longWay() {
	t, leader := j.t, j.Account(org.ShiftLeader)
	c := j.dispatched(j.filed(), citytest.Greening)
	c = j.give(j.worker.Account, casework.ActionAccept, c, nil)
	c = j.give(j.worker.Account, casework.ActionExtend, c, body{"value": 2, "unit": "work_hour"})
	c = j.give(leader, casework.ActionRefuseExtension, c, nil)
	due := j.City.Calendar.Deadline(*c.Due, calendar.Limit{Value: 2, Unit: calendar.WorkHour})
	c = j.give(j.worker.Account, casework.ActionExtend, c, body{"value": 2, "unit": "work_hour"})
	c = j.give(leader, casework.ActionApproveExtension, c, nil)
	j.want(c, "accepted", &due)

	until := body{"until": j.Clock.Now().AddDate(0, 0, 30)}
	c = j.give(j.worker.Account, casework.ActionSuspend, c, until)
	c = j.give(leader, casework.ActionRefuseSuspension, c, nil)
	c = j.give(j.worker.Account, casework.ActionSuspend, c, until)
	c = j.give(leader, casework.ActionApproveSuspension, c, nil)
	left := j.City.Calendar.Between(j.Clock.Now(), due, calendar.WorkHour)
	if j.want(c, "suspended", &due); !c.Paused {
		t.Error("a suspended case's limit runs")
	}
	j.later(9 * 24 * time.Hour)
	c = j.give(j.worker.Account, casework.ActionResume, c, nil)
	due = j.City.Calendar.After(j.Clock.Now(), left, calendar.WorkHour)
	j.want(c, "accepted", &due)

	j.refuse(j.worker.Account, casework.ActionHandle, c, nil, 409, "assistants_open")
	c = j.give(j.Second(org.DepartmentHandler).Account, casework.ActionAssist, c, nil)
	j.refuse(j.worker.Account, casework.ActionHandle, c, nil, 409, "no_evidence")
	c = j.handled(c)
	drawn := c.Checker
	c = j.give(leader, casework.ActionRedraw, c, nil)
	if c.Checker == drawn || c.Checker == 0 {
		t.Errorf("drawn anew: %d after %d", c.Checker, drawn)
	}
	j.refuse(drawn, casework.ActionVerify, c, nil, 403, "not_drawn")
	left = j.City.Calendar.Between(j.handledAt(c), due, calendar.WorkHour)
	c = j.give(c.Checker, casework.ActionRework, c, nil)
	due = j.City.Calendar.After(j.Clock.Now(), left, calendar.WorkHour)
	j.want(c, "dispatched", &due)
	c = j.give(leader, casework.ActionUrge, c, nil)
	c = j.handled(c)
	j.refuse(c.Checker, casework.ActionVerify, c, nil, 409, "no_evidence")
	c = j.closed(c)

	c = j.give(j.Account(org.IntakeClerk), casework.ActionVeto, c, nil)
	c = j.give(leader, casework.ActionReopen, c, nil)
	j.want(c, "filed", nil)
	c = j.closed(j.handled(j.dispatched(c)))
	j.refuse(j.Account(org.IntakeClerk), casework.ActionVeto, c, nil, 409, "no_veto")
	j.journal(c)
}

func (j *journey) handledAt(c Case) time.Time {
	if c.HandledAt == nil {
		j.t.Fatalf("%s was never handled", c.Number)
	}
	return *c.HandledAt
}

// passedAround is returned until a leader says whose it is.
func (j *journey) passedAround() {
	c := j.dispatched(j.filed())
	c = j.give(j.worker.Account, casework.ActionReturn, c, nil)
	c = j.give(j.dispatcher(c), casework.ActionRefuseReturn, c, nil)
	c = j.give(j.worker.Account, casework.ActionReturn, c, nil)
	c = j.give(j.dispatcher(c), casework.ActionApproveReturn, c, nil)
	j.want(c, "filed", nil)
	c = j.give(j.dispatcher(c), casework.ActionDispatch, c, body{"department": j.office})
	c = j.give(j.worker.Account, casework.ActionReturn, c, nil)
	c = j.give(j.dispatcher(c), casework.ActionApproveReturn, c, nil)
	if j.want(c, "arbitrating", nil); c.Returns != 2 {
		j.t.Errorf("%d returns are shown, want 2", c.Returns)
	}
	c = j.give(j.Account(org.Leader), casework.ActionArbitrate, c, body{"department": j.office})
	j.want(c, "dispatched", j.deadline())
	j.refuse(j.worker.Account, casework.ActionReturn, c, nil, 409, "arbitrated")
	c = j.give(j.Account(org.ShiftLeader), casework.ActionVoid, c, nil)
	j.want(c, "voided", c.Due)
	j.journal(c)
}

// notFound is a report that nobody can confirm.
func (j *journey) notFound() {
	c := j.give(j.Account(org.ShiftLeader), casework.ActionAskConfirm, j.report("citizen"), nil)
	c = j.give(c.Checker, casework.ActionDeny, c, nil)
	j.refuse(j.Account(org.ShiftLeader), casework.ActionFile, c, nil, 409, "not_confirmed")
	c = j.give(j.Account(org.ShiftLeader), casework.ActionDecline, c, nil)
	j.journal(c)
}

// vetoUpheld is closed again by another shift leader; where feedback is checked
// it is sent back once before.
func (j *journey) vetoUpheld() {
	c := j.dispatched(j.filed())
	if j.City.Settings.Workflow.CheckFeedback {
		j.photo(j.worker.Account, c, "after")
		c = j.give(j.worker.Account, casework.ActionHandle, c, nil)
		c = j.give(j.dispatcher(c), casework.ActionSendBack, c, nil)
		j.want(c, "accepted", c.Due)
	}
	c = j.closed(j.handled(c))
	c = j.give(j.Account(org.IntakeClerk), casework.ActionVeto, c, nil)
	j.refuse(j.Account(org.ShiftLeader), casework.ActionUphold, c, nil, 403, "not_the_closer")
	c = j.give(j.Second(org.ShiftLeader).Account, casework.ActionUphold, c, nil)
	j.want(c, "closed", c.Due)
	j.journal(c)
}

// relatives are merged and unmerged, attached and detached.
func (j *journey) relatives() {
	clerk := j.Account(org.IntakeClerk)
	first, second := j.report("hotline"), j.report("hotline")
	second = j.give(clerk, casework.ActionMerge, second, body{"other": first.Number})
	second = j.give(clerk, casework.ActionUnmerge, second, nil)
	second = j.give(clerk, casework.ActionAttach, second, body{"other": first.Number})
	var children CasePage
	j.desk(clerk).Get(j.at + "/cases?parent=" + first.Number).Want(200).Into(&children)
	if len(children.Cases) != 1 || children.Cases[0].Number != second.Number {
		j.t.Errorf("children: %+v", children.Cases)
	}
	second = j.give(clerk, casework.ActionDetach, second, nil)
	j.journal(second)
}

// elsewhere is a problem of another city, which sends it back.
func (j *journey) elsewhere() {
	c := j.give(j.Account(org.ShiftLeader), casework.ActionTransfer, j.report("hotline"), body{"city": "620200"})
	j.want(c, "transferring", nil)
	if err := j.City.Cases.Settle(j.t.Context(), c.Number, casework.Answer{Refused: true, Reason: "不属本市"}); err != nil {
		j.t.Fatal(err)
	}
	j.journal(c)
}

// commandLevels: in two levels a district answers for what it was given and may
// send it back up; in one there is nothing to forward to.
func (j *journey) commandLevels() {
	c := j.filed()
	if !j.twoLevels() {
		j.refuse(j.Account(org.Dispatcher), casework.ActionForward, c, body{"command": citytest.CommandCentre}, 409, "one_command")
		return
	}
	district := j.DistrictActor(org.Dispatcher, 1).Account
	j.refuse(district, casework.ActionDispatch, c, body{"department": j.office}, 403, "other_command")
	c = j.give(j.Account(org.Dispatcher), casework.ActionForward, c, body{"command": citytest.DistrictCommand(1)})
	j.refuse(j.Account(org.Dispatcher), casework.ActionDispatch, c, body{"department": j.office}, 403, "other_command")
	c = j.give(district, casework.ActionSendUp, c, nil)
	j.want(c, "filed", nil)
	c = j.give(j.Account(org.Dispatcher), casework.ActionDispatch, c, body{"department": citytest.Works})
	j.want(c, "dispatched", j.deadline())
	j.journal(c)
}

// journal checks that a case's steps hang together and name who did them.
func (j *journey) journal(c Case) {
	j.t.Helper()
	var steps []Step
	j.desk(j.Account(org.ShiftLeader)).Get(j.at + "/cases/" + c.Number + "/steps").Want(200).Into(&steps)
	from := ""
	last := time.Time{}
	for i, s := range steps {
		if s.Seq != int64(i+1) || s.From != from || s.At.Before(last) || s.ActionZh == "" || s.Role == "" || s.Account == 0 && s.Role != casework.System.Role {
			j.t.Errorf("step %d of %s: %+v after %q at %s", i+1, c.Number, s, from, last)
		}
		if a := casework.Action(s.Action); a.NeedsReason() && s.Note == "" {
			j.t.Errorf("step %d of %s gives no reason", i+1, c.Number)
		}
		from, last = s.To, s.At
	}
	if len(steps) < 2 {
		j.t.Errorf("%s has %d steps", c.Number, len(steps))
	}
}

// everythingWasDone fails when a command of the workflow was left out.
func (j *journey) everythingWasDone() {
	var missing []casework.Action
	checks := j.City.Settings.Workflow.CheckFeedback
	for _, a := range casework.Actions() {
		skip := a.Permission() == "" || !j.twoLevels() && (a == casework.ActionForward || a == casework.ActionSendUp) ||
			!checks && (a == casework.ActionFeedBack || a == casework.ActionSendBack)
		if !skip && !j.done[a] {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		j.t.Errorf("never done: %v", missing)
	}
}

// photo adds a picture to a case; every one is another.
func (j *journey) photo(account int64, c Case, moment string) {
	j.t.Helper()
	j.photos++
	q := url.Values{"moment": {moment}, "taken_at": {j.Clock.Now().UTC().Format(time.RFC3339)}}
	j.desk(account).Post(j.at+"/cases/"+c.Number+"/evidence?"+q.Encode(), photo(j.t, j.photos)).Want(201)
}
