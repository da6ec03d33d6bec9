package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"text/tabwriter"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/platform"
)

type serverCommand struct {
	Add  serverAdd  `cmd:"" help:"make a PostgreSQL server known, where cities may live / 登记服务器"`
	List serverList `cmd:"" help:"the servers where cities may live / 服务器名录"`
}

type serverAdd struct {
	place
	Name string `arg:"" help:"name of the server, of a-z, 0-9 and -"`
	At   string `required:"" help:"where it is, without a login: postgres://host:port/database" placeholder:"URL"`
}

var serverName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// Run makes a server known. What it is prepared with is `database init`.
func (c serverAdd) Run(ctx context.Context, s streams) error {
	if !serverName.MatchString(c.Name) || c.Name == platform.OwnServer {
		return errs.Field("name", "名称由小写字母、数字和连字符组成，以字母开头", "a name is of a-z, 0-9 and -, and begins with a letter")
	}
	at, err := url.Parse(c.At)
	switch {
	case err != nil || at.Scheme != "postgres" && at.Scheme != "postgresql" || at.Host == "" || len(at.Path) < 2:
		return errs.Field("--at", "须为 postgres://主机:端口/数据库", "must be postgres://host:port/database")
	case at.User != nil || at.Query().Has("user") || at.Query().Has("password"):
		return errs.Field("--at", "不得含用户名或密码：城市以各自的角色登录", "must not hold a login: each city has its own")
	}
	return open(ctx, c.place, func(a *app.App) error {
		if err := a.Registry.AddServer(ctx, platform.Server{Name: c.Name, At: c.At, AddedAt: time.Now()}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "服务器 %s 已登记；规格中以 server: %s 选用 / known; a spec chooses it by name\n", c.Name, c.Name)
		return err
	})
}

type serverList struct{ place }

// Run prints the servers.
func (c serverList) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		list, err := a.Registry.Servers(ctx)
		if err != nil {
			return err
		}
		cities, err := a.Registry.Cities(ctx)
		if err != nil {
			return err
		}
		living := map[string]int{}
		for _, city := range cities {
			living[city.Server]++
		}
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "名称 name\t位置 at\t城市 cities")
		fmt.Fprintf(w, "-\t平台自身 the platform's own\t%d\n", living[""])
		for _, server := range list {
			fmt.Fprintf(w, "%s\t%s\t%d\n", server.Name, server.At, living[server.Name])
		}
		return w.Flush()
	})
}
