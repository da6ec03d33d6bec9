package caseworktest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// Rounds is how many interleavings Linearizable tries.
const Rounds = 1000

// Linearizable lets clerks give random commands on shared cases at once, and
// asks of every such history whether the same commands, given one after the
// other in an order that fits their times, would have got the same answers. It
// also looks whether the journal tells the case that is stored.
func Linearizable(t *testing.T, open func(testing.TB) *gormx.DB) {
	h := &house{T: t, House: citytest.Build(t, open(t)), open: open}
	h.withoutShares()
	random := rand.New(rand.NewPCG(1, 2026))
	for round := range Rounds {
		shared := []*casework.Case{h.take(h.report(), starts[random.IntN(len(starts))]...), h.report()}
		history := h.clerksAtOnce(random, shared)
		if !porcupine.CheckOperations(h.model(shared), history) {
			t.Fatalf("round %d: no order explains\n%s", round, told(history))
		}
		for _, c := range shared {
			stored := h.must(h.City.Cases.Case(h.ctx(), c.Number))
			if replay := h.replay(h.steps(c.Number)); !sameState(replay, *stored) {
				t.Fatalf("round %d: the journal tells\n     %+v\nstored is\n     %+v", round, replay, stored)
			}
		}
	}
}

// starts are the ways to the stages at which clerks meet.
var starts = [][]casework.Action{
	nil, {casework.ActionFile}, {casework.ActionFile, casework.ActionDispatch}, {casework.ActionFile, casework.ActionDispatch, casework.ActionAccept},
	{casework.ActionFile, casework.ActionDispatch, casework.ActionHandle},
}

// withoutShares opens the city anew under settings that limit no share, so that
// what is refused depends on the case alone.
func (h *house) withoutShares() {
	h.Helper()
	name, divisions := citytest.Divisions(h, h.City.ID.String())
	settings := citytest.Settings(name)
	settings.Workflow.Shares = casework.Shares{Return: 100, Extend: 100, Suspend: 100, Void: 100}
	kinds, conditions, err := catalog.Starting()
	if err != nil {
		h.Fatal(err)
	}
	if err := h.Seeder.Seed(h.ctx(), h.DB, settings, divisions, kinds, conditions); err != nil {
		h.Fatal(err)
	}
	if h.City, err = h.Seeder.Open(h.ctx(), h.City.ID, h.DB); err != nil {
		h.Fatal(err)
	}
	condition, err := h.City.Catalogue.Condition(h.ctx(), citytest.Condition)
	if err != nil {
		h.Fatal(err)
	}
	h.limit = condition.Limit
}

// given is a command as a history tells it, and answered what came of it.
type given struct {
	action casework.Action
	in     casework.Command
}

type answered struct {
	c    *casework.Case // nil when it was refused
	code string
}

// posts are who may give what the clerks here give.
var posts = map[casework.Action]org.Role{
	casework.ActionFile: org.ShiftLeader, casework.ActionDecline: org.ShiftLeader, casework.ActionVoid: org.ShiftLeader, casework.ActionClose: org.ShiftLeader,
	casework.ActionRedraw: org.ShiftLeader, casework.ActionApproveExtension: org.ShiftLeader, casework.ActionUrge: org.Leader, casework.ActionArbitrate: org.Leader,
	casework.ActionDispatch: org.Dispatcher, casework.ActionApproveReturn: org.Dispatcher, casework.ActionRefuseReturn: org.Dispatcher,
	casework.ActionAccept: org.DepartmentHandler, casework.ActionReturn: org.DepartmentHandler, casework.ActionExtend: org.DepartmentHandler,
	casework.ActionHandle: org.DepartmentHandler, casework.ActionVerify: org.Supervisor, casework.ActionRework: org.Supervisor,
}

