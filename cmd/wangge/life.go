package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/platform"
	"wangge/provisioning/archive"
	"wangge/provisioning/life"
	"wangge/tenant"
)

// lifeCommands are what happens to a city after it was built.
type lifeCommands struct {
	Recipient   cityRecipient   `cmd:"" help:"this platform's address to which a city's keys are handed over / 本平台的接收方公钥"`
	Export      cityExport      `cmd:"" help:"write a city's archive for another platform / 导出城市档案"`
	Verify      cityVerify      `cmd:"" help:"check an archive from its first byte to its last / 校验城市档案"`
	Import      cityImport      `cmd:"" help:"take a city in from an archive, all of it or nothing / 导入城市档案"`
	Backup      cityBackup      `cmd:"" help:"keep an archive of a city here, for restore / 备份城市"`
	Restore     cityRestore     `cmd:"" help:"set a city back to a backup; confirm or undo it afterwards / 还原城市"`
	Sandbox     citySandbox     `cmd:"" help:"copy a city to practise in, its people masked / 生成演练副本"`
	Move        cityMove        `cmd:"" help:"move a city to another PostgreSQL server while it is used; confirm it afterwards / 搬迁城市"`
	Suspend     citySuspend     `cmd:"" help:"take a city out of service; urgent reports are taken all the same / 暂停城市"`
	Resume      cityResume      `cmd:"" help:"put a city into service again / 恢复城市"`
	Delete      cityDelete      `cmd:"" help:"take a city out of service for ever; it is kept for a time / 注销城市"`
	Purge       cityPurge       `cmd:"" help:"destroy a deleted city, its files, backups and keys / 销毁已注销的城市"`
	Certificate cityCertificate `cmd:"" help:"print the certificate of deletion and key destruction / 打印销毁证明"`
}

// withLife runs fn on the open platform's life of cities, for one city.
func withLife(ctx context.Context, p place, code string, fn func(*life.Life, tenant.ID) error) error {
	id, err := tenant.ParseID(code)
	if err != nil {
		return err
	}
	return open(ctx, p, func(a *app.App) error {
		l, err := a.Life()
		if err != nil {
			return err
		}
		return fn(l, id)
	})
}

type cityRecipient struct{ place }

// Run prints the address; it is no secret.
func (c cityRecipient) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		to, err := a.Keeper.Recipient(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, to)
		return err
	})
}

type cityExport struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	To   string `required:"" help:"who can take it in, as wangge city recipient prints it there" placeholder:"RECIPIENT"`
	Out  string `short:"o" required:"" help:"the archive" type:"path" placeholder:"FILE"`
	JSON bool   `name:"json" help:"print the manifest as JSON"`
}

// Run writes the archive.
func (c cityExport) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		m, sum, err := l.Export(ctx, id, c.Out, secrets.Recipient(c.To))
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, m)
		}
		return printArchive(s, m, sum, c.Out)
	})
}

func printArchive(s streams, m archive.Manifest, sum, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "城市 city\t%s %s\n", m.City.Code, m.City.Name)
	fmt.Fprintf(w, "案卷 cases\t%d\n", m.Table("cases").Rows)
	fmt.Fprintf(w, "流转记录 steps\t%d\n", m.Journal.Steps)
	fmt.Fprintf(w, "文件 files\t%d\n", m.Files.Number)
	fmt.Fprintf(w, "数据表级别 level\t%d\n", m.Level)
	fmt.Fprintf(w, "内容校验和 content\t%s\n", m.Content)
	fmt.Fprintf(w, "总校验和 whole\t%s\n", sum)
	fmt.Fprintf(w, "大小 bytes\t%d\n", info.Size())
	if n := len(m.Files.Missing); n > 0 {
		fmt.Fprintf(w, "缺失文件 missing\t%d: %s …\n", n, m.Files.Missing[0])
	}
	return w.Flush()
}

type cityVerify struct {
	File string `arg:"" help:"the archive" type:"path"`
	Sum  string `help:"the whole checksum that the export printed" placeholder:"SHA256"`
}

// Run checks an archive; nothing is opened but the file.
func (c cityVerify) Run(ctx context.Context, s streams) error {
	a, err := archive.Open(ctx, c.File)
	if err != nil {
		return err
	}
	if err := sameSum(a, c.Sum); err != nil {
		return err
	}
	if err := a.Verify(ctx); err != nil {
		return err
	}
	return printArchive(s, a.Manifest, a.Sum, c.File)
}

