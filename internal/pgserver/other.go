//go:build !linux

package pgserver

import "context"

// Server is never had outside Linux, where nothing promises that it dies with
// the process that started it.
type Server struct {
	port     int
	password string
}

// Start is refused with ErrNoPostgres.
func Start(ctx context.Context, _ Options) (*Server, error) {
	_, err := Ensure(ctx)
	return nil, err
}

// Stop does nothing.
func (s *Server) Stop() error { return nil }

// Ensure is refused with ErrNoPostgres.
func Ensure(context.Context) (binDir string, err error) {
	return "", ErrNoPostgres.With("a throw-away server is started on Linux only")
}
