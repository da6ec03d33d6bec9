package report

import (
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"wangge/platform/ranking"
	"wangge/tenant/evaluation"
)

// Workbook writes a frozen edition as an XLSX workbook: the places with rates
// and intervals, the figures they come from, the definitions and the seal.
// Numbers are numbers, so that a reader can compute on from them.
func Workbook(w io.Writer, p Page, e ranking.Edition, f ranking.Frozen) (err error) {
	b := book{rankingView: newRankingView(p, e, f), file: excelize.NewFile()}
	defer func() {
		if closing := b.file.Close(); err == nil {
			err = closing
		}
	}()
	b.styles()
	b.ranking()
	b.figures()
	b.definitions()
	if b.err == nil {
		b.err = b.file.DeleteSheet("Sheet1")
	}
	if b.err == nil {
		b.err = b.file.Write(w)
	}
	if b.err != nil {
		return fmt.Errorf("ranking workbook %s: %w", e.Month, b.err)
	}
	return nil
}

// book is a workbook being written; after a first error it writes no more.
type book struct {
	rankingView
	file               *excelize.File
	title, head, score int // styles
	sheet              string
	row                int
	err                error
}

// cell is a value that is no plain text or whole number.
type cell struct {
	value any
	style int
}

func (b *book) styles() {
	style := func(s excelize.Style) (id int) {
		if b.err == nil {
			id, b.err = b.file.NewStyle(&s)
		}
		return id
	}
	b.title = style(excelize.Style{Font: &excelize.Font{Bold: true, Size: 16}})
	b.head = style(excelize.Style{
		Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF5"}},
	})
	b.score = style(excelize.Style{NumFmt: 2}) // 0.00
}

// open begins a sheet with columns of these widths.
func (b *book) open(key string, widths ...float64) {
	if b.sheet = b.t(key); b.err != nil {
		return
	}
	b.row = 0
	_, b.err = b.file.NewSheet(b.sheet)
	for i, width := range widths {
		if b.err == nil {
			col, _ := excelize.ColumnNumberToName(i + 1)
			b.err = b.file.SetColWidth(b.sheet, col, col, width)
		}
	}
}

func (b *book) t(key string, args ...any) string {
	text, err := b.T(key, args...)
	if b.err == nil {
		b.err = err
	}
	return text
}

// line writes the next row, all of it in one style when style is not 0.
func (b *book) line(style int, values ...any) {
	b.row++
	for i, v := range values {
		at, _ := excelize.CoordinatesToCellName(i+1, b.row)
		with := style
		if c, ok := v.(cell); ok {
			v, with = c.value, c.style
		}
		if b.err == nil {
			b.err = b.file.SetCellValue(b.sheet, at, v)
		}
		if b.err == nil && with != 0 {
			b.err = b.file.SetCellStyle(b.sheet, at, at, with)
		}
	}
}

// freeze keeps the rows so far and the first columns in sight.
func (b *book) freeze(columns int) {
	if b.err != nil {
		return
	}
	corner, _ := excelize.CoordinatesToCellName(columns+1, b.row+1)
	b.err = b.file.SetPanes(b.sheet, &excelize.Panes{
		Freeze: true, XSplit: columns, YSplit: b.row, TopLeftCell: corner, ActivePane: "bottomRight",
	})
}

func (b *book) points(p evaluation.Points) cell { return cell{float64(p) / 100, b.score} }

func (b *book) ranking() {
	b.open("sheet.ranking", 8, 10, 18, 10)
	month, err := b.Month(b.E.Month)
	if b.err == nil {
		b.err = err
	}
	b.line(b.title, month+" "+b.t("ranking.title"))
	b.line(0, b.t("ranking.edition", b.E.Number)+" · "+b.t("ranking.asof", b.At(b.E.AsOf)))
	head := []any{b.t("ranking.rank"), b.t("ranking.code"), b.t("ranking.city"), b.t("ranking.score")}
	for _, c := range b.Columns {
		name := b.Is(c.Zh, c.En)
		head = append(head, name+" %", b.t("ranking.low"), b.t("ranking.high"), b.t("ranking.n"))
	}
	if b.Judged {
		head = append(head, b.t("ranking.tierlabel"), b.t("ranking.ranklow"), b.t("ranking.rankhigh"), b.t("ranking.steady"), b.t("ranking.first"))
	}
	b.line(b.head, head...)
	b.freeze(3)
	for _, r := range b.Ranked {
		row := []any{r.Rank, r.Code, r.Name, b.points(r.Score.Points)}
		for _, i := range r.Score.Items {
			row = append(row, b.rate(i.Ratio)...)
		}
		if c := r.Chance; c != nil {
			row = append(row, c.Tier, c.Low, c.High, b.points(c.Steady), c.First)
		}
		b.line(0, row...)
	}
	for _, u := range b.Unranked {
		b.line(0, "—", u.Code, u.Name, b.t("reason."+string(u.Reason)))
	}
}

// rate is a ratio with its interval and size; three words when nothing was due.
func (b *book) rate(r evaluation.Ratio) []any {
	if r.None() {
		none := b.t("none.due")
		return []any{none, none, none, int64(0)}
	}
	low, high := ranking.Wilson(r)
	return []any{b.points(r.Percent()), b.points(low), b.points(high), r.Denominator}
}

func (b *book) figures() {
	b.open("sheet.inputs", 10, 18)
	head := []any{b.t("ranking.code"), b.t("ranking.city")}
	for _, c := range b.Counts {
		head = append(head, b.t("count."+string(c)))
	}
	b.line(b.head, append(head, b.t("ranking.days"), b.t("ranking.revision"))...)
	b.freeze(2)
	for _, c := range b.E.Inputs {
		row := []any{c.Code, c.Name}
		for _, count := range b.Counts {
			row = append(row, c.Counts[count])
		}
		b.line(0, append(row, c.Days, c.Revision)...)
	}
}

func (b *book) definitions() {
	b.open("sheet.definitions", 22, 10, 40, 16, 40)
	b.line(b.head, b.t("ranking.indicator"), b.t("ranking.weight"), b.t("ranking.definition"), b.t("ranking.better"), b.t("ranking.source"))
	for _, c := range b.Columns {
		b.line(0, b.Is(c.Zh, c.En), c.Weight, b.Is(c.FormulaZh, c.FormulaEn), b.t("better."+string(c.Better)), c.Source)
	}
	b.row++
	p := b.E.Protocol
	b.line(0, b.t("ranking.protocol"), b.Is(p.NameZh, p.NameEn)+" · "+p.Code+" "+p.Version)
	b.line(0, b.t("ranking.minimum"), b.t("ranking.atleast", b.t("count."+string(p.Minimum.Count)), p.Minimum.Quantity))
	b.line(0, b.t("ranking.ties"), b.t("ranking.shared"))
	b.line(0, b.t("ranking.formula"))
	if b.Judged {
		b.line(0, b.t("ranking.tierrule"))
	}
	if b.E.Reason != "" {
		b.line(0, b.t("ranking.correction"), b.E.Reason)
	}
	b.line(0, b.t("ranking.hash"), b.F.Hash)
}
