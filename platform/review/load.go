package review

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"wangge/internal/errs"
	"wangge/platform/exchange"
)

//go:embed data/rubric-template-2026.yaml
var template []byte

// Template returns the rubric this platform starts with until the province puts
// its own in its place.
func Template() (Rubric, error) {
	return LoadRubric(bytes.NewReader(template), "rubric-template-2026.yaml")
}

// LoadRubric reads a rubric from YAML. Whatever is wrong with it is an Invalid
// error naming file, line, item and reason, all faults at once.
func LoadRubric(r io.Reader, file string) (Rubric, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Rubric{}, fmt.Errorf("read %s: %w", file, err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return Rubric{}, malformed(file, err)
	}
	var rubric Rubric
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&rubric); err != nil {
		return Rubric{}, malformed(file, err)
	}
	c := checker{file: file, tree: tree}
	c.rubric(rubric)
	if err := errs.Problems(c.faults...); err != nil {
		return Rubric{}, err
	}
	return rubric, nil
}

func malformed(file string, err error) error {
	p := errs.Problem{File: file, Zh: "不是有效的评分标准 YAML：" + err.Error(), En: "not a valid rubric in YAML: " + err.Error()}
	var y yaml.Error
	if errors.As(err, &y) {
		p.Zh, p.En = "YAML 有误："+y.GetMessage(), "faulty YAML: "+y.GetMessage()
		if t := y.GetToken(); t != nil {
			p.Row = t.Position.Line
		}
	}
	return errs.Problems(p)
}

// checker collects the faults of a rubric with the lines they are on.
type checker struct {
	file   string
	tree   *ast.File
	faults []errs.Problem
	codes  map[string]bool
}

// fault notes one fault. Path is where it is in the file, name what a reader
// calls the place.
func (c *checker) fault(path, name, zh, en string) {
	c.faults = append(c.faults, errs.Problem{File: c.file, Row: c.line(path), Field: name, Zh: zh, En: en})
}

// line returns the line of a path, or of the nearest thing around it when the
// path itself is missing from the file.
func (c *checker) line(path string) int {
	for {
		if p, err := yaml.PathString("$." + path); err == nil {
			if node, err := p.FilterFile(c.tree); err == nil && node != nil {
				return first(node)
			}
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 1
		}
		path = path[:i]
	}
}

// first is the line a node begins on; a mapping's own token is its first colon.
func first(node ast.Node) int {
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken().Position.Line
	}
	return node.GetToken().Position.Line
}

func (c *checker) rubric(r Rubric) {
	c.codes = map[string]bool{}
	c.text("code", "code", r.Code)
	c.text("version", "version", r.Version)
	c.both("name", "name", r.Name)
	total, pass, fail := c.points("total", "total", r.Total), c.points("pass_mark", "pass_mark", r.PassMark), c.points("fail_below", "fail_below", r.FailBelow)
	if total != nil && pass != nil && pass.Cmp(total) > 0 {
		c.fault("pass_mark", "pass_mark", "通过分数高于总分", "the pass mark is above the total")
	}
	if pass != nil && fail != nil && fail.Cmp(pass) > 0 {
		c.fault("fail_below", "fail_below", "不通过分数高于通过分数", "the fail mark is above the pass mark")
	}
	c.share("item_minimum", "item_minimum", r.ItemMinimum)
	if r.ExpertsPerItem < 2 {
		c.fault("experts_per_item", "experts_per_item", "每项至少两位专家", "at least two experts judge an item")
	}
	for i, p := range r.Preconditions {
		c.precondition(fmt.Sprintf("preconditions[%d]", i), p)
	}
	sum := new(big.Rat)
	for i, s := range r.Sections {
		path := fmt.Sprintf("sections[%d]", i)
		c.unique(path, s.Code)
		c.both(path+".name", named(s.Code, path)+".name", s.Name)
		if len(s.Items) == 0 {
			c.fault(path, named(s.Code, path), "这一部分没有评分项", "this section has no items")
		}
		for j, item := range s.Items {
			if points := c.item(fmt.Sprintf("%s.items[%d]", path, j), item); points != nil {
				sum.Add(sum, points)
			}
		}
	}
	if total != nil && sum.Cmp(total) != 0 {
		c.fault("total", "total", "各项分值之和为 "+decimal(sum)+"，与总分不符", "the items' points add up to "+decimal(sum)+", which is not the total")
	}
}

