// Package report turns frozen editions of the ranking and concluded reviews into
// pages and workbooks for people. It computes no figure that decides anything:
// what it prints is in the sealed documents, and it prints their hashes beside it.
package report

import (
	"embed"
	"html/template"
	"strconv"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/platform/ranking"
	"wangge/tenant/evaluation"
)

//go:embed templates/*.html
var files embed.FS

//go:embed templates/style.css
var style string

// Style is how every page of the province looks, reports and others.
func Style() template.CSS { return template.CSS(style) } //nolint:gosec // our own file

var pages = template.Must(template.New("").Funcs(template.FuncMap{"style": Style}).ParseFS(files, "templates/*.html"))

// ErrNotConcluded is returned for a review that is still running.
var ErrNotConcluded = errs.New(errs.Conflict, "review_not_concluded", "评审尚未作出结论，没有报告", "the review is not concluded; there is no report yet")

// Page says how a report is shown.
type Page struct {
	Lang   Lang
	Issuer string         // who publishes it; may be empty
	Zone   *time.Location // of the instants shown
	Nonce  string         // of its style, where a policy asks for one; may be empty
	Links  []Link         // ways on from it, on screen only; none in a file to keep
}

// Link leads on from a page.
type Link struct {
	Href, Text string
	Away       bool // at the far end of the line
}

// T returns words of the catalogue.
func (p Page) T(key string, args ...any) (string, error) { return say(p.Lang, key, args...) }

// Is picks one of two names by the language.
func (p Page) Is(zh, en string) string { return capital(Text{zh, en}.In(p.Lang)) }

// At prints an instant to the minute.
func (p Page) At(t time.Time) string { return t.In(p.Zone).Format("2006-01-02 15:04") }

// Month prints 2026-03 as 2026年3月 or March 2026.
func (p Page) Month(month string) (string, error) {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return "", err
	}
	return t.Format(Text{"2006年1月", "January 2006"}.In(p.Lang)), nil
}

// Count prints the name of a basic count.
func (p Page) Count(c evaluation.Count) (string, error) { return say(p.Lang, "count."+string(c)) }

// Num prints a number with separators between thousands.
func (p Page) Num(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Rate prints a ratio in percent with two decimals; the sign is in the header.
func (p Page) Rate(r evaluation.Ratio) string { return r.Percent().String() }

// Interval prints the 95 % interval of a ratio.
func (p Page) Interval(r evaluation.Ratio) string {
	low, high := ranking.Wilson(r)
	return low.String() + "–" + high.String()
}

// Hash breaks a hash into groups of eight, so that an eye can compare two.
func (p Page) Hash(h string) string {
	var groups []string
	for len(h) > 8 {
		groups, h = append(groups, h[:8]), h[8:]
	}
	return strings.Join(append(groups, h), " ")
}

// bar places points on a scale, in percent of its width.
func bar(v, low, high evaluation.Points) float64 {
	return float64(10000*(min(max(v, low), high)-low)/(high-low)) / 100
}
