package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"wangge/cmd/wangge/app"
	"wangge/cmd/wangge/demo"
	"wangge/internal/errs"
)

type demoCommand struct {
	Province string `help:"two-digit code of any province" default:"13"`
	Cities   int    `help:"how many of its cities, at least 4; 0: all" default:"0"`
	Months   int    `help:"months of work, 1 to 12" default:"3"`
	Cases    int    `help:"reports of a city in a month, at least" default:"1080"`
	Seed     uint64 `help:"the same seed gives the same figures" default:"1"`
	Data     string `help:"an empty folder to keep the data in; without it they end with the demo" type:"path"`
	NoServe  bool   `name:"no-serve" help:"end with the story"`
	JSON     bool   `name:"json" help:"print what came of it as JSON"`
	Listen   string `help:"address to serve at" default:"127.0.0.1:8080" env:"WANGGE_LISTEN"`
}

// errNotEmpty keeps the demo out of a folder that holds something.
var errNotEmpty = errs.New(errs.Conflict, "folder_not_empty", "文件夹不为空：%s", "the folder is not empty: %s")

// Run tells the story, prints what came of it and serves it.
func (c demoCommand) Run(ctx context.Context, s streams) (err error) {
	data, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer remove()
	quiet(s.err)
	options := demo.Options{Province: c.Province, Cities: c.Cities, Months: c.Months, Cases: c.Cases, Seed: c.Seed}
	story, a, err := demo.Tell(ctx, options, data, s.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if c.JSON {
		if err := printJSON(s.out, story); err != nil {
			return err
		}
	} else {
		story.Print(s.out)
	}
	if c.NoServe {
		return nil
	}
	return app.Serve(ctx, a, app.ServeOptions{Listen: c.Listen}, func(address string) {
		story.PrintLogins(s.err, address)
	})
}

// folder is where the demo's data go, and what removes them afterwards.
func (c demoCommand) folder() (path string, remove func(), err error) {
	if c.Data == "" {
		path, err = os.MkdirTemp("", "wangge-demo-")
		return path, func() { _ = os.RemoveAll(path) }, err
	}
	found, err := filepath.Glob(filepath.Join(c.Data, "*"))
	if err != nil {
		return "", nil, err
	}
	if len(found) > 0 {
		return "", nil, errNotEmpty.With(c.Data)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", nil, fmt.Errorf("the demo's folder: %w", err)
	}
	return c.Data, func() {}, nil
}