// sameSum refuses another archive than the one whose checksum was told, which
// tells a forged one from one that was damaged.
func sameSum(a *archive.Archive, want string) error {
	if want != "" && !strings.EqualFold(a.Sum, want) {
		return errs.Field("--sum", "与档案的总校验和 "+a.Sum+" 不符", "is not the archive's: "+a.Sum)
	}
	return nil
}

type cityImport struct {
	place
	Code string `arg:"" help:"six-digit code of the city that the archive must be of"`
	File string `arg:"" help:"the archive" type:"path"`
	Sum  string `help:"the whole checksum that the export printed" placeholder:"SHA256"`
}

// Run takes the city in.
func (c cityImport) Run(ctx context.Context, s streams) error {
	if c.Sum != "" {
		a, err := archive.Open(ctx, c.File)
		if err == nil {
			err = sameSum(a, c.Sum)
		}
		if err != nil {
			return err
		}
	}
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		m, err := l.Import(ctx, id, c.File, progressTo(s.err, ""))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s %s 已导入并启用，内容校验和 %s / imported and in service, content checksum\n", c.Code, m.City.Name, m.Content)
		return err
	})
}

type cityBackup struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	Keep int    `help:"how many of the newest are kept" default:"14"`
	List bool   `help:"print the backups there are and make none"`
}

// Run makes a backup, or lists them.
func (c cityBackup) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		if c.List {
			list, err := l.Backups(id)
			for _, b := range list {
				fmt.Fprintf(s.out, "%s  %s  %d\n", strings.TrimSuffix(b.Name, filepath.Ext(b.Name)), moment(b.At), b.Bytes)
			}
			return err
		}
		b, m, err := l.Backup(ctx, id, c.Keep)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s 已备份 backed up: %s, %d bytes, content %s\n", c.Code, b.Name, b.Bytes, m.Content)
		return err
	})
}

type cityMove struct {
	place
	Code    string `arg:"" help:"six-digit code of the city"`
	To      string `xor:"what" required:"" help:"the server, as server list prints it; own for the platform's" placeholder:"NAME"`
	Confirm bool   `xor:"what" required:"" help:"drop what the last move has left on the server before"`
}

// Run moves a city, or ends a move.
func (c cityMove) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		if c.Confirm {
			if err := l.ConfirmMove(ctx, id); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.out, "%s 搬迁已确认，原有数据已删除 / confirmed: what was left is gone\n", c.Code)
			return err
		}
		m, err := l.Move(ctx, id, c.To)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%[1]s 已搬迁至“%[2]s”：%[3]d 张表 %[4]d 行核对一致，其中 %[5]d 行为复制期间写入；复制用时 %[6]s，停写 %[7]s。\n"+
			"原有数据保留至 wangge city move %[1]s --confirm / moved: %[3]d tables with %[4]d rows found equal, %[5]d of them written meanwhile; "+
			"copied in %[6]s, no writes for %[7]s; what was left is kept until confirmed\n",
			c.Code, c.To, m.Tables, m.Rows, m.Late, m.Copy.Round(time.Millisecond), m.Pause.Round(time.Millisecond))
		return err
	})
}

type cityRestore struct {
	place
	Code    string `arg:"" help:"six-digit code of the city"`
	Backup  string `arg:"" optional:"" help:"the backup, as backup --list prints it; the newest when left out"`
	Confirm bool   `xor:"end" help:"drop what the last restore has kept"`
	Undo    bool   `xor:"end" help:"put back what the last restore has kept"`
}

// Run restores a city, or ends a restore.
func (c cityRestore) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) (err error) {
		said := "%s 已确认，原有数据已删除 / confirmed, what was there before is gone\n"
		switch {
		case c.Confirm:
			err = l.Confirm(ctx, id)
		case c.Undo:
			said, err = "%s 已撤回还原 / the restore was undone\n", l.Undo(ctx, id)
		default:
			said = "%s 已还原；原有数据保留至 --confirm 或 --undo / restored; what was there is kept until --confirm or --undo\n"
			_, err = l.Restore(ctx, id, c.Backup)
		}
		if err == nil {
			_, err = fmt.Fprintf(s.out, said, c.Code)
		}
		return err
	})
}

