// Package richtext turns the HTML of desks' editors into text, and text into HTML.
package richtext

import (
	"html"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// FromHTML returns what a reader of a piece of HTML sees, as text: paragraphs and
// rows on lines of their own, items of lists behind a dash, links with their
// address unless that is what they show. Pictures are left out; [Images] tells
// which there are.
func FromHTML(source string) string {
	p := printer{}
	tokens := xhtml.NewTokenizer(strings.NewReader(source))
	for {
		switch tokens.Next() {
		case xhtml.ErrorToken: // its end
			return p.text()
		case xhtml.TextToken:
			p.write(tokens.Token().Data)
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			p.begin(tokens.Token())
		case xhtml.EndTagToken:
			p.end(tokens.Token().DataAtom)
		default: // comments and the like
		}
	}
}

// Images returns the addresses of the pictures in a piece of HTML.
func Images(source string) []string {
	var all []string
	tokens := xhtml.NewTokenizer(strings.NewReader(source))
	for kind := tokens.Next(); kind != xhtml.ErrorToken; kind = tokens.Next() {
		if kind != xhtml.StartTagToken && kind != xhtml.SelfClosingTagToken {
			continue
		}
		if token := tokens.Token(); token.DataAtom == atom.Img {
			if src := attribute(token, "src"); src != "" {
				all = append(all, src)
			}
		}
	}
	return all
}

// ToHTML returns text as HTML that shows it literally, line by line.
func ToHTML(text string) string {
	return strings.ReplaceAll(html.EscapeString(strings.ReplaceAll(text, "\r\n", "\n")), "\n", "<br>")
}

// IsHTML reports whether a text begins with a block of HTML, as what an editor
// made does, and what people type rarely does.
func IsHTML(text string) bool {
	rest, found := strings.CutPrefix(strings.TrimLeftFunc(text, unicode.IsSpace), "<")
	if !found || !strings.HasSuffix(strings.TrimRightFunc(text, unicode.IsSpace), ">") {
		return false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end <= 0 || !strings.ContainsRune(" >/\t\n", rune(rest[end])) {
		return false
	}
	tag := atom.Lookup([]byte(strings.ToLower(rest[:end])))
	return isBlock(tag) || tag == atom.Img
}

// printer writes text, token by token.
type printer struct {
	b      strings.Builder
	hidden int    // depth of what no reader sees
	pre    int    // depth of what keeps its spaces
	space  bool   // one is due, should anything follow
	breaks int    // so are line breaks
	href   string // of the link that is open
	label  int    // where its text begins
}

func (p *printer) write(text string) {
	if p.hidden > 0 {
		return
	}
	if p.pre > 0 {
		p.flush()
		p.b.WriteString(text)
		return
	}
	for _, r := range text {
		// A no-break space is one that the writer wanted.
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' {
			p.space = true
			continue
		}
		if r == '\u00a0' {
			r = ' '
		}
		p.flush()
		p.b.WriteRune(r)
	}
}

// flush writes the space or the line breaks that are due.
func (p *printer) flush() {
	if p.b.Len() > 0 && p.breaks > 0 {
		p.b.WriteString(strings.Repeat("\n", min(p.breaks, 2)))
	} else if p.space && p.b.Len() > 0 && !strings.HasSuffix(p.b.String()[max(0, p.b.Len()-1):], "\n") {
		p.b.WriteByte(' ')
	}
	p.breaks, p.space = 0, false
}

func (p *printer) begin(t xhtml.Token) {
	switch {
	case t.DataAtom == atom.Br:
		p.breaks++
	case t.DataAtom == atom.Li:
		p.line()
		p.write("-")
		p.space = true
	case t.DataAtom == atom.A:
		p.openLink(attribute(t, "href"))
	case isBlock(t.DataAtom):
		p.line()
	}
	if t.Type == xhtml.SelfClosingTagToken {
		return
	}
	switch t.DataAtom {
	case atom.Script, atom.Style, atom.Head, atom.Template:
		p.hidden++
	case atom.Pre:
		p.pre++
	default:
	}
}

func (p *printer) end(tag atom.Atom) {
	switch tag {
	case atom.A:
		p.closeLink()
	case atom.Script, atom.Style, atom.Head, atom.Template:
		p.hidden = max(0, p.hidden-1)
	case atom.Pre:
		p.pre = max(0, p.pre-1)
		p.line()
	default:
		if isBlock(tag) {
			p.line()
		}
	}
}

// line makes what follows begin on a line of its own.
func (p *printer) line() { p.breaks = max(p.breaks, 1) }

func (p *printer) openLink(href string) {
	p.closeLink()
	p.flush()
	p.href, p.label = href, p.b.Len()
}

func (p *printer) closeLink() {
	href := p.href
	p.href = ""
	if href == "" || p.hidden > 0 {
		return
	}
	switch label := strings.TrimSpace(p.b.String()[p.label:]); {
	case label == "":
		p.flush()
		p.b.WriteString(href)
	case !sameAddress(label, href):
		p.b.WriteString(" (" + href + ")")
	}
}

// sameAddress reports whether a link shows its own address.
func sameAddress(label, href string) bool {
	bare := func(s string) string {
		for _, prefix := range []string{"mailto:", "tel:", "https://", "http://"} {
			s = strings.TrimPrefix(s, prefix)
		}
		return strings.TrimSuffix(s, "/")
	}
	return bare(label) == bare(href)
}

func (p *printer) text() string {
	p.closeLink()
	return strings.TrimSpace(p.b.String())
}

func attribute(t xhtml.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func isBlock(tag atom.Atom) bool {
	switch tag {
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Li, atom.Tr, atom.Table,
		atom.Pre, atom.Blockquote, atom.Hr, atom.Section, atom.Article, atom.Figure, atom.Html, atom.Body, atom.Head:
		return true
	default:
		return false
	}
}
