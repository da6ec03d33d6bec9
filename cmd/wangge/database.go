package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"

	"wangge/internal/errs"
	"wangge/provisioning/postgres"
)

type databaseCommand struct {
	Init databaseInit `cmd:"" help:"make the roles and the schema of the platform in an empty PostgreSQL database; run it as a superuser"`
}

type databaseInit struct {
	Superuser string `help:"connection string of a superuser" env:"WANGGE_POSTGRES_SUPERUSER" placeholder:"DSN" required:""`
	Out       string `short:"o" help:"file to write the two connection strings to, readable by you alone" required:"" type:"path"`
}

// Run prepares the database and writes the connection strings of its two
// roles, whose passwords are made here, as lines for an environment file.
func (c databaseInit) Run(ctx context.Context, s streams) error {
	server, err := url.Parse(c.Superuser)
	if err != nil || server.Host == "" || len(server.Path) < 2 {
		return errs.Field("--superuser", "须为 postgres://用户:密码@主机/数据库", "must be postgres://user:password@host/database")
	}
	file, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errs.Field("--out", "文件已存在或无法写入："+c.Out, "the file exists or can't be written: "+c.Out)
	}
	defer file.Close()
	platform, provisioner := rand.Text(), rand.Text()
	if err := postgres.Init(ctx, c.Superuser, platform, provisioner); err != nil {
		_ = os.Remove(c.Out)
		return err
	}
	dsn := func(role, password string) string {
		u := *server
		u.User = url.UserPassword(role, password)
		return u.String()
	}
	_, err = fmt.Fprintf(file, "WANGGE_POSTGRES=%s\nWANGGE_POSTGRES_ADMIN=%s\n",
		dsn(postgres.PlatformRole, platform), dsn(postgres.ProvisionerRole, provisioner))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "已写入 written to %s；WANGGE_POSTGRES_ADMIN 只供 city apply 使用 is for city apply only\n", c.Out)
	return file.Sync()
}
