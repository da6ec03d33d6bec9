// Command wangge is the whole platform in one binary: it serves, provisions
// cities, tells a demonstration's story, measures itself and prints its own
// documents. What each command does is beside this file; how the parts are put
// together is in package app.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"

	"wangge/billing"
	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/platform/ranking"
	"wangge/platform/review"
)

// version is set by the linker.
var version = "dev"

// The exit codes.
const (
	exitFailed      = 1   // something of ours or of the environment
	exitRefused     = 2   // what was given is not good; nothing was written
	exitInterrupted = 130 // ended by a signal before it was done
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// streams are where a command prints: what was asked for to out, everything
// about the way there to err.
type streams struct{ out, err io.Writer }

// together lets several write at once: what one writes stays in one piece.
func (s streams) together() streams {
	var one sync.Mutex
	return streams{&turns{one: &one, to: s.out}, &turns{one: &one, to: s.err}}
}

// turns lets writers take turns.
type turns struct {
	one *sync.Mutex
	to  io.Writer
}

func (t *turns) Write(p []byte) (int, error) {
	t.one.Lock()
	defer t.one.Unlock()
	return t.to.Write(p)
}

// place says where the platform keeps its data; every command that opens it
// has these flags.
type place struct {
	vaultPlace  `embed:""`
	Data        string            `help:"folder of keys, files and SQLite databases" default:"data" env:"WANGGE_DATA" type:"path"`
	Postgres    string            `help:"connection string of the serving role; empty: SQLite" env:"WANGGE_POSTGRES" placeholder:"DSN"`
	Provisioner string            `name:"postgres-admin" help:"connection string of the provisioning role, to build cities on PostgreSQL" env:"WANGGE_POSTGRES_ADMIN" placeholder:"DSN"`
	ServerAdmin map[string]string `name:"server-admin" help:"provisioning roles of the other servers, by name" env:"WANGGE_SERVER_ADMINS" placeholder:"NAME=DSN;…"`
	Blobs       string            `help:"file store, such as s3://bucket?region=…&endpoint=…; empty: a folder under the data" env:"WANGGE_BLOBS" placeholder:"URL"`
	Issuer      string            `help:"who publishes the reports, such as the provincial department" env:"WANGGE_ISSUER"`
	Protocol    string            `help:"the province's ranking protocol (JSON) in place of the example" env:"WANGGE_PROTOCOL" type:"path" placeholder:"FILE"`
	Rubric      string            `help:"the province's rubric of acceptance (YAML) in place of the template" env:"WANGGE_RUBRIC" type:"path" placeholder:"FILE"`
	Tariff      string            `help:"the province's tariff (JSON) in place of the example" env:"WANGGE_TARIFF" type:"path" placeholder:"FILE"`
}

func (p place) config() (cfg app.Config, err error) {
	cfg = app.Config{Data: p.Data, Postgres: p.Postgres, Provisioner: p.Provisioner, Provisioners: p.ServerAdmin, Blobs: p.Blobs, Issuer: p.Issuer}
	if cfg.Vault, err = p.vaultPlace.config(); err != nil {
		return app.Config{}, err
	}
	if cfg.Protocol, err = read(p.Protocol, ranking.LoadProtocol); err != nil {
		return app.Config{}, err
	}
	if cfg.Rubric, err = read(p.Rubric, review.LoadRubric); err != nil {
		return app.Config{}, err
	}
	cfg.Tariff, err = read(p.Tariff, billing.LoadTariff)
	return cfg, err
}

// read loads what the province puts in the place of an example; nil without a path.
func read[T any](path string, load func(r io.Reader, file string) (T, error)) (*T, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, errs.Problems(errs.Problem{File: path, Zh: "文件不存在或无法读取", En: "the file is missing or can't be read"})
	}
	defer file.Close()
	loaded, err := load(file, filepath.Base(path))
	return &loaded, err
}

// commands is the command line.
type commands struct {
	Serve    serveCommand     `cmd:"" help:"serve the province and its cities / 启动服务"`
	Demo     demoCommand      `cmd:"" help:"a sample province: its cities, months of work, a ranking, two acceptances / 示例省份"`
	City     cityCommand      `cmd:"" help:"plan, build and look at cities / 城市的规划、建设与查看"`
	Migrate  migrateCommand   `cmd:"" help:"bring the cities' tables to this version's level, wave by wave / 分批升级数据表"`
	Jobs     jobsCommand      `cmd:"" help:"when jobs are due and how their newest runs went / 定时任务的运行记录"`
	Division divisionCommand  `cmd:"" help:"look up administrative divisions by code or name / 查询行政区划"`
	Database databaseCommand  `cmd:"" help:"prepare a PostgreSQL database / 准备 PostgreSQL 数据库"`
	Server   serverCommand    `cmd:"" help:"the PostgreSQL servers where cities live / 城市所在的服务器"`
	Vault    vaultCommand     `cmd:"" help:"keys and database logins in HashiCorp Vault / 密钥服务器 Vault"`
	Bench    benchCommand     `cmd:"" help:"measure the platform against the rawest way of doing the same / 性能测量"`
	OpenAPI  openAPICommand   `cmd:"" name:"openapi" help:"print the API document / 输出接口文档"`
	Docs     docsCommand      `cmd:"" help:"write the documents made from the code's own tables / 生成文档"`
	Version  kong.VersionFlag `help:"print the version"`
}

// run does one command and returns its exit code.
func run(ctx context.Context, args []string, out, err io.Writer) int {
	var cli commands
	code := -1
	parser := kong.Must(&cli,
		kong.Name("wangge"), kong.Description("网格 Wangge · 数字化城市管理平台 / digital urban management for a province and its cities"),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version}, kong.Writers(out, err), kong.Exit(func(c int) { code = c }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(streams{out, err}),
	)
	command, parseErr := parser.Parse(args)
	if code >= 0 { // help or version was printed
		return code
	}
	if parseErr != nil {
		fmt.Fprintln(err, "命令行有误 / bad command line:", parseErr)
		return exitRefused
	}
	failed := command.Run()
	if failed != nil && ctx.Err() != nil {
		fmt.Fprintln(err, "已中断，可再次执行 / interrupted; it can be run again")
		return exitInterrupted
	}
	return exitCode(err, failed)
}

// exitCode prints what went wrong in both languages and says how to end.
func exitCode(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	shown, ok := errs.As(err)
	if !ok {
		fmt.Fprintln(w, "wangge:", err)
		return exitFailed
	}
	fmt.Fprintf(w, "%s / %s\n", shown.Zh, shown.En)
	for _, p := range shown.Problems {
		fmt.Fprintln(w, "  "+p.String())
	}
	switch shown.Kind {
	case errs.Invalid, errs.NotFound, errs.Conflict, errs.Forbidden:
		return exitRefused
	}
	fmt.Fprintln(w, "  "+err.Error())
	return exitFailed
}
