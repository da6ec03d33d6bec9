package table_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/table"
)

// open reads a file of text.
func open(text string, limits table.Limits) (*table.Reader, error) {
	return table.Open("表.csv", strings.NewReader(text), int64(len(text)), limits)
}

// all reads every row.
func all(t interface{ Fatal(...any) }, r *table.Reader, err error) (rows []table.Row) {
	for err == nil {
		var row table.Row
		if row, err = r.Next(); err == nil {
			rows = append(rows, row)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return rows
}

// refused ends the test unless err is the file's fault in a row.
func refused(t *testing.T, err error, row int, zh string) {
	t.Helper()
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid || len(e.Problems) != 1 || e.Problems[0].Row != row || !strings.Contains(e.Problems[0].Zh, zh) || e.Problems[0].En == "" {
		t.Fatalf("got %v, want a refusal at row %d that says %q", err, row, zh)
	}
}

func TestACSVIsReadInWhateverEncodingAndSeparatorItCameIn(t *testing.T) {
	const text = "编码,名称,备注\r\n1501,供水井盖,\"路口,\"\"东\"\"\"\r\n"
	gbk, _ := simplifiedchinese.GBK.NewEncoder().String(text)
	utf16le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	utf16be, _ := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	for name, file := range map[string]string{
		"UTF-8": text, "UTF-8 with a mark": "\ufeff" + text, "GBK": gbk, "UTF-16": utf16le, "UTF-16 the other way": utf16be,
		"semicolons":            "编码;名称;备注\n1501;供水井盖;\"路口,\"\"东\"\"\"\n",
		"tabs":                  "编码\t名称\t备注\n1501\t供水井盖\t\"路口,\"\"东\"\"\"\n",
		"blank lines before it": "\n\n" + text,
		"a comma in a header":   "编码;名称;\"备注,说明,其他,等\"\n1501;供水井盖;\"路口,\"\"东\"\"\"",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := open(file, table.Limits{})
			rows := all(t, r, err)
			if h := r.Header(); len(h) != 3 || h[0] != "编码" || h[1] != "名称" {
				t.Errorf("header %q", h)
			}
			if len(rows) != 1 || !slices.Equal(rows[0].Cells, []string{"1501", "供水井盖", `路口,"东"`}) {
				t.Errorf("rows %+v", rows)
			}
		})
	}
}

func TestACharacterAcrossTwoReadsIsNoReasonToTakeAFileForGBK(t *testing.T) {
	for shift := range 4 {
		text := "a\n" + strings.Repeat("x", 65533+shift) + "盖\n"
		r, err := open(text, table.Limits{})
		if rows := all(t, r, err); !strings.HasSuffix(rows[0].Cells[0], "x盖") {
			t.Errorf("shifted by %d: …%q", shift, rows[0].Cells[0][65530:])
		}
	}
}

func TestARowHasTheNumberThatAPersonSees(t *testing.T) {
	r, err := open("a,b\n1,x\n\n2,\"two\nlines\"\n , \n3,y\n", table.Limits{})
	var got []int
	for _, row := range all(t, r, err) {
		got = append(got, row.Number)
	}
	if want := []int{2, 4, 6}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}

func TestAFileThatCanNotBeReadSaysWhereAndWhy(t *testing.T) {
	for _, c := range []struct {
		name, text, zh string
		row            int
		limits         table.Limits
	}{
		{"nothing", "", "没有任何内容", 0, table.Limits{}},
		{"only blanks", " \n,,\n", "没有任何内容", 0, table.Limits{}},
		{"an old workbook", "\xd0\xcf\x11\xe0\xa1", ".xls", 0, table.Limits{}},
		{"a zip of nothing", "PK\x03\x04 and so on", "XLSX", 0, table.Limits{}},
		{"a stray quote", "a,b\nx\"y,z\n", "引号", 2, table.Limits{}},
		{"a quote without an end", "a,b\n\"" + strings.Repeat("x\n", 2<<20), "过长", 2, table.Limits{}},
		{"no encoding at all", "a,b\n\x81\xff\xff,1\n", "UTF-8", 2, table.Limits{}},
		{"too many rows", "a\n1\n2\n3\n", "最多 2 行", 5, table.Limits{Rows: 2}},
		{"too many columns", "a\n1,2,3\n", "列数", 2, table.Limits{Columns: 2}},
		{"too large", "a\n1\n", "过大", 0, table.Limits{Bytes: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.text, c.limits)
			for err == nil {
				_, err = r.Next()
			}
			refused(t, err, c.row, c.zh)
		})
	}
}

