package division

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"wangge/internal/errs"
)

func load(t *testing.T) *Atlas {
	t.Helper()
	a, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func codes(list []Division) (out []string) {
	for _, d := range list {
		out = append(out, d.Code)
	}
	return out
}

func children(t *testing.T, a *Atlas, code string) []Division {
	t.Helper()
	kids, err := a.Children(code)
	if err != nil {
		t.Fatal(err)
	}
	return kids
}

func TestTheStatisticalTablesAreComplete(t *testing.T) {
	text, err := files.ReadFile("data/index.csv")
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]int{}
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, ",")
		got[len(code)]++
	}
	for _, p := range load(t).Provinces() {
		s := unpack(p.Code)
		got[9] += len(s.streets)
		got[12] += len(s.communities)
	}
	for digits, want := range map[int]int{2: 31, 4: 342, 6: 2978, 9: 41352, 12: 620573} {
		if got[digits] != want {
			t.Errorf("%d codes of %d digits, want %d", got[digits], digits, want)
		}
	}
}

func TestEveryCountyIsOfExactlyOneCityThatCanBecomeATenant(t *testing.T) {
	a := load(t)
	owner := map[string]string{}
	cities := 0
	for _, p := range a.Provinces() {
		for _, city := range a.Cities(p.Code) {
			cities++
			for _, c := range a.Counties(city.Code) {
				if owner[c.Code] != "" {
					t.Errorf("%s is of %s and of %s", c.Code, owner[c.Code], city.Code)
				}
				owner[c.Code] = city.Code
			}
		}
	}
	if len(owner) != 2978 {
		t.Errorf("%d counties have a city, want 2978", len(owner))
	}
	if want := 333 + 16 + 16 + 16 + 38 + 1 + 4 + 15 + 12; cities != want {
		t.Errorf("%d cities can become tenants, want 333 of the prefecture level and the counties without one: %d", cities, want)
	}
}

func TestEveryDivisionIsFoundByItsCodeUnderItsParent(t *testing.T) {
	a := load(t)
	seen := 0
	var walk func(d Division)
	walk = func(d Division) {
		seen++
		if got, ok := a.Lookup(d.Code); !ok || got != d {
			t.Errorf("Lookup(%s) = %v %v, want %v", d.Code, got, ok, d)
		}
		if d.Name == "" || strings.ContainsFunc(d.Name, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.In(r, unicode.Co, unicode.Cc)
		}) {
			t.Errorf("%s has a name that cannot be shown: %q", d.Code, d.Name)
		}
		kids := children(t, a, d.Code)
		if (len(kids) == 0) != (d.Level == Community) {
			t.Errorf("%s %s has %d divisions under it", d.Code, d.Name, len(kids))
		}
		for i, k := range kids {
			if k.Parent != d.Code || k.Level <= d.Level || !strings.HasPrefix(k.Code, stem(d)) || i > 0 && kids[i-1].Code >= k.Code {
				t.Errorf("%v is not in its place under %v", k, d)
			}
			walk(k)
		}
	}
	for _, p := range a.Provinces() {
		walk(p)
	}
	// The nine groupings are left out, three cities are their own county.
	if want := 31 + 342 + 2978 + 41352 + 620573 - 9 - 3; seen != want {
		t.Errorf("%d divisions in the tree, want %d", seen, want)
	}
}

