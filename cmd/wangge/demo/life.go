package demo

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// life is what happens in one city: events in order of their time. Everything
// is drawn from the city's own random numbers, so that a seed tells the same
// story whichever cities run beside it.
type life struct {
	*town
	random *rand.Rand
	queue  events
	events int64 // numbered, so that two of one instant keep their order
	cases  int

	places     []grid.Grid
	names      map[string]string              // of communities, by code
	conditions map[string][]catalog.Condition // by class
	classes    []string                       // weighted: drawn with equal chance
	crew       map[org.Role][]casework.Actor
	handlers   map[string]casework.Actor // by department
}

// event is something that somebody does at a time.
type event struct {
	at  time.Time
	n   int64
	act func(ctx context.Context, city *tenant.City) error
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].n < e[j].n
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) } //nolint:errcheck,forcetypeassert // the heap's own kind
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// share is how many of a hundred cases are of a class.
var share = []struct {
	class string
	of100 int
}{{"01", 13}, {"02", 6}, {"03", 7}, {"04", 4}, {"05", 1}, {"06", 37}, {"07", 6}, {"08", 7}, {"09", 18}, {"10", 1}}

// begin reads what the city is made of.
func begin(ctx context.Context, t *town, city *tenant.City) (l *life, err error) {
	l = &life{
		town: t, random: rand.New(rand.NewPCG(t.seed, 2)), //nolint:gosec // a story, not a secret
		names: map[string]string{}, conditions: map[string][]catalog.Condition{},
		crew: map[org.Role][]casework.Actor{}, handlers: map[string]casework.Actor{},
	}
	if l.places, err = city.Grids.Grids(ctx); err != nil {
		return nil, err
	}
	for _, g := range l.places {
		if l.names[g.Code.Community()] != "" {
			continue
		}
		list, err := city.Divisions.Under(ctx, g.Code.Street())
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			l.names[d.Code] = d.Name
		}
	}
	conditions, err := city.Catalogue.Conditions(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range conditions {
		l.conditions[c.Kind.Class] = append(l.conditions[c.Kind.Class], c)
	}
	for _, s := range share {
		if len(l.conditions[s.class]) > 0 && (!t.weak || unitOf(s.class) != idle) {
			l.classes = append(l.classes, slices.Repeat([]string{s.class}, s.of100)...)
		}
	}
	return l, l.hire(ctx, city)
}

// idle is the department to which a weak city never dispatches.
const idle = "YL"

func unitOf(class string) string {
	for _, u := range units {
		if slices.Contains(u.classes, class) {
			return u.code
		}
	}
	return units[0].code
}

// hire finds who holds which post.
func (l *life) hire(ctx context.Context, city *tenant.City) error {
	held, err := city.Org.Holders(ctx)
	if err != nil {
		return err
	}
	for _, h := range held {
		by := casework.Actor{Account: h.Account, Role: string(h.Role), Department: h.Department}
		l.crew[h.Role] = append(l.crew[h.Role], by)
		if h.Role == org.DepartmentHandler {
			l.handlers[h.Department] = by
		}
	}
	return nil
}

func (l *life) one(r org.Role) casework.Actor { return l.crew[r][l.random.IntN(len(l.crew[r]))] }

func (l *life) chance(p float64) bool { return l.random.Float64() < p }

// minutes draws a waiting time with this mean.
func (l *life) minutes(mean float64) time.Duration {
	return time.Duration(l.random.ExpFloat64() * mean * float64(time.Minute)).Truncate(time.Second)
}

// slack is how far the city is from working well, 0 to 1.
func (l *life) slack() float64 { return 1 - l.quality }

func (l *life) at(t time.Time, act func(ctx context.Context, city *tenant.City) error) {
	l.events++
	heap.Push(&l.queue, event{t, l.events, act})
}

