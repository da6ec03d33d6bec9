package tenanthttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/web/webtest"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// photo is a PNG of what a seed paints.
func photo(t testing.TB, seed uint64) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for range 20 {
		at := image.Pt(r.IntN(160)-20, r.IntN(120)-20)
		shade := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		draw.Draw(img, image.Rectangle{Min: at, Max: at.Add(image.Pt(10+r.IntN(60), 10+r.IntN(50)))}, image.NewUniform(shade), image.Point{}, draw.Src)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// reported opens a case and returns its number.
func (h town) reported() string {
	h.t.Helper()
	c, err := h.City.Cases.Report(h.t.Context(), h.Report())
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Number
}

// dispatched opens a case and gives it to a department.
func (h town) dispatched(department string) string {
	h.t.Helper()
	number := h.reported()
	h.force(number, department)
	return number
}

// force puts a case into a department's hands past the workflow.
func (h town) force(number, department string) {
	h.t.Helper()
	err := h.DB.Write.Exec("UPDATE cases SET department = ?, stage = ? WHERE number = ?", department, string(casework.StageDispatched), number).Error
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h town) attach(p *webtest.Person, number, query, file string) (e Evidence) {
	h.t.Helper()
	p.Post(h.at+"/cases/"+number+"/evidence?"+query, file).Want(201).Into(&e)
	return e
}

func TestAPhotoIsAttachedListedAndShownAsItWasSent(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		number, file := h.reported(), photo(t, 1)
		sum := sha256.Sum256([]byte(file))
		digest := hex.EncodeToString(sum[:])
		taken := h.Clock.Now().Add(-time.Minute)
		query := url.Values{
			"moment": {"before"}, "taken_at": {taken.Format(time.RFC3339)}, "lon": {fmt.Sprint(h.Place.Lon)}, "lat": {fmt.Sprint(h.Place.Lat)},
			"device": {"手机 A1"}, "sha256": {digest},
		}
		supervisor := h.as(org.Supervisor)
		e := h.attach(supervisor, number, query.Encode(), file)
		ok := e.Case == number && e.Moment == "before" && e.MomentZh == "处置前" && e.Type == "image/png" && e.Size == int64(len(file)) &&
			e.SHA256 == digest && e.Width == 160 && e.Height == 120 && e.TakenAt != nil && e.TakenAt.Equal(taken) && e.Lon != nil && *e.Lon == h.Place.Lon &&
			e.Device == "手机 A1" && e.Account == h.Account(org.Supervisor) && e.Role == "supervisor" && e.Flags == nil
		if !ok {
			t.Errorf("attached %+v", e)
		}
		var list []Evidence
		supervisor.Get(h.at + "/cases/" + number + "/evidence").Want(200).Into(&list)
		if len(list) != 1 || list[0].ID != e.ID || list[0].SHA256 != digest {
			t.Errorf("listed %+v", list)
		}
		at := h.at + "/cases/" + number + "/evidence/" + e.ID
		got := supervisor.Get(at).Want(200)
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache", "ETag": `"` + digest + `"`,
			"Content-Disposition": `inline; filename="` + number + "-before-" + e.ID[:8] + `.png"`,
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
			}
		}
		if string(got.Body) != file {
			t.Errorf("%d of %d bytes came back", len(got.Body), len(file))
		}
		supervisor.With("If-None-Match", `"`+digest+`"`).Get(at).Want(304)
		h.attach(supervisor, number, "moment=after", photo(t, 2))
		var pairs []EvidencePair
		supervisor.Get(h.at + "/cases/" + number + "/pairs").Want(200).Into(&pairs)
		if len(pairs) != 1 || pairs[0].Before == nil || pairs[0].Before.ID != e.ID || pairs[0].After == nil {
			t.Errorf("pairs %+v", pairs)
		}
	})
}

