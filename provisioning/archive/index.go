package archive

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// meaning says what is in a table, for whoever opens an archive without the
// platform at hand.
var meaning = map[string][2]string{
	"accounts": {"账号（口令仅为散列值）", "accounts, passwords hashed"}, "policy_rules": {"岗位权限", "what posts may do"},
	"departments": {"部门", "departments"}, "holders": {"任职", "who holds which post"}, "deputies": {"副岗代理", "deputies"}, "leaves": {"休假", "leave"},
	"settings": {"城市设置", "settings of the city"}, "divisions": {"行政区划", "divisions"}, "grid_sets": {"单元网格各版本", "versions of the unit grids"},
	"grid_history": {"单元网格及其历史", "unit grids and their history"}, "responsibility_grids": {"责任网格", "responsibility grids"},
	"kinds": {"事部件类别", "kinds of parts and events"}, "conditions": {"立案条件与时限", "filing conditions with limits"}, "overlays": {"省级目录附加集", "the province's sets"},
	"cases": {"案卷（举报人已加密）", "cases, reporters sealed"}, "steps": {"案卷流转记录", "journal of the cases"}, "case_counts": {"每件案卷计入的指标", "what each case adds to figures"},
	"indicator_days": {"每日指标", "figures by day"}, "usage_entries": {"用量记录", "recorded usage"}, "usage_batches": {"已封存的用量批次", "sealed usage"},
	"parts": {"部件普查库", "register of managed parts"}, "part_acts": {"部件库的每次更改", "acts on that register"}, "part_changes": {"部件的历史", "history of parts"},
	"responsibilities": {"权责清单", "matrix of responsibility"}, "duties": {"监督员责任网格与班次", "duties of supervisors"},
	"calendar_days": {"本市节假日与调休", "days off and made up"}, "calendar_seasons": {"季节作息", "seasons"},
	"evidence": {"案卷的照片、录音、录像", "pictures, sound and film of cases"}, "evidence_contents": {"其文件", "their files"}, "applied_specs": {"建城规格", "the spec it was built from"},
}

// index describes the archive for people.
func (m Manifest) index() []byte {
	var b bytes.Buffer
	at := m.MadeAt.In(shanghai).Format("2006-01-02 15:04:05")
	fmt.Fprintf(&b, "网格 Wangge 城市档案 / archive of a city\n\n")
	fmt.Fprintf(&b, "城市 city        %s %s\n", m.City.Code, m.City.Name)
	fmt.Fprintf(&b, "制作时间 made at  %s (Asia/Shanghai)\n", at)
	fmt.Fprintf(&b, "格式 format      %d；数据表级别 level of tables %d\n", m.Format, m.Level)
	fmt.Fprintf(&b, "内容校验 content  %s\n", m.Content)
	fmt.Fprintf(&b, "流转记录 journal  %d 条 steps，最新编号 newest %d\n", m.Journal.Steps, m.Journal.Last)
	fmt.Fprintf(&b, "文件 files       %d，%d 字节 bytes，缺失 missing %d\n", m.Files.Number, m.Files.Bytes, len(m.Files.Missing))
	for _, k := range m.Keys {
		fmt.Fprintf(&b, "密钥 key         %s %s%s\n", k.ID, k.Algorithm, map[bool]string{true: "（当前 in use）"}[k.Primary])
	}
	if m.Recipient == "" {
		fmt.Fprintf(&b, "密钥不在本档案内，仅原平台可还原 / the keys are not in this archive: only the platform that made it can restore it\n")
	} else {
		fmt.Fprintf(&b, "密钥已加密移交，仅接收方可启用 / the keys are handed over, sealed to the recipient: %s\n", m.Recipient)
	}
	fmt.Fprintf(&b, "\n表 table（tables/<表>/*.jsonl，每行一条记录，列名见 manifest.json / a row a line, columns in manifest.json）\n")
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	for _, t := range m.Tables {
		text := meaning[t.Name]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", t.Name, t.Rows, t.SHA256[:16], text[0], text[1])
	}
	_ = w.Flush() // to memory
	fmt.Fprintf(&b, "\n未包含 left out\n")
	for _, name := range slices.Sorted(maps.Keys(stays)) {
		fmt.Fprintf(&b, "  %s: %s\n", name, stays[name])
	}
	return b.Bytes()
}
