package richtext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/provider/richtext"
)

func TestFromHTML(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                 "",
		"<p>one</p><p>two</p>":             "one\ntwo",
		"<p>one</p>\n<p></p>\n<p>two</p>":  "one\ntwo",
		"a<br>b<br/><br>c":                 "a\nb\n\nc",
		"<div>a <b>b</b>c  \n d</div>":     "a bc d",
		"<ul><li>x</li><li>y</li></ul>end": "- x\n- y\nend",
		"<h1>T</h1>text":                   "T\ntext",
		"&lt;b&gt; &amp;amp; &#128512;":    "<b> &amp; 😀",
		`<a href="https://example.com/?a=1&amp;b=2">here</a>!`:               "here (https://example.com/?a=1&b=2)!",
		`<a href="https://example.com">https://example.com/</a>`:             "https://example.com/",
		`<a href="mailto:a@b.co">a@b.co</a>`:                                 "a@b.co",
		`<a href="https://example.com/"></a>`:                                "https://example.com/",
		`<a href="https://one.example">1<a href="https://two.example">2</a>`: "1 (https://one.example)2 (https://two.example)",
		"<script>alert(1)</script>x<style>p{}</style>":                       "x",
		"<pre>a\n  b</pre>c":                                                 "a\n  b\nc",
		"a&nbsp;&nbsp;b":                                                     "a  b",
		"<p>see <img src='https://example.com/a.png'> it</p>":                "see it",
		"<table><tr><td>a</td></tr><tr><td>b</td></tr></table>":              "a\nb",
		"no tags":                    "no tags",
		"<p>not <closed":             "not",
		"</p></li></a>odd":           "odd",
		"<blockquote>q</blockquote>": "q",
	} {
		assert.Equal(t, want, richtext.FromHTML(source), source)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	got := richtext.Images(`<p><img src="https://example.com/a.png"/></p><img alt="none"><img src=b>`)
	assert.Equal(t, []string{"https://example.com/a.png", "b"}, got)
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"<p>hi</p>": true, " <div class='x'>a</div>\n": true, "<ul><li>a</li></ul>": true, `<img src="x">`: true, "<P>x</P>": true, "<hr/>": true,
		"hi": false, "": false, "<": false, "<p": false, "<b>bold</b>": false, "<script>alert(1)</script>": false, "<3 you <p>": false,
		"<p> is a tag": false, "a <p>b</p>": false, "<prefix>x</prefix>": false, "<@U123>": false, "<https://example.com|here>": false,
	} {
		assert.Equal(t, want, richtext.IsHTML(text), text)
	}
}

func TestThereAndBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", "a\nb\n\nc", `<b>&amp;</b> "x" 'y'`, "https://example.com/?a=1&lang=en", "😀 مرحبا", "<script>alert(1)</script>"} {
		made := richtext.ToHTML(text)
		assert.Equal(t, text, richtext.FromHTML(made))
		assert.NotContains(t, made, "<s")
	}
}

func FuzzFromHTML(f *testing.F) {
	for _, seed := range []string{"<p>a</p>", "<a href=x>", "&amp;&#0;", "<pre>\n", "<li><li>", "<script>", "\xff<p>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		text := richtext.FromHTML(source)
		if utf8.ValidString(source) && !utf8.ValidString(text) {
			t.Fatalf("%q", text)
		}
		if utf8.ValidString(source) && !strings.ContainsRune(source, 0) && !strings.ContainsAny(source, "\r\u00a0\u0085") {
			if back := richtext.FromHTML(richtext.ToHTML(text)); len(strings.Fields(back)) != len(strings.Fields(text)) {
				t.Fatalf("%q became %q", text, back)
			}
		}
		_, _ = richtext.Images(source), richtext.IsHTML(source)
	})
}
