//go:build !unix

package secrets

// locked runs fn: without a lock that ends with its holder nothing is swept,
// and a killed process may leave a file aside, which nobody reads.
func (f *folder) locked(fn func() error) error { return fn() }
