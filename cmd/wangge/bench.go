package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"wangge/cmd/wangge/bench"
	"wangge/internal/errs"
	"wangge/internal/gormx"
)

type benchCommand struct {
	Name       string  `arg:"" optional:"" help:"provision, bigcity, migrate, archive, registered, neighbour, intake, lifecycle, load, locate or authorize"`
	Engine     string  `help:"sqlite or postgres; a PostgreSQL is started for it" default:"sqlite" enum:"sqlite,postgres"`
	All        bool    `help:"every benchmark on both engines"`
	Write      string  `help:"with --all: the page to write" type:"path" placeholder:"FILE"`
	Seconds    float64 `help:"how long to measure, for each benchmark" default:"20"`
	Rounds     int     `help:"rounds in which ours and the floor take turns" default:"5"`
	JSON       bool    `name:"json" help:"print JSON"`
	CPUProfile string  `name:"cpuprofile" hidden:"" type:"path"`
}

func (c benchCommand) check() error {
	var faults []errs.Problem
	if (c.Name == "") != c.All {
		list := strings.Join(bench.Names(), ", ")
		faults = append(faults, errs.Problem{Field: "name", Zh: "须指明一个测量项目或 --all，可选：" + list, En: "name one benchmark, or --all: " + list})
	}
	if c.Write != "" && !c.All {
		faults = append(faults, errs.Problem{Field: "--write", Zh: "须与 --all 同用", En: "goes with --all"})
	}
	return errs.Problems(faults...)
}

// Run measures and prints what it found.
func (c benchCommand) Run(ctx context.Context, s streams) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	// Requests are logged as by serve, into the void; what is wrong is shown.
	slog.SetDefault(slog.New(slog.NewMultiHandler(slog.NewJSONHandler(io.Discard, nil),
		slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	stop, err := c.profile()
	if err != nil {
		return err
	}
	defer stop()
	host := bench.NewHost()
	defer func() { err = errors.Join(err, host.Close()) }()
	o := bench.Options{Seconds: c.Seconds, Rounds: c.Rounds}
	if c.All {
		return c.all(ctx, s, host, o)
	}
	result, err := host.Run(ctx, c.Name, gormx.Engine(c.Engine), o)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, result)
	}
	return result.Print(s.out)
}

// all runs every benchmark on both engines and writes the page.
func (c benchCommand) all(ctx context.Context, s streams, host *bench.Host, o bench.Options) error {
	if c.Write != "" {
		if err := os.MkdirAll(filepath.Dir(c.Write), 0o755); err != nil {
			return err
		}
	}
	var results []bench.Result
	for _, name := range bench.Names() {
		for _, engine := range bench.Engines() {
			result, err := host.Run(ctx, name, engine, o)
			if err != nil {
				return err
			}
			results = append(results, result)
			if err := result.Print(s.err); err != nil {
				return err
			}
		}
	}
	if c.Write != "" {
		machine, err := host.Machine(ctx)
		if err != nil {
			return err
		}
		var page bytes.Buffer
		if err := bench.Write(&page, machine, o, results); err != nil {
			return err
		}
		if err := os.WriteFile(c.Write, page.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(s.err, "已写入 written to", c.Write)
	}
	if c.JSON {
		return printJSON(s.out, results)
	}
	return nil
}

// profile writes a CPU profile until stop, when one was asked for.
func (c benchCommand) profile() (stop func(), err error) {
	if c.CPUProfile == "" {
		return func() {}, nil
	}
	f, err := os.Create(c.CPUProfile)
	if err != nil {
		return nil, err
	}
	stop = func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut short is seen by its reader
	}
	return stop, pprof.StartCPUProfile(f)
}
