package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// LocalKind is a kind a city adds of its own.
type LocalKind struct {
	Sort         Sort
	Class        string
	Code         string // "" takes the highest that is free
	Name, NameEn string
}

const maxKindName = 30 // characters, as the 2026 standard's fields have it

// AddKind adds a kind of the city's own to the version in force, where the
// standard leaves room: since 2026 at 080 to 999, with a name that ends in
// （自定义）; in 2013 at 60 to 99; in 2007 in class 21. Numbers are counted down
// from the highest. A kind once added stays: cases may be of it.
func (s *Service) AddKind(ctx context.Context, in LocalKind) (Kind, error) {
	st, err := s.settled(ctx)
	if err != nil {
		return Kind{}, err
	}
	k, err := in.kind(st.version, st.kindsOf(st.version))
	if err != nil {
		return Kind{}, err
	}
	if err := s.store.Apply(ctx, Change{Revision: st.Revision, Kinds: []Kind{k}}); err != nil {
		return Kind{}, fmt.Errorf("add kind %s: %w", k.Code, err)
	}
	return k, nil
}

// kind checks a local kind against the room the version leaves.
func (in LocalKind) kind(v Version, held []Kind) (Kind, error) {
	l := v.Layout()
	f := &faults{}
	k := Kind{
		Version: string(v), Sort: in.Sort, Class: in.Class, Code: in.Code,
		Name: strings.TrimSpace(in.Name), NameEn: strings.TrimSpace(in.NameEn), Origin: Own,
	}
	var open bool
	if k.ClassName, open = l.open(v, in.Sort, in.Class); !open {
		f.add(0, "class", "该版本不允许在此大类下自定义："+in.Class, "the version leaves no room for own kinds in this class: "+in.Class)
		return Kind{}, f.err()
	}
	taken := map[string]bool{}
	for _, h := range held {
		if h.Sort == k.Sort {
			taken[h.Code] = true
			if h.Name == k.Name {
				f.add(0, "name", "已有同名类别 "+h.Code, "there is a kind of this name: "+h.Code)
			}
		}
	}
	if k.Code == "" {
		k.Code = l.free(k.Class, taken)
	}
	switch class, sub, ok := l.Split(k.Code); {
	case k.Code == "":
		f.add(0, "code", "该大类的自定义编码已用完", "the own codes of this class are used up")
	case !ok || class != k.Class || sub < l.LocalFrom: // above LocalTo there are no digits
		low, high := l.Code(k.Class, l.LocalFrom), l.Code(k.Class, l.LocalTo)
		f.add(0, "code", fmt.Sprintf("自定义编码须在 %s 至 %s 之间：%s", low, high, k.Code), fmt.Sprintf("own codes lie between %s and %s: %s", low, high, k.Code))
	case taken[k.Code]:
		f.add(0, "code", "编码已被使用："+k.Code, "the code is taken: "+k.Code)
	}
	if n := utf8.RuneCountInString(k.Name); k.Name == l.LocalSuffix || n == 0 || n > maxKindName {
		f.add(0, "name", fmt.Sprintf("名称为空或超过 %d 个字", maxKindName), fmt.Sprintf("the name is empty or longer than %d characters", maxKindName))
	} else if !strings.HasSuffix(k.Name, l.LocalSuffix) {
		f.add(0, "name", "自定义类别的名称须以“"+l.LocalSuffix+"”结尾", "the name of an own kind must end in "+l.LocalSuffix)
	}
	return k, f.err()
}

// open says whether own kinds may be added in a class, and what it is called.
func (l Layout) open(v Version, sort Sort, class string) (name string, ok bool) {
	if sort != Part && sort != Event {
		return "", false
	}
	if l.LocalClass != "" {
		return "扩展", class == l.LocalClass
	}
	classes := v.Classes()
	i := slices.IndexFunc(classes, func(c Class) bool { return c.Sort == sort && c.Code == class })
	if i < 0 {
		return "", false
	}
	return classes[i].Name, true
}

// free is the highest own code of a class that is not taken, "" for none.
func (l Layout) free(class string, taken map[string]bool) string {
	for sub := l.LocalTo; sub >= l.LocalFrom; sub-- {
		if code := l.Code(class, sub); !taken[code] {
			return code
		}
	}
	return ""
}