func TestEdgesOfTheTables(t *testing.T) {
	a := load(t)
	for _, tc := range []struct {
		name, code string
		want       Division
		counties   []string // that grid codes of it begin with; only tenants have them
		child      string   // one of its children
	}{
		{"a city has six digits", "130100", Division{"130100", "石家庄市", City, "13"}, nil, "130102"},
		{"a league is a city", "152200", Division{"152200", "兴安盟", City, "15"}, nil, "152201"},
		{"东莞 has streets right under it", "441900", Division{"441900", "东莞市", City, "44"}, []string{"441900"}, "441900003"},
		{"中山 has streets right under it", "442000", Division{"442000", "中山市", City, "44"}, []string{"442000"}, "442000001"},
		{"儋州 has towns right under it", "460400", Division{"460400", "儋州市", City, "46"}, []string{"460400"}, "460400100"},
		{"嘉峪关 has one county in the tables", "620200", Division{"620200", "嘉峪关市", City, "62"}, []string{"620201"}, "620201"},
		{"its streets are coded under that county", "620201", Division{"620201", "嘉峪关市", County, "620200"}, nil, "620201001"},
		{"济源 is right under the province", "419001", Division{"419001", "济源市", County, "41"}, []string{"419001"}, "419001001"},
		{"仙桃 is right under the province", "429004", Division{"429004", "仙桃市", County, "42"}, []string{"429004"}, "429004001"},
		{"a county right under Hainan", "469021", Division{"469021", "定安县", County, "46"}, []string{"469021"}, "469021100"},
		{"石河子 is right under the region", "659001", Division{"659001", "石河子市", County, "65"}, []string{"659001"}, "659001001"},
		{"a district of Beijing takes a city's place", "110101", Division{"110101", "东城区", County, "11"}, []string{"110101"}, "110101001"},
		{"a district of Tianjin takes a city's place", "120116", Division{"120116", "滨海新区", County, "12"}, []string{"120116"}, "120116001"},
		{"a district of Shanghai takes a city's place", "310115", Division{"310115", "浦东新区", County, "31"}, []string{"310115"}, "310115004"},
		{"a district of Chongqing takes a city's place", "500101", Division{"500101", "万州区", County, "50"}, []string{"500101"}, "500101001"},
		{"a county of Chongqing takes a city's place", "500229", Division{"500229", "城口县", County, "50"}, []string{"500229"}, "500229001"},
		{"a street", "130102001", Division{"130102001", "建北街道", Street, "130102"}, nil, "130102001001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := a.Lookup(tc.code); !ok || got != tc.want {
				t.Errorf("Lookup(%s) = %v %v, want %v", tc.code, got, ok, tc.want)
			}
			if got := codes(a.Counties(tc.code)); tc.counties != nil && !slices.Equal(got, tc.counties) {
				t.Errorf("Counties(%s) = %v, want %v", tc.code, got, tc.counties)
			}
			if got := codes(children(t, a, tc.code)); !slices.Contains(got, tc.child) {
				t.Errorf("Children(%s) = %v, want %s among them", tc.code, got, tc.child)
			}
		})
	}
}

func TestTheProvincesOfferTheirCities(t *testing.T) {
	a := load(t)
	for province, want := range map[string]struct {
		cities      int
		first, last string
	}{
		"13": {11, "130100", "131100"},
		"11": {16, "110101", "110119"},
		"12": {16, "120101", "120119"},
		"31": {16, "310101", "310151"},
		"50": {38, "500101", "500243"},
		"41": {18, "410100", "419001"},
		"42": {17, "420100", "429021"},
		"46": {19, "460100", "469030"},
		"65": {26, "650100", "659012"},
	} {
		got := codes(a.Cities(province))
		if len(got) != want.cities || got[0] != want.first || got[len(got)-1] != want.last {
			t.Errorf("Cities(%s) = %v, want %d from %s to %s", province, got, want.cities, want.first, want.last)
		}
	}
	if got := a.Cities("130100"); got != nil {
		t.Errorf("a city has the cities %v", got)
	}
}

func TestWhatIsNoDivisionIsNotFound(t *testing.T) {
	a := load(t)
	for _, code := range []string{
		"", "1", "13x", "99", "1301", "139900", "130102999", "1301020010", "130102001999", "990101001",
		"110100", "500200", "419000", "429000", "469000", "659000", // groupings nobody governs
	} {
		if d, ok := a.Lookup(code); ok {
			t.Errorf("Lookup(%q) = %v", code, d)
		}
		if kids, err := a.Children(code); !errors.Is(err, ErrUnknown) || errs.KindOf(err) != errs.NotFound {
			t.Errorf("Children(%q) = %v, %v; want ErrUnknown", code, kids, err)
		}
		if got := a.Counties(code); got != nil {
			t.Errorf("Counties(%q) = %v", code, got)
		}
		if got := a.SearchIn(code, "", 1); got != nil {
			t.Errorf("SearchIn(%q) = %v", code, got)
		}
	}
	if d, ok := a.Province("130100"); ok {
		t.Errorf("%v is a province", d)
	}
}