// month puts the reports of a month into the queue: more on working days than
// at weekends, most in the morning and the afternoon.
func (l *life) month(first time.Time, until time.Time) {
	end := first.AddDate(0, 1, 0)
	n := int(math.Round(l.volume * (0.97 + 0.06*l.random.Float64())))
	for range n {
		t := l.moment(first, end)
		if t.Before(until) {
			l.at(t, l.report)
		}
	}
}

// moment draws an instant of a month at which somebody reports.
func (l *life) moment(first, end time.Time) time.Time {
	for {
		day := first.AddDate(0, 0, l.random.IntN(int(end.Sub(first).Hours()/24+0.5)))
		if weekday := day.Weekday(); (weekday == time.Saturday || weekday == time.Sunday) && l.chance(0.4) {
			continue
		}
		hour := 7.5 + 5*l.random.Float64()
		if l.chance(0.45) {
			hour = 13.5 + 6*l.random.Float64()
		}
		return day.Add(time.Duration(hour * float64(time.Hour)).Truncate(time.Second))
	}
}

// run lets everything happen that is due before until.
func (l *life) run(ctx context.Context, city *tenant.City, until time.Time) error {
	for len(l.queue) > 0 && l.queue[0].at.Before(until) {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, ok := heap.Pop(&l.queue).(event)
		if !ok {
			return errors.New("the queue holds events only")
		}
		l.clock.set(e.at)
		if err := e.act(ctx, city); err != nil {
			return fmt.Errorf("%s at %s: %w", l.Name, e.at.Format(time.RFC3339), err)
		}
	}
	l.clock.set(until)
	return nil
}

// report opens a case and lets the centre look at it.
func (l *life) report(ctx context.Context, city *tenant.City) error {
	list := l.conditions[l.classes[l.random.IntN(len(l.classes))]]
	condition := list[l.random.IntN(len(list))]
	place := l.places[l.random.IntN(len(l.places))]
	name := l.names[place.Code.Community()]
	in := casework.ReportInput{
		By: l.one(org.Supervisor), Channel: casework.ChannelSupervisor, Condition: condition.Code,
		Description: name + "附近" + strings.TrimSuffix(condition.Kind.Name, "异常") + "：" + condition.Filing,
		Address:     name + place.Name, Place: place.Inside(),
	}
	if who := l.random.Float64(); who < 0.22 {
		in.Channel, in.By = casework.ChannelHotline, l.one(org.IntakeClerk)
		if who < 0.08 {
			in.Channel = casework.ChannelCitizen
		}
		in.Reporter = casework.Reporter{Name: "来电市民", Phone: fmt.Sprintf("1390000%04d", l.random.IntN(10000))}
	}
	c, err := city.Cases.Report(ctx, in)
	if err != nil {
		return err
	}
	l.cases++
	wait := l.minutes(14 + 30*l.slack())
	if l.chance(0.22 * l.slack()) {
		wait += 2*time.Hour + l.minutes(90)
	}
	l.at(l.clock.Now().Add(wait), l.file(c.Number, condition, in.Channel))
	return nil
}

// file accepts the report or declines it.
func (l *life) file(number string, condition catalog.Condition, channel casework.Channel) func(context.Context, *tenant.City) error {
	return func(ctx context.Context, city *tenant.City) error {
		chief := l.one(org.ShiftLeader)
		refuse := 0.02
		if channel.Public() {
			refuse = 0.08
		}
		if l.chance(refuse) {
			_, err := city.Cases.Do(ctx, casework.ActionDecline, casework.Command{Number: number, By: chief, Note: "现场核实，不符合立案条件"})
			return err
		}
		if _, err := city.Cases.Do(ctx, casework.ActionFile, casework.Command{Number: number, By: chief}); err != nil {
			return err
		}
		l.at(l.clock.Now().Add(l.minutes(12+25*l.slack())), l.dispatch(number, condition))
		return nil
	}
}