func TestFaultyUploadsAreNamedAndWriteNothing(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		number, file, clerk := h.reported(), photo(t, 1), h.as(org.IntakeClerk)
		at := h.at + "/cases/" + number + "/evidence"
		for query, fields := range map[string][]string{
			"": {"moment"}, "moment=later": {"moment"}, "moment=before&lon=1": {"lat"}, "moment=before&lat=1": {"lon"}, "moment=before&lon=x&lat=91": {"lon", "lat"},
			"moment=before&taken_at=yesterday&lat=1": {"taken_at", "lon"}, "moment=before&sha256=AB": {"sha256"}, "moment=before&device=" + strings.Repeat("x", 101): {"device"},
		} {
			clerk.Post(at+"?"+query, file).Names(fields...)
		}
		clerk.Post(at+"?moment=before", "%PDF-1.7").Refused(422, "evidence_type")
		clerk.Post(at+"?moment=before", "").Refused(422, "evidence_empty")
		clerk.Post(at+"?moment=before", file[:len(file)/2]).Refused(422, "broken_picture")
		clerk.Post(at+"?moment=before&sha256="+strings.Repeat("0", 64), file).Refused(422, "evidence_hash")
		clerk.Post(h.at+"/cases/20261123-999999/evidence?moment=before", file).Refused(404, "no_such_case")
		clerk.Get(h.at+"/cases/20261123-999999/evidence").Refused(404, "no_such_case")
		clerk.Get(h.at+"/cases/20261123-999999/pairs").Refused(404, "no_such_case")
		clerk.Get(at+"/x").Refused(404, "no_such_evidence")
		var list []Evidence
		clerk.Get(at).Want(200).Into(&list)
		if list == nil || len(list) != 0 {
			t.Errorf("written all the same: %+v", list)
		}
	})
}

func TestAFormIsTakenForTheFileThatItsSenderMeant(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		number := h.reported()
		// What curl --data-binary calls everything.
		h.as(org.Supervisor).Form(h.at+"/cases/"+number+"/evidence?moment=before", url.Values{"a": {"b"}}).Refused(422, "evidence_type")
	})
}

func TestWhoMayAttachAndWhoMayLook(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		number := h.dispatched(citytest.Works)
		e := h.attach(h.as(org.Supervisor), number, "moment=before", photo(t, 1))
		at := h.at + "/cases/" + number
		for _, role := range org.Roles() {
			p := h.as(role)
			adds := slices.Contains([]org.Role{org.Supervisor, org.IntakeClerk, org.DepartmentHandler}, role)
			looks := role != org.CityAdmin
			if got := p.Post(at+"/evidence?moment=during", photo(t, 2)).Status; (got == 201) != adds || !adds && got != 403 {
				t.Errorf("%s attaches: %d", role, got)
			}
			for _, path := range []string{"/evidence", "/evidence/" + e.ID, "/pairs"} {
				if got := p.Get(at + path).Status; (got == 200) != looks || !looks && got != 403 {
					t.Errorf("%s looks at %s: %d", role, path, got)
				}
			}
		}
	})
}

func TestADepartmentSeesTheEvidenceOfItsOwnCasesOnly(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		own, others := h.dispatched(citytest.Works), h.dispatched(citytest.Greening)
		supervisor, handler := h.as(org.Supervisor), h.as(org.DepartmentHandler)
		theirs := h.attach(supervisor, others, "moment=before", photo(t, 1))
		for _, path := range []string{"/evidence", "/evidence/" + theirs.ID, "/pairs"} {
			handler.Get(h.at+"/cases/"+others+path).Refused(404, "no_such_case")
		}
		handler.Post(h.at+"/cases/"+others+"/evidence?moment=after", photo(t, 2)).Refused(404, "no_such_case")
		handler.Get(h.at+"/cases/"+own+"/evidence/"+theirs.ID).Refused(404, "no_such_evidence")
		// The same picture in its own case is flagged; which case it is from, it does not learn.
		again := h.attach(handler, own, "moment=after", photo(t, 1))
		if !slices.Equal(again.Flags, []string{"reused"}) || again.Reused != nil || again.Department != citytest.Works {
			t.Errorf("the handler is told %+v", again)
		}
		var list []Evidence
		supervisor.Get(h.at + "/cases/" + own + "/evidence").Want(200).Into(&list)
		if len(list) != 1 || len(list[0].Reused) != 1 || list[0].Reused[0].Case != others || !list[0].Reused[0].Same {
			t.Errorf("the supervisor is told %+v", list)
		}
	})
}

func TestASecondCitySeesNothingOfTheEvidence(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		number := one.reported()
		e := one.attach(one.as(org.Supervisor), number, "moment=before", photo(t, 1))
		there, theirs := other.as(org.Supervisor), other.reported()
		there.Get(one.at+"/cases/"+number+"/evidence/"+e.ID).Refused(404, "not_found")
		there.Get(other.at+"/cases/"+theirs+"/evidence/"+e.ID).Refused(404, "no_such_evidence")
		var list []Evidence
		there.Get(other.at + "/cases/" + theirs + "/evidence").Want(200).Into(&list)
		if again := other.attach(there, theirs, "moment=after", photo(t, 1)); len(list) != 0 || again.Flags != nil {
			t.Errorf("the other city lists %+v and flags %v", list, again.Flags)
		}
	})
}
