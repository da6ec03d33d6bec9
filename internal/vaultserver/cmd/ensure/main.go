// Command ensure builds the Vault for the tests and prints where it is.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"wangge/internal/vaultserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := vaultserver.Ensure(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
	fmt.Println(path)
}
