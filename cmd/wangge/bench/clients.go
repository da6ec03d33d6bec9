package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/tenant"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

const password = "bench-bench-bench" //nolint:gosec // of accounts that end with the benchmark

// scene is a served city with clients that are signed in to it.
type scene struct {
	*world
	*town
	base       string // address of the server
	clients    []*client
	grids      []grid.Grid
	conditions []catalog.Condition
	checkers   map[int64]string // sessions of the supervisors, by account
	tasks      int              // that arrivals have begun
	closers    []func() error
}

// scene builds a city, serves the platform on loopback and signs the
// clients in; it must be closed.
func (r *run) scene(ctx context.Context, city string) (*scene, error) {
	s := &scene{}
	if err := s.open(ctx, r, city); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *scene) open(ctx context.Context, r *run, city string) (err error) {
	if s.world, err = r.host.world(ctx, r.engine); err != nil {
		return err
	}
	s.closers = append(s.closers, s.world.Close)
	if s.town, err = s.build(ctx, city, r.cityGrids, crew*len(staffed)); err != nil {
		return err
	}
	s.closers = append(s.closers, s.raw.Close)
	handler, err := s.Handler(app.ServeOptions{})
	if err != nil {
		return err
	}
	if s.base, err = s.serve(ctx, handler); err != nil {
		return err
	}
	return s.Cities.Use(ctx, s.id, func(city *tenant.City) error { return s.people(ctx, city, r.clients) })
}

// people reads what clients choose from, lets everybody accept the invitation
// and signs the clients in.
func (s *scene) people(ctx context.Context, city *tenant.City, clients int) (err error) {
	if s.grids, err = city.Grids.Grids(ctx); err != nil {
		return err
	}
	if s.conditions, err = city.Catalogue.Conditions(ctx); err != nil {
		return err
	}
	for _, i := range s.invitations {
		if err := city.Accounts.Accept(ctx, i.Token, password); err != nil {
			return err
		}
	}
	return s.signIn(ctx, clients)
}

// Close ends everything in reverse.
func (s *scene) Close() error {
	var failed []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		failed = append(failed, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(failed...)
}

// serve serves handler on loopback until the scene is closed.
func (s *scene) serve(ctx context.Context, handler http.Handler) (base string, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	s.closers = append(s.closers, server.Close)
	return "http://" + l.Addr().String(), nil
}

// twin makes the city's twin for the floor; it is closed with the scene.
func (s *scene) twin(ctx context.Context, workers int) (*rawCases, error) {
	t, err := s.world.twin(ctx, s.raw)
	if err != nil {
		return nil, err
	}
	db, err := t.open(s.world, workers)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, db.Close)
	return newRawCases(ctx, db)
}

// client is a worker at a desk of each post it needs.
type client struct {
	http     *http.Client
	sessions map[org.Role]string // cookies
	unit     string              // of its handler
	random   *rand.Rand
	keys     int
	name     string
}

func (s *scene) signIn(ctx context.Context, n int) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * n, DisableCompression: true}
	s.closers = append(s.closers, func() error { transport.CloseIdleConnections(); return nil })
	s.checkers = map[int64]string{}
	for i := range max(n, crew) { // whoever may be drawn for a check on site
		c := newClient(&http.Client{Transport: transport}, i)
		for _, post := range staffed {
			session := s.base + "/api/cities/" + s.id.String() + "/session"
			cookie, err := c.signIn(ctx, session, login(post.login, i%crew))
			if err != nil {
				return err
			}
			c.sessions[post.role] = cookie
			if post.role == org.Supervisor {
				var me struct{ Account int64 }
				if err := c.call(ctx, cookie, "GET", session, nil, &me); err != nil {
					return err
				}
				s.checkers[me.Account] = cookie
			}
		}
		if i < n {
			s.clients = append(s.clients, c)
		}
	}
	return nil
}

func newClient(via *http.Client, i int) *client {
	return &client{
		http: via, sessions: map[org.Role]string{}, unit: units[i%crew%len(units)],
		random: rand.New(rand.NewPCG(uint64(i), 1)), name: fmt.Sprint(i), //nolint:gosec // a load, not a secret
	}
}

// twin is the same worker once more, for a task of its own.
func (c *client) twin(i int) *client {
	t := newClient(c.http, i)
	t.sessions, t.unit = c.sessions, c.unit
	return t
}

func (c *client) signIn(ctx context.Context, address, login string) (cookie string, err error) {
	var answer *http.Response
	err = c.send(ctx, "POST", address, "", map[string]string{"login": login, "password": password}, func(r *http.Response) error {
		answer = r
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, k := range answer.Cookies() {
		cookie = k.Name + "=" + k.Value
	}
	return cookie, nil
}

// call sends a request in a session and reads the answer into out.
func (c *client) call(ctx context.Context, cookie, method, address string, body, out any) error {
	return c.send(ctx, method, address, cookie, body, func(answer *http.Response) error {
		return json.NewDecoder(answer.Body).Decode(out)
	})
}

// send sends a request; an answer that is not a success is an error. Commands
// carry a key of their own, as a browser's do.
func (c *client) send(ctx context.Context, method, address, cookie string, body any, read func(*http.Response) error) (err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		c.keys++
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", fmt.Sprintf("bench-%s-%d", c.name, c.keys))
	}
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		problem, _ := io.ReadAll(answer.Body) // the status is enough
		return fmt.Errorf("%s %s: %s %s", method, address, answer.Status, problem)
	}
	if err := read(answer); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	return err
}

// found is what a client reads of a case.
type found struct {
	Number string `json:"number"`
	Stage  string `json:"stage"`
	// Checker is the account drawn for the check on site.
	Checker int64 `json:"checker"`
}

// report reports something somewhere in the city.
func (c *client) report(ctx context.Context, s *scene, base string) (f found, err error) {
	place := s.grids[c.random.IntN(len(s.grids))].Inside()
	condition := s.conditions[c.random.IntN(len(s.conditions))]
	return f, c.call(ctx, c.sessions[org.Supervisor], "POST", base+"/api/cities/"+s.id.String()+"/cases", map[string]any{
		"channel": "supervisor", "condition": condition.Code, "description": describe(condition), "address": "示例路口东南角", "lon": place.Lon, "lat": place.Lat,
	}, &f)
}

func describe(c catalog.Condition) string { return c.Kind.Name + "：" + c.Filing }

// move gives a command on a case in a session, and checks that the case has
// come to the stage.
func (c *client) move(ctx context.Context, s *scene, base, number, action, cookie string, body map[string]any, stage string) (f found, err error) {
	if err := c.call(ctx, cookie, "POST", base+"/api/cities/"+s.id.String()+"/cases/"+number+"/"+action, body, &f); err != nil {
		return f, err
	}
	if f.Stage != stage {
		return f, fmt.Errorf("%w: %s ended at %q", errCount, action, f.Stage)
	}
	return f, nil
}

// timed adds what do took to the laps.
func timed(laps *[]float64, do func() error) error {
	began := time.Now()
	err := do()
	*laps = append(*laps, since(began))
	return err
}