func (l *life) dispatch(number string, condition catalog.Condition) func(context.Context, *tenant.City) error {
	return func(ctx context.Context, city *tenant.City) error {
		unit := unitOf(condition.Kind.Class)
		c, err := city.Cases.Do(ctx, casework.ActionDispatch, casework.Command{Number: number, By: l.one(org.Dispatcher), Department: unit})
		if err != nil {
			return err
		}
		l.work(c)
		return nil
	}
}

// work is when a department will have handled what it was given: most within
// the limit, some late, and in a poor city a few not within the story.
func (l *life) work(c *casework.Case) {
	now := l.clock.Now()
	limit := c.Handling.Due.Sub(now)
	if limit < time.Hour {
		limit = time.Hour
	}
	var done time.Time
	switch {
	case l.chance(0.05 * l.slack()):
		return // lies there
	case l.chance(0.015 + 0.24*l.slack()):
		done = now.Add(limit).Add(time.Duration(l.random.ExpFloat64() * 0.5 * float64(min(limit, 48*time.Hour)))).Add(time.Minute)
	default:
		part := (0.12 + 0.8*l.random.Float64()*(0.6+0.4*l.random.Float64()))
		done = now.Add(time.Duration(part * float64(limit)))
	}
	l.at(done.Truncate(time.Second), l.handle(c.Number, c.Department))
}

func (l *life) handle(number, department string) func(context.Context, *tenant.City) error {
	return func(ctx context.Context, city *tenant.City) error {
		c, err := city.Cases.Do(ctx, casework.ActionHandle, casework.Command{Number: number, By: l.handlers[department], Note: "已处置完毕"})
		if err != nil {
			return err
		}
		l.at(l.daytime(l.clock.Now().Add(l.minutes(70+160*l.slack()))), l.verify(number, c.Checker))
		return nil
	}
}

// daytime moves an instant of the night to the next morning's patrol.
func (l *life) daytime(t time.Time) time.Time {
	local := t.In(app.Zone)
	hour := local.Hour()
	if hour >= 7 && hour < 21 {
		return t
	}
	morning := time.Date(local.Year(), local.Month(), local.Day(), 7, 30, 0, 0, app.Zone)
	if hour >= 21 {
		morning = morning.AddDate(0, 0, 1)
	}
	return morning.Add(l.minutes(40))
}

// verify passes the result or sends it back; drawn is who was drawn to look.
func (l *life) verify(number string, drawn int64) func(context.Context, *tenant.City) error {
	return func(ctx context.Context, city *tenant.City) error {
		by := l.one(org.Supervisor)
		if drawn != 0 {
			by.Account = drawn
		}
		if l.chance(0.012 + 0.11*l.slack()) {
			c, err := city.Cases.Do(ctx, casework.ActionRework, casework.Command{Number: number, By: by, Note: "现场仍有残留，未达到结案条件"})
			if err != nil {
				return err
			}
			again := time.Duration((0.15 + 0.35*l.random.Float64()) * float64(max(c.Handling.Due.Sub(c.DispatchedAt), time.Hour)))
			l.at(l.clock.Now().Add(min(again, 36*time.Hour).Truncate(time.Second)), l.handle(number, c.Department))
			return nil
		}
		if _, err := city.Cases.Do(ctx, casework.ActionVerify, casework.Command{Number: number, By: by}); err != nil {
			return err
		}
		l.at(l.clock.Now().Add(l.minutes(25+60*l.slack())), l.close(number))
		return nil
	}
}

func (l *life) close(number string) func(context.Context, *tenant.City) error {
	return func(ctx context.Context, city *tenant.City) error {
		_, err := city.Cases.Do(ctx, casework.ActionClose, casework.Command{Number: number, By: l.one(org.ShiftLeader)})
		return err
	}
}

// errNoCities refuses a province whose cities can't be drawn.
var errNoCities = errs.New(errs.Invalid, "no_demo_cities", "省级代码 %s 下没有可以演示的城市", "the province %s has no city that the demonstration could draw")