func (c *checker) precondition(path string, p Precondition) {
	name := named(p.Code, path)
	c.unique(path, p.Code)
	c.both(path+".name", name+".name", p.Name)
	c.both(path+".advice", name+".advice", p.Advice)
	c.fact(path, name, p.Fact)
	switch {
	case (p.AtLeast == "") == (p.AtMost == ""):
		c.fault(path, name, "at_least 与 at_most 须且只须写一个", "exactly one of at_least and at_most is needed")
	case p.AtLeast != "":
		c.number(path+".at_least", name+".at_least", p.AtLeast)
	default:
		c.number(path+".at_most", name+".at_most", p.AtMost)
	}
}

// item checks one item and returns its points.
func (c *checker) item(path string, i Item) (points *big.Rat) {
	name := named(i.Code, path)
	c.unique(path, i.Code)
	c.both(path+".name", name+".name", i.Name)
	c.both(path+".evidence", name+".evidence", i.Evidence)
	c.both(path+".advice", name+".advice", i.Advice)
	if points = c.points(path+".points", name+".points", i.Points); points != nil && points.Sign() == 0 {
		c.fault(path+".points", name+".points", "分值应大于 0", "the points are above zero")
	}
	if i.Minimum != "" {
		c.share(path+".minimum", name+".minimum", i.Minimum)
	}
	switch i.Kind {
	case ByFact:
		c.fact(path, name, i.Fact)
		full, zero := c.number(path+".full", name+".full", i.Full), c.number(path+".zero", name+".zero", i.Zero)
		if full != nil && zero != nil && full.Cmp(zero) == 0 {
			c.fault(path+".full", name+".full", "满分界与零分界相同", "full and zero are the same")
		}
	case ByExperts:
		if i.Fact != "" || i.Full != "" || i.Zero != "" {
			c.fault(path, name, "评议项不取系统数据：不得有 fact、full、zero", "a judged item has no fact, full or zero")
		}
	default:
		c.fault(path+".kind", name+".kind", "只能是 computed（计算）或 judged（评议）", "must be computed or judged")
	}
	return points
}

func (c *checker) text(path, name, value string) {
	if strings.TrimSpace(value) == "" {
		c.fault(path, name, "不得为空", "must not be empty")
	}
}

func (c *checker) both(path, name string, t Text) {
	c.text(path+".zh", name+".zh", t.Zh)
	c.text(path+".en", name+".en", t.En)
}

func (c *checker) unique(path, code string) {
	c.text(path+".code", named(code, path)+".code", code)
	if c.codes[code] && code != "" {
		c.fault(path+".code", code+".code", "代码重复", "the code is used twice")
	}
	c.codes[code] = true
}

func (c *checker) fact(path, name, key string) {
	if _, known := exchange.FactOf(key); !known {
		c.fault(path+".fact", name+".fact", fmt.Sprintf("没有这项事实：%q", key), fmt.Sprintf("no such fact: %q", key))
	}
}

func (c *checker) number(path, name string, n Number) *big.Rat {
	r := n.rat()
	if r == nil {
		c.fault(path, name, fmt.Sprintf("%q 不是数（如 3、2.5、9/10、90%%）", n), fmt.Sprintf("%q is no number (such as 3, 2.5, 9/10, 90%%)", n))
	}
	return r
}

// points is a number with hundredths at most, so that sums come out exactly.
func (c *checker) points(path, name string, n Number) *big.Rat {
	r := c.number(path, name, n)
	if r != nil && !new(big.Rat).Mul(r, big.NewRat(100, 1)).IsInt() {
		c.fault(path, name, "分值最多两位小数", "points have two decimals at most")
	}
	return r
}

func (c *checker) share(path, name string, n Number) {
	if r := c.number(path, name, n); r != nil && r.Cmp(big.NewRat(1, 1)) > 0 {
		c.fault(path, name, "不得超过 100%", "must not exceed 100%")
	}
}

func named(code, path string) string {
	if code == "" {
		return path
	}
	return code
}

// decimal prints a sum of points without needless zeros.
func decimal(r *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(2), "0"), ".")
}