type citySandbox struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	As   string `required:"" help:"six-digit code of the sandbox, which begins with 99"`
}

// Run copies a city to practise in.
func (c citySandbox) Run(ctx context.Context, s streams) error {
	as, err := tenant.ParseID(c.As)
	if err != nil {
		return err
	}
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		links, err := l.Sandbox(ctx, id, as, progressTo(s.err, ""))
		if err != nil {
			return err
		}
		for _, i := range links {
			fmt.Fprintf(s.out, "  %s %s  /invitation/%s\n", i.Login, i.Name, i.Token)
		}
		_, err = fmt.Fprintf(s.out, "%s 演练副本已启用，以上为管理员一次性链接 / the sandbox is in service; above are its administrators' one-time links\n", c.As)
		return err
	})
}

type citySuspend struct {
	place
	Code   string `arg:"" help:"six-digit code of the city"`
	Closed bool   `help:"nobody may even look; without it the city is read-only"`
	Reason string `required:"" help:"why, for the city's people to read"`
}

// Run suspends a city.
func (c citySuspend) Run(ctx context.Context, s streams) error {
	access := platform.ReadOnly
	if c.Closed {
		access = platform.Closed
	}
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		if err := l.Suspend(ctx, id, access, c.Reason); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s 已暂停（%s），紧急问题仍可上报 / suspended, urgent problems are still taken\n", c.Code, access)
		return err
	})
}

type cityResume struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
}

// Run resumes a city.
func (c cityResume) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		if err := l.Resume(ctx, id); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s 已恢复 / in service again\n", c.Code)
		return err
	})
}

type cityDelete struct {
	place
	Code   string `arg:"" help:"six-digit code of the city"`
	Reason string `required:"" help:"why, for the certificate"`
}

// Run deletes a city; it is kept until purge.
func (c cityDelete) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		if err := l.Delete(ctx, id, c.Reason); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s 已注销，数据保留，可用 resume 恢复 / deleted; its data is kept and resume brings it back\n", c.Code)
		return err
	})
}

type cityPurge struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	Keep int    `help:"days that must have gone by since it was deleted" default:"30"`
	Yes  bool   `help:"it can't be taken back: say so" required:""`
}

// Run destroys a deleted city and prints the certificate.
func (c cityPurge) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		proof, sealed, err := l.Purge(ctx, id, time.Duration(c.Keep)*24*time.Hour)
		if err != nil {
			return err
		}
		return printProof(s, proof, sealed)
	})
}

type cityCertificate struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	JSON bool   `name:"json" help:"print the sealed document as it is, to be checked elsewhere"`
}

// Run prints the certificate of a purged city.
func (c cityCertificate) Run(ctx context.Context, s streams) error {
	return withLife(ctx, c.place, c.Code, func(l *life.Life, id tenant.ID) error {
		proof, sealed, err := l.Proof(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, sealed)
		}
		return printProof(s, proof, sealed)
	})
}

func printProof(s streams, c life.Certificate, sealed life.Sealed) error {
	rows := 0
	for _, n := range c.Tables {
		rows += n
	}
	fmt.Fprintf(s.out, "数据与密钥销毁证明 / certificate of deletion and key destruction\n\n")
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "城市 city\t%s %s\n", c.City.Code, c.City.Name)
	fmt.Fprintf(w, "理由 reason\t%s\n", c.Reason)
	fmt.Fprintf(w, "注销 deleted\t%s\n", moment(c.LeftAt))
	fmt.Fprintf(w, "销毁 purged\t%s\n", moment(c.PurgedAt))
	fmt.Fprintf(w, "记录 rows\t%d (%d 张表 tables)\n", rows, len(c.Tables))
	fmt.Fprintf(w, "文件 files\t%d (%d bytes)\n", c.Files, c.FileBytes)
	fmt.Fprintf(w, "备份 backups\t%d\n", len(c.Backups))
	for _, k := range c.Keys {
		fmt.Fprintf(w, "密钥 key\t%s %s\n", k.ID, k.Algorithm)
	}
	fmt.Fprintf(w, "内容校验和 content\t%s\n", c.Content)
	fmt.Fprintf(w, "证明哈希 hash\t%s\n", sealed.Hash)
	return w.Flush()
}
