package provisioningdb

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A holder is marked with the process it is: "name boot/namespace/pid/start".
// A process ID means something in one namespace of one boot only, and the start
// time tells a process from a later one of the same ID. Where the system
// doesn't say these, there is no mark.

// mark returns the mark of this process, to append to its name.
func mark() string {
	if where, start := here(), startOf(os.Getpid()); where != "" && start != "" {
		return fmt.Sprintf(" %s/%d/%s", where, os.Getpid(), start)
	}
	return ""
}

// unmark returns the name of a holder and whether it may still be alive: it is
// not when it was a process of this very system that has ended.
func unmark(holder string) (name string, alive bool) {
	name, mark, marked := strings.Cut(holder, " ")
	parts := strings.Split(mark, "/")
	if !marked || len(parts) != 4 || parts[0]+"/"+parts[1] != here() {
		return name, true
	}
	pid, err := strconv.Atoi(parts[2])
	return name, err != nil || startOf(pid) == parts[3]
}
