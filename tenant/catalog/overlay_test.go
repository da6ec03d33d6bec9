package catalog_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/catalog"
)

func sum(body string) string {
	s := sha256.Sum256([]byte(body))
	return hex.EncodeToString(s[:])
}

func (o *office) receive(edition, body string) error {
	_, err := o.SetOverlay(o.t.Context(), catalog.OverlayInput{Edition: edition, Version: catalog.Version2026, SHA256: sum(body), Body: []byte(body), By: 3})
	return err
}

func (o *office) drift() map[string]string {
	o.t.Helper()
	d, err := o.Drift(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	out := map[string]string{}
	for _, x := range d.Differences {
		out[x.Line+" "+x.What] = x.City + "|" + x.Province
	}
	return out
}

func TestAnOverlayMustHaveItsSum(t *testing.T) {
	o := open(t, catalog.Version2026)
	body := short + "S-1,01-001,省,1,work_day,\n"
	in := catalog.OverlayInput{Edition: "2026-1", Version: catalog.Version2026, SHA256: sum(body + "x"), Body: []byte(body)}
	if _, err := o.SetOverlay(t.Context(), in); !errors.Is(err, catalog.ErrSum) {
		t.Errorf("another sum: %v", err)
	}
	in.SHA256 = strings.ToUpper(sum(body))
	if got, err := o.SetOverlay(t.Context(), in); err != nil || got.SHA256 != sum(body) || len(got.Conditions) != 1 || got.Conditions[0].Origin != catalog.Provincial {
		t.Errorf("got %+v, %v", got, err)
	}
	revision := o.store.state.Revision
	if err := o.receive("2026-1", body); err != nil || o.store.state.Revision != revision {
		t.Errorf("the same file again: %v", err)
	}
	if err := o.receive("2026-1", body+"S-2,01-001,省二,1,work_day,\n"); !errors.Is(err, catalog.ErrEdition) {
		t.Errorf("another file of the same name: %v", err)
	}
	for name, body := range map[string]string{
		"a fault":    short + "S-1,99-001,省,1,work_day,\n",
		"nothing":    short,
		"own number": short + "S-1,06-999,省,1,work_day,\n",
	} {
		if err := o.receive("2026-2", body); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.receive("", body); errs.KindOf(err) != errs.Invalid {
		t.Errorf("without a name: %v", err)
	}
}

func TestDriftSaysExactlyWhereACityDiffers(t *testing.T) {
	o := open(t, catalog.Version2026)
	if _, err := o.Drift(t.Context()); !errors.Is(err, catalog.ErrNoOverlay) {
		t.Errorf("without an edition: %v", err)
	}
	set := o.export(false)
	if err := o.receive("same", set); err != nil {
		t.Fatal(err)
	}
	if d := o.drift(); len(d) != 0 {
		t.Errorf("a city that is as the province differs in %v", d)
	}
	for old, changed := range map[string]string{
		"01-001-2,part,01-001,供水井盖异常,破损超过25c㎡,4,work_hour,,":         "01-001-2,part,01-001,供水井盖异常,破损超过25c㎡,2,work_hour,修复,",
		"01-001-3,part,01-001,供水井盖异常,弹跳产生声响，翻盖明显影响安全,2,work_day":     "01-001-3,part,01-001,供水井盖异常,弹跳产生声响，翻盖明显影响安全,17,work_hour",
		"01-001-1,part,01-001,供水井盖异常,缺失、移位、开裂，存在安全隐患的,2,urgent_hour": "01-001-1,part,01-001,供水井盖异常,缺失、移位的,2,work_hour",
	} {
		if !strings.Contains(set, old) {
			t.Fatalf("no %q in the export", old)
		}
		set = strings.Replace(set, old, changed, 1)
	}
	lines := strings.SplitAfter(set, "\n")
	last := strings.Split(lines[len(lines)-2], ",")[0]
	set = strings.Join(lines[:len(lines)-2], "") + "S-9,event,10-001,道路积雪、结冰,省增,1,work_day,,all,省,province,,\n"
	if err := o.receive("other", set); err != nil {
		t.Fatal(err)
	}
	got := o.drift()
	for k, want := range map[string]string{
		"01-001-2 limit_longer":  "4 work_hour|2 work_hour",
		"01-001-2 closing":       "|修复",
		"01-001-3 limit_shorter": "2 work_day|17 work_hour", // two days of eight hours
		"01-001-1 limit_unit":    "2 urgent_hour|2 work_hour",
		"01-001-1 filing":        "缺失、移位、开裂，存在安全隐患的|缺失、移位的",
		"S-9 missing":            "|省增",
	} {
		if got[k] != want {
			t.Errorf("%s: got %q, want %q", k, got[k], want)
		}
		delete(got, k)
	}
	if _, ok := got[last+" added"]; !ok || len(got) != 1 {
		t.Errorf("besides %v, want %s added", got, last)
	}
}

func TestConditionsBelongTogetherByTheirWordsWhereCodesDiffer(t *testing.T) {
	o := open(t, catalog.Version2026)
	body := short + "S-1,01-001,破损超过25c㎡。,9,work_hour,\n"
	if err := o.receive("1", body); err != nil {
		t.Fatal(err)
	}
	got := o.drift()
	if got["01-001-2 limit_shorter"] != "4 work_hour|9 work_hour" || got["S-1 missing"] != "" {
		t.Errorf("got %v", got["01-001-2 limit_shorter"])
	}
	if err := o.receive("2", body+"S-2,01-001,破损超过25c㎡,9,work_hour,\n"); err != nil {
		t.Fatal(err)
	}
	if got := o.drift(); got["S-2 missing"] != "|破损超过25c㎡" || got["01-001-2 limit_shorter"] == "" {
		t.Errorf("one of the city's belongs to two of the province's: %v", got["S-2 missing"])
	}
}

// After adopting, whatever the province sent, nothing differs but what the city
// has beside.
func TestAnAdoptedEditionLeavesNothingMissing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := open(t, catalog.Version2026)
		held := o.store.state.Conditions
		var body strings.Builder
		body.WriteString("code,kind,filing,limit_value,limit_unit,closing\n")
		used := map[int]bool{}
		for i := range rapid.IntRange(1, 30).Draw(rt, "rows") {
			n := rapid.IntRange(0, len(held)-1).Draw(rt, "held")
			if used[n] {
				continue
			}
			used[n] = true
			c := held[n]
			code, words := c.Code, c.Filing
			if rapid.Bool().Draw(rt, "code") {
				code = fmt.Sprintf("S-%d", i)
			}
			if rapid.Bool().Draw(rt, "words") {
				words += "（省）"
			}
			fmt.Fprintf(&body, "%s,%s,%q,%d,%s,%s\n", code, c.Kind.Code, words, rapid.IntRange(1, 9).Draw(rt, "limit"), c.Limit.Unit, rapid.SampledFrom([]string{"", "修复"}).Draw(rt, "closing"))
		}
		if err := o.receive("1", body.String()); err != nil {
			rt.Fatal(err)
		}
		said, err := o.AdoptOverlay(t.Context(), true)
		if err != nil {
			rt.Fatal(err)
		}
		done, err := o.AdoptOverlay(t.Context(), false)
		if err != nil || fmt.Sprint(said) != fmt.Sprint(done) {
			rt.Fatalf("said %+v, did %+v, %v", said, done, err)
		}
		o.day("2026-11-27")
		d, err := o.Drift(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		for _, x := range d.Differences {
			if x.What != catalog.DriftAdded {
				rt.Fatalf("after adopting: %+v", x)
			}
		}
		if again, err := o.AdoptOverlay(t.Context(), false); err != nil || len(again.Items) != 0 {
			rt.Fatalf("adopted again: %+v, %v", again, err)
		}
	})
}

func TestAnEditionOfAnotherVersionIsNotCompared(t *testing.T) {
	o := open(t, catalog.Version2013)
	if err := o.receive("1", short+"S-1,01-001,省,1,work_day,\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Drift(t.Context()); !errors.Is(err, catalog.ErrOtherBase) {
		t.Errorf("got %v", err)
	}
	if _, err := o.AdoptOverlay(t.Context(), false); !errors.Is(err, catalog.ErrOtherBase) {
		t.Errorf("got %v", err)
	}
}
