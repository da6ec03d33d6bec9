package limit

import (
	"sync"
	"time"
)

// Register holds the cities of a server with their limits. It is safe for
// concurrent use.
type Register struct {
	defaults Limits
	now      func() time.Time

	mu     sync.Mutex
	own    map[string]Limits
	cities map[string]*City
}

// NewRegister holds cities to the defaults until Set says otherwise.
func NewRegister(defaults Limits, now func() time.Time) *Register {
	return &Register{defaults: defaults, now: now, cities: map[string]*City{}}
}

// City is the city of a code.
func (r *Register) City(code string) *City {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.cities[code]
	if !ok {
		c = NewCity(r.defaults.With(r.own[code]), r.now)
		r.cities[code] = c
	}
	return c
}

// Set tells which cities there are, each with the limits of its own. What was
// asked for under any other code is forgotten.
func (r *Register) Set(own map[string]Limits) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = own
	for code, city := range r.cities {
		if limits, known := own[code]; known {
			city.Set(r.defaults.With(limits))
		} else {
			delete(r.cities, code)
		}
	}
}
