// Command ensure prints the folder of PostgreSQL's programs for the tests,
// which it installs when they are missing and it may.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"wangge/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := pgserver.Ensure(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
	fmt.Println(dir)
}
