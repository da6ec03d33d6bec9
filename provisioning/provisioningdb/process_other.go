//go:build !linux

package provisioningdb

// here and startOf know nothing: the lock of a killed process ends by itself.
func here() string       { return "" }
func startOf(int) string { return "" }
