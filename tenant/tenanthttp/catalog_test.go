package tenanthttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/table"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

func TestTheVersionsAndKindsAreRead(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		var v CatalogueVersions
		admin.Get(h.at + "/catalogue/versions").Want(200).Into(&v)
		if len(v.Versions) != 3 || !v.Versions[2].InForce || v.Versions[0].InForce || v.Versions[2].PartIDDigits != 17 || v.Versions[2].Kinds != 250 {
			t.Errorf("versions %+v", v)
		}
		for year, want := range map[string]string{"2007": "店外经营", "2013": "热力管道破裂"} {
			var kinds []CatalogueKind
			admin.Get(h.at + "/catalogue/kinds?version=" + year).Want(200).Into(&kinds)
			if !slices.ContainsFunc(kinds, func(k CatalogueKind) bool { return k.Sort == "event" && k.Code == "05-04" && k.Name == want }) {
				t.Errorf("05-04 of %s is not %s", year, want)
			}
		}
		admin.Get(h.at+"/catalogue/kinds?version=1999").Refused(422, "no_such_version")
		var own CatalogueKind
		admin.Post(h.at+"/catalogue/kinds", body{"sort": "event", "class": "06", "name": "占道健身（自定义）"}).Want(201).Into(&own)
		if own.Code != "06-999" || own.Origin != "city" {
			t.Errorf("own kind %+v", own)
		}
		admin.Post(h.at+"/catalogue/kinds", body{"sort": "event", "class": "06", "name": "占道健身"}).Names("name")
		admin.Post(h.at+"/catalogue/kinds", body{"sort": "thing", "class": "6"}).Names("sort", "class", "name")
		h.as(org.ShiftLeader).Post(h.at+"/catalogue/kinds", body{"sort": "event", "class": "06", "name": "另一个（自定义）"}).Refused(403, "forbidden")
	})
}

func TestConditionsAreExportedRehearsedAndImported(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin, at := h.as(org.CityAdmin), h.at+"/catalogue/conditions/import"
		for _, format := range []string{"csv", "xlsx"} {
			for _, lang := range []string{"zh", "en"} {
				file := admin.Get(h.at + "/catalogue/export?format=" + format + "&lang=" + lang).Want(200)
				var report ConditionReport
				admin.Post(at, string(file.Body)).Want(200).Into(&report)
				if report.Unchanged != 353 || len(report.Changes) != 0 {
					t.Errorf("its own export as %s in %s would change %+v", format, lang, report.Changes)
				}
			}
		}
		rows := "编码,类型,类别编码,立案条件,时限,时限单位,结案条件,区域类别,停用日期\nWH-1,部件,01-001,下沉,3,紧急工作时,修复,A类,2027/1/31\n" + citytest.Condition + ",部件,01-001,破损超过20c㎡,3,工作时,修复,全部,\n"
		var said, did ConditionReport
		admin.Post(at+"?rehearse=true", rows).Want(200).Into(&said)
		if said.Added != 1 || said.Revised != 1 {
			t.Errorf("rehearsed %+v", said)
		}
		var list []Condition
		admin.Get(h.at + "/catalogue/conditions?kind=01-001").Want(200).Into(&list)
		if len(list) != 4 {
			t.Errorf("after a rehearsal %d conditions of 01-001", len(list))
		}
		admin.Post(at, workbook(t, rows)).Want(200).Into(&did)
		if !slices.Equal(said.Changes, did.Changes) {
			t.Errorf("said %+v, did %+v", said, did)
		}
		admin.Get(h.at + "/catalogue/conditions?kind=01-001&all=true").Want(200).Into(&list)
		if len(list) != 6 {
			t.Errorf("%d wordings of 01-001", len(list))
		}
		i := slices.IndexFunc(list, func(c Condition) bool { return c.Code == "WH-1" })
		if i < 0 || list[i].Closing != "修复" || list[i].AreaClass != "A" || list[i].Until != "2027-01-31" || list[i].Since != "2026-11-23" || list[i].Origin != "city" {
			t.Errorf("listed %+v", list)
		}
		h.Clock.Advance(24 * time.Hour)
		admin = h.as(org.CityAdmin)
		admin.Get(h.at + "/conditions").Want(200).Into(&list)
		if i := slices.IndexFunc(list, func(c Condition) bool { return c.Line == citytest.Condition }); list[i].LimitValue != 3 || list[i].Replaces != citytest.Condition {
			t.Errorf("next day %+v", list[i])
		}
		if p := admin.Post(at, "编码,类别编码,立案条件,时限,时限单位\nX,99-999,x,0,年\n").Refused(422, "invalid"); len(p.Problems) != 3 || p.Problems[0].Row != 2 {
			t.Errorf("faults %+v", p.Problems)
		}
		admin.Post(at, strings.Repeat("x", maxConditionFile+1)).Names("body")
		h.as(org.Supervisor).Post(at, rows).Refused(403, "forbidden")
	})
}

