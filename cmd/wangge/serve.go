package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"wangge/cmd/wangge/app"
)

type serveCommand struct {
	place
	Listen    string `help:"address to listen at" default:"127.0.0.1:8080" env:"WANGGE_LISTEN"`
	BehindTLS bool   `name:"behind-tls" help:"TLS ends before the server: harden the cookies" env:"WANGGE_BEHIND_TLS"`
	LogLevel  string `help:"debug, info, warn or error" default:"info" enum:"debug,info,warn,error" env:"WANGGE_LOG_LEVEL"`
}

// Run serves until it is told to end. The first start prints the one-time link
// with which the province's administrator sets a password.
func (c serveCommand) Run(ctx context.Context, s streams) (err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level})))
	cfg, err := c.config()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	token, err := a.EnsureProvinceAdmin(ctx)
	if err != nil {
		return err
	}
	return app.Serve(ctx, a, app.ServeOptions{Listen: c.Listen, TLS: c.BehindTLS, Jobs: true}, func(address string) {
		fmt.Fprintf(s.out, "网格 Wangge %s  http://%s/\n", version, address)
		if token != "" {
			fmt.Fprintf(s.out, "省级管理员 admin 尚无密码，请于七天内打开一次性链接设置 / set the province administrator's password by this one-time link:\n  http://%s/invitation/%s\n", address, token)
		}
	})
}

// quiet lets only what is wrong through, as text.
func quiet(w io.Writer) {
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn})))
}