func TestACodeBelongsToOneCity(t *testing.T) {
	a := load(t)
	for _, tc := range []struct {
		name, city, code string
		want             bool
	}{
		{"a district", "130100", "130102", true},
		{"a street", "130100", "130102001", true},
		{"a community", "130100", "130102001001", true},
		{"a district of the next city", "130100", "130202", false},
		{"a street that does not exist", "130100", "130102999", false},
		{"a community that does not exist", "130100", "130102001999", false},
		{"half a code", "130100", "1301", false},
		{"the city is no county of itself", "130100", "130100", false},
		{"a city without districts is", "441900", "441900", true},
		{"a street of a city without districts", "441900", "441900003", true},
		{"a neighbour under the same province", "429004", "429005", false},
		{"a street of a city right under the province", "429004", "429004001", true},
		{"a street of a district of Beijing", "110101", "110101001", true},
		{"a street of the next district of Beijing", "110101", "110102001", false},
		{"nothing belongs to a county of a city", "130102", "130102001", false},
		{"nothing belongs to a grouping", "110100", "110101", false},
		{"nothing belongs to a province", "13", "130102", false},
	} {
		if got := a.Belongs(tc.city, tc.code); got != tc.want {
			t.Errorf("%s: Belongs(%s, %s) = %v, want %v", tc.name, tc.city, tc.code, got, tc.want)
		}
	}
}

func TestSearchByTheBeginningOfAName(t *testing.T) {
	a := load(t)
	for _, tc := range []struct {
		name string
		got  []Division
		want []string
	}{
		{"a city", a.Search("石家庄", 9), []string{"130100", "130171", "130172"}},
		{"a province before its cities", a.Search("吉林", 3), []string{"22", "220200", "220271"}},
		{"a city without districts comes once", a.Search("东莞", 9), []string{"441900"}},
		{"no grouping is found", a.Search("市辖区", 9), nil},
		{"no more than asked for", a.Search("", 2), []string{"11", "12"}},
		{"none asked for", a.Search("石家庄", 0), nil},
		{"a county within a province", a.SearchIn("13", "鹿泉", 1), []string{"130110"}},
		{"streets within a city", a.SearchIn("130100", "建", 3), []string{"130102001", "130102014", "130108004"}},
		{"a street of a city without districts", a.SearchIn("441900", "虎门", 1), []string{"441900121"}},
		{"a community within a street", a.SearchIn("110101001", "多福巷", 9), []string{"110101001001"}},
		{"nothing below a community", a.SearchIn("110101001001", "", 9), nil},
		{"nothing of another county", a.SearchIn("130104", "建北", 9), nil},
	} {
		if got := codes(tc.got); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}

func TestManyReadersUnpackAProvinceAtOnce(t *testing.T) {
	a := load(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, code := range []string{"130102001001", "110101001001", "460100"} {
				if _, ok := a.Lookup(code); !ok {
					t.Errorf("%s not found", code)
				}
			}
			clear(a.Cities("13")) // what a caller does with its list is its own affair
		})
	}
	wg.Wait()
	if got := a.Cities("13")[0].Code; got != "130100" {
		t.Errorf("the first city of Hebei is %q after a caller cleared its list", got)
	}
}

func TestNamesAreMended(t *testing.T) {
	a := load(t)
	for code, want := range map[string]string{
		"450681101201": "澫尾村村委会",
		"420684103229": "高□村委会",
		"632723104209": "乐荣村（十村）委会",
		"230321500501": "八五一〇农场杨木林子管理区",
		"210204009012": "幸福e家社区居委会",
	} {
		if d, _ := a.Lookup(code); d.Name != want {
			t.Errorf("%s is %q, want %q", code, d.Name, want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpackTheLargestProvince(b *testing.B) {
	for b.Loop() {
		unpack("37")
	}
}
