// Package errs gives an error a kind, a stable code and a message that the
// person who asked may read, in Chinese and English. The cause of an error is
// wrapped around it with fmt.Errorf and goes to the log only.
package errs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of failure an error is; internal/web turns it into a
// status and the command line into an exit code.
type Kind int

// The kinds. An error without a kind is Internal: ours to mend.
const (
	Internal Kind = iota
	Invalid
	NotFound
	Conflict
	Forbidden
	Unauthenticated
	TooMany
	Unavailable
)

// Error is a failure that may be shown.
type Error struct {
	Kind     Kind
	Code     string // stable, machine-readable, snake_case
	Zh, En   string
	Problems []Problem     // what is wrong where, for Invalid
	Retry    time.Duration // when it may go well, for TooMany; 0: not known
}

// Problem is one fault in what was sent: where it is and why it is refused.
type Problem struct {
	File  string `json:"file,omitempty"`
	Row   int    `json:"row,omitempty"` // 1-based; feature or line number
	Field string `json:"field,omitempty"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

// New makes an error with fixed messages; use it for package-level sentinels.
func New(kind Kind, code, zh, en string) *Error {
	return &Error{Kind: kind, Code: code, Zh: zh, En: en}
}

// With returns a copy of e whose messages are formatted with args. errors.Is
// still matches it with e, because matching is by code.
func (e *Error) With(args ...any) *Error {
	c := *e
	c.Zh, c.En = fmt.Sprintf(e.Zh, args...), fmt.Sprintf(e.En, args...)
	return &c
}

// After returns a copy of e that says when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.Retry = d
	return &c
}

// Error returns the English message and the problems, for logs and terminals.
func (e *Error) Error() string {
	if len(e.Problems) == 0 {
		return e.En
	}
	lines := []string{e.En}
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n  ")
}

// Is matches errors of the same code, whatever their messages carry.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// String prints a problem as "file:row field: 中文 / English".
func (p Problem) String() string {
	var where []string
	switch {
	case p.File != "" && p.Row > 0:
		where = append(where, fmt.Sprintf("%s:%d", p.File, p.Row))
	case p.File != "":
		where = append(where, p.File)
	case p.Row > 0:
		where = append(where, fmt.Sprintf("#%d", p.Row))
	}
	if p.Field != "" {
		where = append(where, p.Field)
	}
	if len(where) == 0 {
		return p.Zh + " / " + p.En
	}
	return strings.Join(where, " ") + ": " + p.Zh + " / " + p.En
}

// ErrInvalid is the code of every Problems error.
var ErrInvalid = New(Invalid, "invalid", "内容有误，未写入任何数据", "the input has faults; nothing was written")

// Problems returns nil when there are none, else an Invalid error listing them.
func Problems(problems ...Problem) error {
	if len(problems) == 0 {
		return nil
	}
	e := *ErrInvalid
	e.Problems = problems
	return &e
}

// Field is the Problems error of a single field of a request.
func Field(field, zh, en string) error {
	return Problems(Problem{Field: field, Zh: zh, En: en})
}

// As finds the showable error inside err; ok is false when there is none.
func As(err error) (e *Error, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

// KindOf returns the kind of err, Internal when it has none.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// String names the kind, for logs and ledgers.
func (k Kind) String() string {
	names := [...]string{"internal", "invalid", "not_found", "conflict", "forbidden", "unauthenticated", "too_many", "unavailable"}
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}
