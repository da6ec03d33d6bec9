package demo

import (
	"fmt"
	"io"
	"text/tabwriter"

	"wangge/platform/review"
)

var outcomes = map[review.Outcome]string{
	review.Passed: "通过 passed", review.Rectify: "整改后复验 to rectify", review.Failed: "不通过 failed",
}

// Print writes what came of the story for a person.
func (s *Story) Print(w io.Writer) {
	fmt.Fprintf(w, "\n%s：%d 个城市、%d 个月、%d 件案卷 / %d cities, %d months, %d cases\n",
		s.Province.Name, len(s.Cities), len(s.Months), s.Cases, len(s.Cities), len(s.Months), s.Cases)
	fmt.Fprintf(w, "\n%s 月度排名 monthly ranking\n", s.RankingOf)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	for _, r := range s.Ranking {
		if r.Rank == nil {
			fmt.Fprintf(t, "—\t%s\t\t  %s\n", r.Name, r.Reason)
			continue
		}
		fmt.Fprintf(t, "%d\t%s\t%.2f\t\n", *r.Rank, r.Name, *r.Score)
	}
	_ = t.Flush() // the writer's own errors are the terminal's
	fmt.Fprintf(w, "  SHA-256 %s\n", s.RankingHash)
	for _, a := range s.Acceptance {
		fmt.Fprintf(w, "\n验收 acceptance %s：%s，%.2f 分 points\n", a.Name, outcomes[a.Outcome], a.Total)
		for _, f := range a.Failing {
			fmt.Fprintf(w, "  %s %s / %s\n", f.Code, f.Name, f.En)
		}
	}
	var total int64
	for _, i := range s.Invoices {
		total += i.TotalFen
	}
	fmt.Fprintf(w, "\n账单 invoices：%d 张，共 %d.%02d 元 yuan\n", len(s.Invoices), total/100, total%100)
	fmt.Fprintf(w, "用时 took %.1f s\n", s.Elapsed)
}

// PrintLogins writes where the story is served and who may sign in.
func (s *Story) PrintLogins(w io.Writer, address string) {
	fmt.Fprintf(w, `
  http://%[1]s/                          省级首页 province
  http://%[1]s/ranking/%[2]s             排名报告 ranking report
`, address, s.RankingOf)
	for _, a := range s.Acceptance {
		fmt.Fprintf(w, "  http://%s/review/%d                  验收报告 acceptance report：%s\n", address, a.Review, a.Name)
	}
	fmt.Fprintf(w, `  http://%[1]s/api                       接口文档 API document

  密码 password（全部账号 all logins）：%[2]s
  省级 province：admin analyst reviewer finance auditor expert01 expert02 expert03
  各市 each city：admin clerk01 shiftleader01 evaluator01 dispatcher01 handler01 supervisor01 leader01 auditor01
    （整改城市未配评价员 evaluator01 is missing where a city must rectify）
    POST http://%[1]s/api/cities/%[3]s/session

  Ctrl-C 结束 ends it
`, address, s.Password, s.Cities[0].Code)
}
