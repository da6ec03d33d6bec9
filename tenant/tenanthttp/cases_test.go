package tenanthttp

import (
	"testing"
	"time"

	"wangge/internal/web/webtest"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

func TestACaseGoesThroughFiveHands(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk, leader, dispatcher := h.as(org.IntakeClerk), h.as(org.ShiftLeader), h.as(org.Dispatcher)
		handler, supervisor := h.as(org.DepartmentHandler), h.as(org.Supervisor)
		var c Case
		clerk.Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		if c.Stage != "reported" || c.Grid != h.Grids[0].Code.String() || c.KindZh != "供水井盖异常" || !c.HasReporter {
			t.Fatalf("reported %+v", c)
		}
		for _, m := range []struct {
			by     *webtest.Person
			action string
			in     body
			stage  string
		}{
			{leader, "file", body{}, "filed"},
			{dispatcher, "dispatch", body{"department": citytest.Works}, "dispatched"},
			{handler, "handle", body{"note": "已更换"}, "handled"},
			{supervisor, "rework", body{"note": "井圈未修平"}, "dispatched"},
			{handler, "handle", body{"note": "已修平"}, "handled"},
			{supervisor, "verify", body{}, "verified"},
			{leader, "close", body{}, "closed"},
		} {
			h.Clock.Advance(10 * time.Minute)
			if m.by == supervisor && c.Checker != h.Account(org.Supervisor) {
				m.by = h.second(org.Supervisor) // who was drawn
			}
			if c = move(m.by, h.at, c.Number, m.action, m.in); c.Stage != m.stage {
				t.Fatalf("after %s the case is %s, want %s", m.action, c.Stage, m.stage)
			}
		}
		if c.Reworks != 1 || c.Department != citytest.Works || c.Due == nil || c.ClosedAt == nil || c.Version != 8 {
			t.Errorf("closed %+v", c)
		}
		var steps []Step
		leader.Get(h.at + "/cases/" + c.Number + "/steps").Want(200).Into(&steps)
		hands := map[int64]bool{}
		for i, s := range steps {
			if hands[s.Account] = true; s.Seq != int64(i+1) {
				t.Errorf("step %d has the number %d", i+1, s.Seq)
			}
		}
		if len(steps) != 8 || len(hands) < 5 || len(hands) > 6 || steps[4].Note != "井圈未修平" || steps[3].Department != citytest.Works {
			t.Errorf("%d steps by %d people: %+v", len(steps), len(hands), steps)
		}
		supervisor.Post(h.at+"/cases/"+c.Number+"/rework", body{"note": "晚了"}).Refused(409, "move_not_allowed")
	})
}

func TestTheJournalNamesThePostThatMayDoIt(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		both := []org.Holder{{Role: org.Evaluator, Department: citytest.SupervisionCentre}, {Role: org.ShiftLeader, Department: citytest.SupervisionCentre}}
		if err := h.City.Org.SetPosts(t.Context(), h.Account(org.ShiftLeader), both); err != nil {
			t.Fatal(err)
		}
		c, err := h.City.Cases.Report(t.Context(), h.Report())
		if err != nil {
			t.Fatal(err)
		}
		h.as(org.ShiftLeader).Post(h.at+"/cases/"+c.Number+"/file", body{}).Want(200)
		steps, err := h.City.Cases.Steps(t.Context(), c.Number)
		if err != nil || len(steps) != 2 || steps[1].By.Role != string(org.ShiftLeader) {
			t.Errorf("got %+v, %v; want it filed by the shift leader, not the evaluator", steps, err)
		}
	})
}

func TestNobodyMovesACaseThatIsNotTheirs(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		var c Case
		h.as(org.IntakeClerk).Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		for role, action := range map[org.Role]string{
			org.Supervisor: "file", org.IntakeClerk: "file", org.Dispatcher: "close", org.ShiftLeader: "dispatch",
			org.DepartmentHandler: "verify", org.CityAdmin: "file", org.Leader: "handle", org.Auditor: "decline", org.Evaluator: "close",
		} {
			h.as(role).Post(h.at+"/cases/"+c.Number+"/"+action, body{"note": "x", "department": citytest.Works}).Refused(403, "forbidden")
		}
	})
}

func TestACommandRepeatedWithItsKeyChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk, leader := h.as(org.IntakeClerk), h.as(org.ShiftLeader)
		var first, again Case
		once := clerk.With("Idempotency-Key", "call-1")
		once.Post(h.at+"/cases", h.call()).Want(201).Into(&first)
		once.Post(h.at+"/cases", h.call()).Want(201).Into(&again)
		if again.Number != first.Number {
			t.Errorf("repeated, the report became %s beside %s", again.Number, first.Number)
		}
		filed := leader.With("Idempotency-Key", "file-1")
		file := h.at + "/cases/" + first.Number + "/file"
		filed.Post(file, body{}).Want(200)
		filed.Post(file, body{}).Want(200).Into(&again)
		if cases, steps := h.written(); cases != 1 || steps != 2 || again.Version != 2 {
			t.Errorf("%d cases, %d steps, version %d", cases, steps, again.Version)
		}
		filed.Post(h.at+"/cases/"+first.Number+"/decline", body{"note": "x"}).Refused(409, "request_key_reused")
		h.second(org.ShiftLeader).With("Idempotency-Key", "file-1").Post(file, body{}).Refused(409, "request_key_reused")
		leader.Post(file, body{}).Refused(409, "move_not_allowed")
	})
}

func TestAReporterIsShownToNobodyButWhoMustCallBack(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk := h.as(org.IntakeClerk)
		var c Case
		made := clerk.Post(h.at+"/cases", h.call()).Want(201)
		made.Into(&c)
		at := h.at + "/cases/" + c.Number
		for role, may := range map[org.Role]bool{
			org.IntakeClerk: true, org.ShiftLeader: true, org.Supervisor: false, org.Dispatcher: false, org.Evaluator: false, org.Leader: false, org.Auditor: false,
		} {
			p := h.as(role)
			for _, path := range []string{at, at + "/steps", h.at + "/cases"} {
				if got := p.Get(path).Want(200); got.Has("来电人") || got.Has("000-0000") {
					t.Errorf("%s sees the reporter at %s", role, path)
				}
			}
			if !may {
				p.Get(at+"/reporter").Refused(403, "forbidden")
			} else if got := p.Get(at + "/reporter").Want(200); !got.Has("来电人") || !got.Has("000-0000") {
				t.Errorf("%s can't call back: %s", role, got.Body)
			}
		}
		if made.Has("来电人") {
			t.Error("the answer to a report repeats the reporter")
		}
	})
}

func TestADepartmentSeesItsOwnCasesOnly(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk, leader, dispatcher := h.as(org.IntakeClerk), h.as(org.ShiftLeader), h.as(org.Dispatcher)
		numbers := map[string]string{}
		for _, department := range []string{citytest.Works, citytest.Greening, ""} {
			var c Case
			clerk.Post(h.at+"/cases", h.call()).Want(201).Into(&c)
			move(leader, h.at, c.Number, "file", body{})
			if numbers[department] = c.Number; department != "" {
				move(dispatcher, h.at, c.Number, "dispatch", body{"department": department})
			}
		}
		for department, p := range map[string]*webtest.Person{citytest.Works: h.as(org.DepartmentHandler), citytest.Greening: h.second(org.DepartmentHandler)} {
			for _, path := range []string{"/cases", "/cases?department=" + citytest.Works, "/cases?department=" + citytest.Greening} {
				var page CasePage
				p.Get(h.at + path).Want(200).Into(&page)
				if len(page.Cases) != 1 || page.Cases[0].Number != numbers[department] {
					t.Errorf("%s sees at %s %+v", department, path, page.Cases)
				}
			}
			for of, number := range numbers {
				for _, path := range []string{"/cases/" + number, "/cases/" + number + "/steps"} {
					if got := p.Get(h.at + path); of == department {
						got.Want(200)
					} else {
						got.Refused(404, "no_such_case")
					}
				}
			}
		}
		h.as(org.DepartmentHandler).Post(h.at+"/cases/"+numbers[citytest.Greening]+"/handle", body{}).Refused(403, "other_department")
	})
}