// workbook writes lines of cells as a workbook.
func workbook(t *testing.T, rows string) string {
	t.Helper()
	var out bytes.Buffer
	w := table.NewWriter(&out, table.XLSX, "立案条件")
	for _, line := range strings.Split(strings.TrimSpace(rows), "\n") {
		var cells []any
		for _, c := range strings.Split(line, ",") {
			cells = append(cells, c)
		}
		if err := w.Write(cells...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestADriftIsReportedAndAdopted(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		admin.Get(h.at+"/catalogue/drift").Refused(404, "no_overlay")
		file := "code,kind,filing,limit_value,limit_unit\n" + citytest.Condition + ",01-001,破损超过25c㎡,2,work_hour\nS-1,10-002,省增,1,work_day\n"
		sum := sha256.Sum256([]byte(file))
		at := h.at + "/catalogue/overlay?edition=2026-1&version=2026&sha256="
		admin.Post(at+strings.Repeat("0", 64), file).Refused(422, "overlay_sum")
		admin.Post(at+"short", file).Names("sha256")
		var got OverlayReceived
		admin.Post(at+hex.EncodeToString(sum[:]), file).Want(200).Into(&got)
		if got.Conditions != 2 || got.Edition != "2026-1" {
			t.Errorf("received %+v", got)
		}
		var d DriftReport
		h.as(org.ShiftLeader).Get(h.at + "/catalogue/drift").Want(200).Into(&d)
		want := []Difference{
			{citytest.Condition, "01-001", "供水井盖异常", catalog.DriftLonger, "4 work_hour", "2 work_hour"},
			{"S-1", "10-002", "架空线缆脱落", catalog.DriftMissing, "", "省增"},
		}
		for _, w := range want {
			if !slices.Contains(d.Differences, w) {
				t.Errorf("not among %d differences: %+v", len(d.Differences), w)
			}
		}
		var r ConditionReport
		admin.Post(h.at+"/catalogue/overlay/adopt?rehearse=true", nil).Want(200).Into(&r)
		if r.Added != 1 || r.Revised != 1 {
			t.Errorf("would adopt %+v", r)
		}
		admin.Post(h.at+"/catalogue/overlay/adopt", nil).Want(200)
		h.as(org.ShiftLeader).Post(h.at+"/catalogue/overlay/adopt", nil).Refused(403, "forbidden")
		h.Clock.Advance(24 * time.Hour)
		h.as(org.ShiftLeader).Get(h.at + "/catalogue/drift").Want(200).Into(&d)
		if d.Same != 2 || slices.ContainsFunc(d.Differences, func(x Difference) bool { return x.What != catalog.DriftAdded }) {
			t.Errorf("after adopting %d agree", d.Same)
		}
	})
}

func TestAMoveForwardOnlyIsServed(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		admin.Get(h.at+"/catalogue/move?to=2013").Refused(409, "catalogue_move")
		admin.Get(h.at+"/catalogue/move?to=1999").Refused(422, "no_such_version")
		admin.Get(h.at + "/catalogue/move").Names("to")
		admin.Post(h.at+"/catalogue/move", body{"to": "2013", "day": "2026-11-24"}).Refused(409, "catalogue_move")
		admin.Post(h.at+"/catalogue/move", body{"to": "2026", "day": "tomorrow", "decisions": []body{{"kind": "01-001"}}}).Names("day", "decisions[0].condition")
		h.as(org.ShiftLeader).Post(h.at+"/catalogue/move", body{"to": "2026", "day": "2026-11-24"}).Refused(403, "forbidden")
	})
}

func TestTheCalendarIsReadAndImported(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		var y CalendarYear
		admin.Get(h.at + "/calendar?year=2026").Want(200).Into(&y)
		if !y.Known || y.Own || len(y.Days) != 25 || !slices.Equal(y.Shifts, h.City.Settings.Shifts) {
			t.Errorf("2026 %+v", y)
		}
		admin.Get(h.at + "/calendar?year=2030").Want(200).Into(&y)
		if y.Known || len(y.Days) != 0 {
			t.Errorf("2030 %+v", y)
		}
		admin.Get(h.at + "/calendar").Names("year")
		file := "日期,类型,名称\n2027-01-01,放假,元旦\n2027/1/2,上班,元旦调休\n"
		var r CalendarReport
		for _, sent := range []string{file, workbook(t, file)} {
			admin.Do("PUT", h.at+"/calendar/days?rehearse=true", sent).Want(200).Into(&r)
			if !slices.Contains(r.Changes, DateChange{"2027-01-02", "off", "work"}) || len(r.Changes) != 2 || h.City.Calendar.Known(2027) {
				t.Errorf("rehearsed %+v", r)
			}
		}
		admin.Do("PUT", h.at+"/calendar/days", file).Want(200)
		admin.Get(h.at + "/calendar?year=2027").Want(200).Into(&y)
		if !y.Own || len(y.Days) != 2 || y.Days[1] != (CalendarDay{"2027-01-02", "work", "元旦调休", ""}) {
			t.Errorf("2027 %+v", y)
		}
		if p := admin.Do("PUT", h.at+"/calendar/days", "date,kind\n2027-13-01,off\n").Refused(422, "invalid"); p.Problems[0].Row != 2 {
			t.Errorf("faults %+v", p.Problems)
		}
		summer := body{"name": "夏季", "from": "06-01", "to": "08-31", "shifts": []string{"07:30-11:30", "15:00-19:00"}}
		admin.Do("PUT", h.at+"/calendar/seasons", body{"seasons": []body{summer}}).Want(204)
		admin.Get(h.at + "/calendar?year=2026").Want(200).Into(&y)
		if len(y.Seasons) != 1 || y.Seasons[0].Name != "夏季" {
			t.Errorf("seasons %+v", y.Seasons)
		}
		admin.Do("PUT", h.at+"/calendar/seasons", body{"seasons": []body{summer, summer}}).Names("season")
		admin.Do("PUT", h.at+"/calendar/seasons", body{"seasons": []body{{"name": "夜", "from": "06-01", "to": "08-31", "shifts": []string{"22:00-06:00"}}}}).Names("season")
		admin.Do("PUT", h.at+"/calendar/seasons", body{}).Names("seasons")
		h.as(org.ShiftLeader).Do("PUT", h.at+"/calendar/days", file).Refused(403, "forbidden")
	})
}