// book makes a workbook.
func book(t testing.TB, edit func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	edit(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openBook(file []byte, limits table.Limits) (*table.Reader, error) {
	return table.Open("表.xlsx", bytes.NewReader(file), int64(len(file)), limits)
}

func TestTheFirstSheetThatIsNotHiddenIsRead(t *testing.T) {
	file := book(t, func(f *excelize.File) {
		_ = f.SetCellValue("Sheet1", "A1", "hidden")
		for _, s := range []string{"数据", "另一张"} {
			if _, err := f.NewSheet(s); err != nil {
				t.Fatal(err)
			}
		}
		_ = f.SetSheetRow("数据", "B2", &[]any{" 编码 ", "数", "日期", "备注", "真"})
		_ = f.SetSheetRow("数据", "B4", &[]any{"15010200120100000", 1.5, time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC), "一 & <二>", true})
		_ = f.SetCellRichText("数据", "B6", []excelize.RichTextRun{{Text: "富"}, {Text: "文本"}})
		f.SetActiveSheet(1)
		_ = f.SetSheetVisible("Sheet1", false)
	})
	r, err := openBook(file, table.Limits{})
	rows := all(t, r, err)
	if h := r.Header(); !slices.Equal(h, []string{"", "编码", "数", "日期", "备注", "真"}) {
		t.Errorf("header %q", h)
	}
	if len(rows) != 2 || rows[0].Number != 4 || rows[1].Number != 6 || rows[1].Text(1) != "富文本" || rows[1].Text(9) != "" || rows[1].Text(-1) != "" {
		t.Fatalf("rows %+v", rows)
	}
	code, fault := rows[0].Code(1)
	day, dayFault := rows[0].Date(3)
	n, nFault := rows[0].Number64(2)
	if code != "15010200120100000" || fault != nil || n != 1.5 || nFault != nil || dayFault != nil || day.Format(time.DateOnly) != "2026-01-31" ||
		rows[0].Text(4) != "一 & <二>" || rows[0].Text(5) != "TRUE" {
		t.Errorf("row %+v: %v %v %v", rows[0], fault, dayFault, nFault)
	}
}

func TestACodeThatBecameANumberIsNotUsed(t *testing.T) {
	file := book(t, func(f *excelize.File) {
		_ = f.SetSheetRow("Sheet1", "A1", &[]any{"编码"})
		for i, v := range []any{13010200101000000.0, int64(1301020010100000), int64(130102001001001), "1.30102E+16", "15.0", "1301020010100000", "01-001-2"} {
			_ = f.SetCellValue("Sheet1", fmt.Sprintf("A%d", i+2), v)
		}
	})
	r, err := openBook(file, table.Limits{})
	for i, row := range all(t, r, err) {
		code, fault := row.Code(0)
		sound := i == 2 || i > 4
		if sound != (fault == nil) || sound != (code != "") {
			t.Errorf("row %d %q: %q, %+v", row.Number, row.Text(0), code, fault)
		}
		if fault != nil && (!strings.Contains(fault.Zh, "文本格式") || fault.At("f", 3, "x") != (errs.Problem{File: "f", Row: 3, Field: "x", Zh: fault.Zh, En: fault.En})) {
			t.Errorf("row %d is refused with %+v", row.Number, fault)
		}
	}
}

func TestADayIsReadHoweverItIsWritten(t *testing.T) {
	texts := []string{
		"20260131", "2026-01-31", "2026/1/31", "2026.1.31", "2026年1月31日", "2026-01-31 08:00:00", "2026-01-31T08:00:00Z", "46053", "46053.5",
		"20260230", "2026-13-01", "31/01/2026", "yesterday", "0", "2026",
	}
	r, err := open("日期\n"+strings.Join(texts, "\n")+"\n", table.Limits{})
	for i, row := range all(t, r, err) {
		day, fault := row.Date(0)
		switch {
		case i < 9 && (fault != nil || day.Format(time.DateOnly) != "2026-01-31"):
			t.Errorf("%s: %v, %+v", texts[i], day, fault)
		case i >= 9 && fault == nil && texts[i] != "2026": // which is a serial of 1905
			t.Errorf("%s is taken for %v", texts[i], day)
		}
	}
	if day, fault := (table.Row{Cells: []string{""}}).Date(0); fault != nil || !day.IsZero() {
		t.Errorf("an empty cell is the day %v, %v", day, fault)
	}
	old := book(t, func(f *excelize.File) {
		yes := true
		_ = f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes})
		_ = f.SetSheetRow("Sheet1", "A1", &[]any{"日期"})
		_ = f.SetSheetRow("Sheet1", "A2", &[]any{44591})
	})
	r, err = openBook(old, table.Limits{})
	if day, fault := all(t, r, err)[0].Date(0); fault != nil || day.Format(time.DateOnly) != "2026-01-31" {
		t.Errorf("counted from 1904: %v, %+v", day, fault)
	}
	for n, want := range map[string]string{"1": "1900-01-01", "59": "1900-02-28", "61": "1900-03-01"} {
		if day, _ := (table.Row{Cells: []string{n}}).Date(0); day.Format(time.DateOnly) != want {
			t.Errorf("serial %s is %v, want %s", n, day, want)
		}
	}
}