func TestSomebodyWhoLooksAtAnOldVersionIsTold(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		var c Case
		h.as(org.IntakeClerk).Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		leader := h.as(org.ShiftLeader)
		move(leader, h.at, c.Number, "file", body{"version": c.Version})
		h.as(org.Dispatcher).Post(h.at+"/cases/"+c.Number+"/dispatch", body{"department": citytest.Works, "version": c.Version}).Refused(409, "stale")
	})
}

func TestCasesComeInPages(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk := h.as(org.IntakeClerk)
		var want []string
		for range 5 {
			var c Case
			clerk.Post(h.at+"/cases", h.call()).Want(201).Into(&c)
			want = append(want, c.Number)
		}
		var got []string
		next := ""
		for {
			var page CasePage
			clerk.Get(h.at + "/cases?limit=2&after=" + next).Want(200).Into(&page)
			for _, c := range page.Cases {
				got = append(got, c.Number)
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if len(got) != 5 || got[0] != want[0] || got[4] != want[4] {
			t.Errorf("paged %v, want %v", got, want)
		}
		var none CasePage
		clerk.Get(h.at + "/cases?stage=closed").Want(200).Into(&none)
		if none.Cases == nil || len(none.Cases) != 0 {
			t.Errorf("closed ones: %+v", none)
		}
	})
}

func TestFaultyCommandsAreAnsweredWithFieldAndReasonAndWriteNothing(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		clerk, leader, dispatcher := h.as(org.IntakeClerk), h.as(org.ShiftLeader), h.as(org.Dispatcher)
		var c Case
		clerk.Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		with := func(change body) body {
			in := h.call()
			for k, v := range change {
				if in[k] = v; v == nil {
					delete(in, k)
				}
			}
			return in
		}
		cases, steps := h.written()
		for _, f := range []struct {
			by     *webtest.Person
			path   string
			in     any
			fields []string
		}{
			{clerk, "/cases", `{"channel":"hotline"`, []string{"body"}},
			{clerk, "/cases", body{}, []string{"channel", "condition", "description", "lon", "lat"}},
			{clerk, "/cases", with(body{"channel": "rumour"}), []string{"channel"}},
			{clerk, "/cases", with(body{"lon": nil}), []string{"lon"}},
			{clerk, "/cases", with(body{"lon": "east"}), []string{"lon"}},
			{clerk, "/cases", with(body{"lat": 91}), []string{"lat"}},
			{clerk, "/cases", with(body{"description": " "}), []string{"description"}},
			{clerk, "/cases", with(body{"description": "a\x00b"}), []string{"description"}},
			{clerk, "/cases", with(body{"reporter": body{"name": "x", "id_card": "1"}}), []string{"reporter.id_card"}},
			{clerk, "/cases", with(body{"priority": 1}), []string{"priority"}},
			{leader, "/cases/" + c.Number + "/file", body{"version": -1}, []string{"version"}},
			{leader, "/cases/" + c.Number + "/file", `{"note":1}`, []string{"note"}},
			{leader, "/cases/" + c.Number + "/decline", body{}, []string{"note"}},
			{dispatcher, "/cases/" + c.Number + "/dispatch", body{"note": "x"}, []string{"department"}},
		} {
			f.by.Post(h.at+f.path, f.in).Names(f.fields...)
		}
		clerk.Post(h.at+"/cases", with(body{"lon": 0, "lat": 0})).Refused(422, "outside_grids")
		clerk.Get(h.at+"/cases?limit=0&sort=luck").Names("sort", "limit")
		clerk.Get(h.at + "/cases?stage=filed,lost").Names("stage")
		clerk.Get(h.at+"/cases?area=15x&from=2026-2-1&to=soon").Names("area", "from", "to")
		clerk.Get(h.at + "/cases?after=!").Names("after")
		clerk.Get(h.at+"/cases/20261123-999999").Refused(404, "no_such_case")
		if c, s := h.written(); c != cases || s != steps {
			t.Errorf("%d cases and %d steps became %d and %d", cases, steps, c, s)
		}
	})
}
