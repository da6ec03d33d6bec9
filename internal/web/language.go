package web

import (
	"strings"

	"github.com/gin-gonic/gin"
)

// Lang is a language of the interface.
type Lang string

// The languages. Chinese is the default.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Text is a text in both languages.
type Text struct{ Zh, En string }

// In returns the text in l.
func (t Text) In(l Lang) string {
	if l == English {
		return t.En
	}
	return t.Zh
}

// Language is the one asked for by ?lang=, else by Accept-Language when it
// prefers English, else Chinese.
func Language(c *gin.Context) Lang {
	switch c.Query("lang") {
	case "en":
		return English
	case "zh", "zh-CN":
		return Chinese
	}
	if strings.HasPrefix(c.GetHeader("Accept-Language"), "en") {
		return English
	}
	return Chinese
}