func TestANumberIsDecimalAndFinite(t *testing.T) {
	for text, ok := range map[string]bool{"1.5": true, "-0.25": true, "1e3": true, "": false, "NaN": false, "Inf": false, "0x10": false, "1_000": false, "一": false} {
		if _, fault := (table.Row{Cells: []string{text}}).Number64(0); ok != (fault == nil) {
			t.Errorf("%q: %+v", text, fault)
		}
	}
}

func TestColumnsAreFoundByAnyOfTheirNames(t *testing.T) {
	aliases := map[string][]string{"code": {"GLBJBSM", "管理部件标识码", "部件编码"}, "name": {"GLBJMC", "名称"}, "note": {"BZ", "备注"}}
	index, err := table.Columns([]string{"序号", "部件编码 *", "glbjmc"}, aliases, "note")
	if _, has := index["note"]; err != nil || index["code"] != 1 || index["name"] != 2 || has {
		t.Errorf("got %v, %v", index, err)
	}
	_, err = table.Columns([]string{"部件编码", "GLBJBSM"}, aliases, "note")
	e, _ := errs.As(err)
	if e == nil || len(e.Problems) != 2 || !strings.Contains(e.Problems[0].Zh, "同一内容") || e.Problems[1].Field != "name" || !strings.Contains(e.Problems[1].Zh, "GLBJMC、名称") {
		t.Errorf("got %v", err)
	}
}

