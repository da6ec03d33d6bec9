package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"wangge/cmd/wangge/app"
	"wangge/tenant"
)

var registered = benchmark{
	name: "registered", zh: "登记而未使用的城市", en: "registered cities that rest", first: "memory_mb", unit: "rounds",
	how: "A server with 340 cities in service of which ten are in use: for twenty minutes of its clock each of the ten lists its cases twice a minute, and the jobs of every minute, two, five and sixty run. " +
		"Then memory_mb is what the process holds after a collection, and connections those to PostgreSQL, or the open files on SQLite.",
	floor: "A server with ten cities, in turns with it in the same process.",
	do:    measureRegistered,
}

const (
	active  = 10 // cities in use
	minutes = 20 // of the server's clock, in a round
)

// hamlets is a platform of small cities, of which the first are in use.
type hamlets struct {
	*world
	late   time.Duration // the clock is ahead by this
	tokens []string      // cookies of the cities in use
	codes  []string
}

func measureRegistered(ctx context.Context, r *run) (err error) {
	few, err := r.hamlets(ctx, 0, active)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.Close()) }()
	many, err := r.hamlets(ctx, active, r.registered)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, many.Close()) }()
	// A round before the first lets the jobs look at every city once, and warms up.
	for round := range r.Rounds + 1 {
		for _, part := range []struct {
			h  *hamlets
			to series
		}{{few, r.floor}, {many, r.figures}} {
			if err := part.h.measure(ctx, part.to); err != nil {
				return err
			}
		}
		if round == 0 {
			clear(r.floor)
			clear(r.figures)
		} else {
			r.n++
		}
	}
	return nil
}

// hamlets builds so many cities, leaving out the first of the country: a city's
// role is the whole server's.
func (r *run) hamlets(ctx context.Context, skip, n int) (*hamlets, error) {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return nil, err
	}
	h := &hamlets{world: w}
	places := buildable(w.Atlas)
	list, err := w.settleAt(ctx, places[min(skip, len(places)):], n)
	for _, c := range list[:min(active, len(list))] {
		if err == nil {
			err = h.signIn(ctx, c.Code)
		}
	}
	if err == nil {
		err = w.App.Close()
		w.App = nil
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// signIn signs a dispatcher of a city in.
func (h *hamlets) signIn(ctx context.Context, code string) error {
	id, err := tenant.ParseID(code)
	if err != nil {
		return err
	}
	return h.Cities.Use(ctx, id, func(city *tenant.City) error {
		const post = "dispatcher01"
		list, _, err := city.Accounts.Accounts(ctx, 0, 200)
		if err != nil {
			return err
		}
		for _, account := range list {
			if account.Login != post {
				continue
			}
			link, err := city.Accounts.Invite(ctx, account.ID, time.Hour)
			if err == nil {
				err = city.Accounts.Accept(ctx, link, password)
			}
			if err != nil {
				return err
			}
			token, _, err := city.Accounts.SignIn(ctx, post, password)
			h.codes, h.tokens = append(h.codes, code), append(h.tokens, "wangge-"+code+"="+token)
			return err
		}
		return fmt.Errorf("%w: city %s has no dispatcher", errCount, code)
	})
}

// measure serves for a while and looks what that takes.
func (h *hamlets) measure(ctx context.Context, to series) (err error) {
	cfg := h.cfg
	cfg.Now = func() time.Time { return time.Now().Add(h.late) }
	if h.App, err = app.Open(ctx, cfg); err != nil {
		return err
	}
	s := &scene{world: h.world}
	defer func() {
		err = errors.Join(err, s.Close(), h.App.Close())
		h.App = nil
	}()
	handler, err := h.Handler(app.ServeOptions{})
	if err != nil {
		return err
	}
	if s.base, err = s.serve(ctx, handler); err != nil {
		return err
	}
	for minute := range minutes {
		h.late += time.Minute
		if err := h.minute(ctx, s, minute); err != nil {
			return err
		}
		if minute == minutes/2 { // nobody called the others for as long as makes the server close them
			if err := h.Cities.Rest(time.Now()); err != nil {
				return err
			}
		}
	}
	connections, err := h.connections(ctx)
	if err != nil {
		return err
	}
	memory, err := resident()
	to.add("memory_mb", memory)
	to.add("connections", connections)
	to.add("open_cities", float64(h.Cities.Open()))
	return err
}

// minute is what happens in a minute: requests, and the jobs that are due.
func (h *hamlets) minute(ctx context.Context, s *scene, minute int) error {
	for range 2 {
		for i, code := range h.codes {
			c := newClient(http.DefaultClient, i)
			var page struct{ Cases []found }
			if err := c.call(ctx, h.tokens[i], "GET", s.base+"/api/cities/"+code+"/cases", nil, &page); err != nil {
				return err
			}
		}
	}
	every := map[string]int{"watch": 1, "transfers": 2, "figures": 5, "harvest": 60}
	for _, job := range h.Jobs() {
		if n := every[job.Name]; n > 0 && minute%n == 0 {
			if err := job.Run(ctx, h.Config.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// connections counts those of the platform to PostgreSQL, or its open files.
func (h *hamlets) connections(ctx context.Context) (n float64, err error) {
	if h.admin == "" {
		files, err := os.ReadDir("/proc/self/fd")
		return float64(len(files)), err
	}
	conn, err := pgx.Connect(ctx, h.admin)
	if err != nil {
		return 0, err
	}
	err = conn.QueryRow(ctx, "SELECT COUNT(*)::float8 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&n)
	return n, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

// resident is how much memory the process holds, in MB, when what nobody needs
// was given back.
func resident() (float64, error) {
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("%w: the system does not tell the memory", errCount)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()) / (1 << 20), err
}