func (h *house) clerksAtOnce(random *rand.Rand, shared []*casework.Case) []porcupine.Operation {
	const clerks, each = 4, 4
	actions := make([]casework.Action, 0, len(posts))
	for _, a := range casework.Actions() {
		if _, ok := posts[a]; ok {
			actions = append(actions, a)
		}
	}
	var mu sync.Mutex
	var history []porcupine.Operation
	var wg sync.WaitGroup
	start := make(chan struct{})
	for clerk := range clerks {
		var plan []given
		for range each {
			a := actions[random.IntN(len(actions))]
			in := casework.Command{
				Number: shared[random.IntN(len(shared))].Number, By: h.Actor(posts[a]), Note: "同时", Department: citytest.Works, Extra: h.limit,
			}
			if random.IntN(2) == 0 {
				in.By = h.Second(posts[a])
			}
			if random.IntN(4) == 0 {
				in.Version = int64(1 + random.IntN(8))
			}
			plan = append(plan, given{a, in})
		}
		wg.Go(func() {
			<-start
			for _, g := range plan {
				began := time.Now().UnixNano()
				c, err := h.City.Cases.Do(h.ctx(), g.action, g.in)
				out := answered{c: c}
				if err != nil {
					e, ok := errs.As(err)
					if !ok {
						h.Errorf("%s: %v", g.action, err)
						return
					}
					out = answered{code: e.Code}
				}
				ended := time.Now().UnixNano()
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: clerk, Input: g, Output: out, Call: began, Return: ended})
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	return history
}

// model is what one clerk after the other would see: the rules alone.
func (h *house) model(shared []*casework.Case) porcupine.Model {
	rules := casework.Rules{Workflow: h.City.Cases.Workflow(), Calendar: h.City.Calendar}
	now := h.Clock.Now().UTC().Truncate(time.Microsecond)
	duty, err := h.City.Duty.OnDuty(h.ctx(), h.Grids[0].Code, now)
	if err != nil {
		h.Fatal(err)
	}
	first := map[string]casework.Case{}
	for _, c := range shared {
		first[c.Number] = *c
	}
	apply := func(c casework.Case, g given) (casework.Case, string) {
		if g.in.Version != 0 && g.in.Version != c.Version {
			return c, casework.ErrStale.Code
		}
		o := casework.Order{Department: g.in.Department, CityLevel: true, Limit: h.limit, Asked: casework.Asked{Extra: g.in.Extra}, OnDuty: duty}
		if _, err := c.Apply(g.action, g.in.By, now, rules, o); err != nil {
			e, _ := errs.As(err)
			return c, e.Code
		}
		return c, ""
	}
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, len(shared))
			for _, op := range history {
				i := slices.IndexFunc(shared, func(c *casework.Case) bool { return c.Number == number(op) })
				parts[i] = append(parts[i], op)
			}
			return parts
		},
		Init: func() any { return (*casework.Case)(nil) },
		Step: func(state, input, output any) (bool, any) {
			g, _ := input.(given)
			out, _ := output.(answered)
			before, _ := state.(*casework.Case)
			c := first[g.in.Number]
			if before != nil {
				c = *before
			}
			after, code := apply(c, g)
			if out.c == nil {
				busy := out.code == casework.ErrStale.Code && g.in.Version == 0 // gave way to others too often
				return busy || code == out.code, &c
			}
			return code == "" && after.Version == out.c.Version && sameState(after, *out.c), &after
		},
		Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
	}
}

func number(op porcupine.Operation) string {
	g, _ := op.Input.(given)
	return g.in.Number
}

// told prints a history for whoever has to find out why.
func told(history []porcupine.Operation) (out string) {
	for _, op := range history {
		g, _ := op.Input.(given)
		a, _ := op.Output.(answered)
		result := a.code
		if a.c != nil {
			result = fmt.Sprintf("%s at version %d", a.c.Stage, a.c.Version)
		}
		out += fmt.Sprintf("clerk %d, %d to %d: %s of %s by %d, version %d: %s\n", op.ClientId, op.Call, op.Return, g.action, g.in.Number, g.in.By.Account, g.in.Version, result)
	}
	return out
}

// NoticesALostUpdate fails unless the checker refuses a history in which two
// clerks both got the answer that only the first could get.
func NoticesALostUpdate(t *testing.T, open func(testing.TB) *gormx.DB) {
	h := &house{T: t, House: citytest.Build(t, open(t)), open: open}
	h.withoutShares()
	c := h.report()
	in := h.command(casework.ActionFile, c.Number)
	filed := h.must(h.do(casework.ActionFile, in))
	twice := []porcupine.Operation{
		{ClientId: 0, Input: given{casework.ActionFile, in}, Output: answered{c: filed}, Call: 1, Return: 2},
		{ClientId: 1, Input: given{casework.ActionFile, in}, Output: answered{c: filed}, Call: 1, Return: 2},
	}
	if porcupine.CheckOperations(h.model([]*casework.Case{c}), twice) {
		t.Error("the checker explains a lost update")
	}
}