// write makes a table of rows.
func write(t interface{ Fatal(...any) }, format table.Format, rows [][]any) []byte {
	var out bytes.Buffer
	w := table.NewWriter(&out, format, "导出")
	for _, row := range rows {
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAFormulaIsNotAFormulaInWhatIsExported(t *testing.T) {
	const formula = `=HYPERLINK("http://x","y")`
	rows := [][]any{{"a", "b", "c"}, {formula, -1.5, "'" + formula}, {"+1", "@x", "-2"}}
	text := string(write(t, table.CSV, rows))
	if !strings.HasPrefix(text, "\ufeffa,b,c\r\n") || !strings.Contains(text, `"'=HYPERLINK(""http://x"",""y"")",-1.5,"''=`) || !strings.Contains(text, "'+1,'@x,'-2\r\n") {
		t.Errorf("as CSV %q", text)
	}
	f, err := excelize.OpenReader(bytes.NewReader(write(t, table.XLSX, rows)))
	if err != nil {
		t.Fatal(err)
	}
	for cell, want := range map[string]excelize.CellType{"A2": excelize.CellTypeInlineString, "C3": excelize.CellTypeInlineString, "B2": excelize.CellTypeUnset} {
		if kind, err := f.GetCellType("导出", cell); err != nil || kind != want {
			t.Errorf("%s is a cell of type %v, %v", cell, kind, err)
		}
		if formula, err := f.GetCellFormula("导出", cell); err != nil || formula != "" {
			t.Errorf("%s computes %q, %v", cell, formula, err)
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	text := rapid.StringMatching(`[=+\-@' ,;"a-z0-9一-龥\n]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		rows := [][]any{{"列一", "列二", "列三"}}
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			rows = append(rows, []any{text.Draw(t, "a"), text.Draw(t, "b"), "end"})
		}
		for _, format := range []table.Format{table.CSV, table.XLSX} {
			file := write(t, format, rows)
			r, err := table.Open("x", bytes.NewReader(file), int64(len(file)), table.Limits{})
			got := all(t, r, err)
			if len(got) != len(rows)-1 {
				t.Fatalf("%s: %d rows, want %d", format, len(got), len(rows)-1)
			}
			for i, row := range got {
				for j := range 3 {
					want, _ := rows[i+1][j].(string)
					if row.Text(j) != strings.TrimSpace(want) {
						t.Fatalf("%s: read %q, written %q", format, row.Text(j), want)
					}
				}
				if format == table.XLSX && row.Number != i+2 {
					t.Fatalf("row %d is called %d", i+2, row.Number)
				}
			}
		}
	})
}

func TestDaysNumbersAndNothingAreWritten(t *testing.T) {
	row := []any{int64(7), 2, true, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), time.Time{}, nil, table.XLSX, 116.25, time.Minute}
	const want = "7|2|TRUE|2026-01-31||||116.25|1m0s"
	file := write(t, table.XLSX, [][]any{{"a"}, row})
	r, err := openBook(file, table.Limits{})
	if got := strings.Join(all(t, r, err)[0].Cells, "|"); got != strings.Replace(want, "||||", "|||xlsx|", 1) {
		t.Errorf("got %s", got)
	}
	if text := string(write(t, table.CSV, [][]any{row})); text != "\ufeff7,2,true,2026-01-31,,,xlsx,116.25,1m0s\r\n" {
		t.Errorf("got %q", text)
	}
}

func TestACellThatAWorkbookCanNotHoldIsRefused(t *testing.T) {
	w := table.NewWriter(io.Discard, table.XLSX, "表")
	if err := w.Write(strings.Repeat("盖", 32768)); !errors.Is(err, table.ErrSheetFull) {
		t.Errorf("got %v", err)
	}
	if err := w.Close(); !errors.Is(err, table.ErrSheetFull) {
		t.Errorf("got %v", err)
	}
	if err := table.NewWriter(io.Discard, table.XLSX, "[]").Write("x"); err == nil {
		t.Error("a sheet of an impossible name was begun")
	}
}

// archive makes a zip of parts.
func archive(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range parts {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// minimal is a workbook with this sheet and these shared texts.
func minimal(sheet, texts string) map[string]string {
	return map[string]string{
		"xl/workbook.xml":            `<workbook><sheets><sheet name="x" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="/xl/worksheets/a.xml"/></Relationships>`,
		"xl/worksheets/a.xml":        `<worksheet><sheetData>` + sheet + `</sheetData></worksheet>`,
		"xl/sharedStrings.xml":       `<sst>` + texts + `</sst>`,
	}
}

func TestAWorkbookThatMeansHarmIsRefused(t *testing.T) {
	crowd := minimal(`<row><c><v>1</v></c></row>`, "")
	for i := range 50_000 {
		crowd[fmt.Sprintf("%0100d", i)] = ""
	}
	without := func(name string) map[string]string {
		parts := minimal(`<row/>`, "")
		delete(parts, name)
		return parts
	}
	for _, c := range []struct {
		name, zh string
		parts    map[string]string
		limits   table.Limits
	}{
		{"with a list of contents that would fill the memory", "完好", crowd, table.Limits{}},
		{"without a workbook", "完好", without("xl/workbook.xml"), table.Limits{}},
		{"without relations", "完好", without("xl/_rels/workbook.xml.rels"), table.Limits{}},
		{"without the sheet", "完好", without("xl/worksheets/a.xml"), table.Limits{}},
		{"a text that is not there", "完好", minimal(`<row r="1"><c t="s"><v>1</v></c></row>`, `<si><t>a</t></si>`), table.Limits{}},
		{"a text of a negative number", "完好", minimal(`<row r="1"><c t="s"><v>-1</v></c></row>`, `<si><t>a</t></si>`), table.Limits{}},
		{"broken off", "完好", map[string]string{
			"xl/workbook.xml":            minimal("", "")["xl/workbook.xml"],
			"xl/_rels/workbook.xml.rels": minimal("", "")["xl/_rels/workbook.xml.rels"],
			"xl/worksheets/a.xml":        `<worksheet><sheetData><row r="1"><c><v>1`,
		}, table.Limits{}},
		{"more than may be unpacked", "解压", minimal(strings.Repeat(`<row><c><v>1</v></c></row>`, 100_000), ""), table.Limits{Unpacked: 1 << 20}},
		{"one text without end", "过长", minimal(`<row><c t="inlineStr"><is><t>`+strings.Repeat("x", 3<<20)+`</t></is></c></row>`, ""), table.Limits{}},
		{"a shared text without end", "过长", minimal(``, `<si><t>`+strings.Repeat("x", 3<<20)+`</t></si>`), table.Limits{}},
		{"too many texts", "文字过多", minimal(``, strings.Repeat(`<si><t>xxxxxxxxxxxx</t></si>`, 1000)), table.Limits{Strings: 10_000}},
		{"a column far out", "列数", minimal(`<row><c r="ZZZZ1"><v>1</v></c></row>`, ""), table.Limits{}},
		{"no sheet at all", "工作表", map[string]string{
			"xl/workbook.xml":            `<workbook><sheets/></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships/>`,
		}, table.Limits{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := openBook(archive(t, c.parts), c.limits)
			for err == nil {
				_, err = r.Next()
			}
			if e, ok := errs.As(err); !ok || e.Kind != errs.Invalid || !strings.Contains(e.Problems[0].Zh, c.zh) {
				t.Errorf("got %v, want a refusal that says %s", err, c.zh)
			}
		})
	}
}

func TestCellsWithoutPlacesReadingsAndEscapesAreRead(t *testing.T) {
	sheet := `<row><c t="str"><f>A1</f><v>头_x000D_</v></c><c t="s"><v>0</v></c></row>` +
		`<row r="7" hidden="1"><c r="B7" t="e"><v>#N/A</v></c><c t="b"><v>0</v></c><c/></row>`
	r, err := openBook(archive(t, minimal(sheet, `<si><r><t>汉</t></r><r><t xml:space="preserve">字</t></r><rPh><t>hanzi</t></rPh></si>`)), table.Limits{})
	rows := all(t, r, err)
	if !slices.Equal(r.Header(), []string{"头", "汉字"}) || len(rows) != 1 || rows[0].Number != 7 || !slices.Equal(rows[0].Cells, []string{"", "#N/A", "FALSE"}) {
		t.Errorf("header %q, rows %+v", r.Header(), rows)
	}
}

func TestNoFileMakesTheReaderPanic(t *testing.T) {
	sound := book(t, func(f *excelize.File) { _ = f.SetSheetRow("Sheet1", "A1", &[]any{"编码", 1, "x"}) })
	rapid.Check(t, func(t *rapid.T) {
		file := slices.Clone(sound)
		if rapid.Bool().Draw(t, "text") {
			file = rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		}
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			if len(file) > 0 {
				file[rapid.IntRange(0, len(file)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "to")
			}
		}
		file = file[:rapid.IntRange(0, len(file)).Draw(t, "length")]
		r, err := table.Open("x", bytes.NewReader(file), int64(len(file)), table.Limits{})
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.EOF) && errs.KindOf(err) != errs.Invalid {
			t.Fatalf("a broken file is our fault: %v", err)
		}
	})
}
