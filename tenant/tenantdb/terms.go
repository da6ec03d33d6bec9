package tenantdb

import (
	"strings"
	"unicode"
)

// Terms are the words under which a text is found: pairs of neighbouring
// ideographs (one alone stands for itself), and runs of letters and digits in
// lower case. Each comes once.
func Terms(text string) []string {
	seen := map[string]bool{}
	var out []string
	each(text, func(word string, ideographs bool) {
		for _, t := range pairs(word, ideographs) {
			if !seen[t] {
				seen[t] = true
				out = append(out, t)
			}
		}
	})
	return out
}

// each calls fn with the runs of ideographs and the words of a text.
func each(text string, fn func(word string, ideographs bool)) {
	kind := func(r rune) int {
		switch {
		case unicode.Is(unicode.Han, r):
			return 2
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return 1
		default:
			return 0
		}
	}
	start, now := 0, 0
	for i, r := range text {
		k := kind(r)
		if k == now {
			continue
		}
		if now != 0 {
			fn(strings.ToLower(text[start:i]), now == 2)
		}
		start, now = i, k
	}
	if now != 0 {
		fn(strings.ToLower(text[start:]), now == 2)
	}
}

const longest = 64 // characters of a word; what is longer is found by its beginning

func pairs(word string, ideographs bool) []string {
	runes := []rune(word)
	if !ideographs {
		return []string{string(runes[:min(len(runes), longest)])}
	}
	if len(runes) == 1 {
		return []string{word}
	}
	out := make([]string, 0, len(runes)-1)
	for i := range runes[:len(runes)-1] {
		out = append(out, string(runes[i:i+2]))
	}
	return out
}

// vector writes the words of a case as a tsvector, each with the month of the
// report: what is asked for is the newest, and a month's part of the index is
// small however many cases there are. Words hold letters and digits only.
func vector(month string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "'" + month + strings.Join(words, "' '"+month) + "'"
}

// inMonths asks for all of the words in one of the months.
func inMonths(months, words []string) string {
	each := make([]string, len(months))
	for i, month := range months {
		each[i] = "('" + month + strings.Join(words, "' & '"+month) + "')"
	}
	return strings.Join(each, " | ")
}

// covering are as few of a word's pairs as hold all its characters: each is one
// more place to look up, and the text itself is compared anyway. One ideograph
// may stand inside any pair, so it has none.
func covering(word string, ideographs bool) []string {
	all := pairs(word, ideographs)
	if !ideographs {
		return all
	}
	runes := []rune(word)
	if len(runes) == 1 {
		return nil
	}
	var out []string
	for i := 0; i < len(all); i += 2 {
		out = append(out, all[i])
	}
	if len(runes)%2 == 1 {
		out = append(out, all[len(all)-1])
	}
	return out
}

// asked is a search in the words of the index.
type asked struct {
	terms []string
	runs  []string // of two or more ideographs, or one alone: what the text itself must hold
}

func ask(text string) asked {
	var q asked
	each(text, func(word string, ideographs bool) {
		if ideographs {
			q.runs = append(q.runs, word)
		}
		q.terms = append(q.terms, covering(word, ideographs)...)
	})
	return q
}
