package provider

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// redactor takes secrets out of texts.
type redactor struct {
	forms    []string // every way in which a secret may be written, the longest first
	replacer *strings.Replacer
}

// newRedactor knows each secret as it is, and as it looks in an URL, in a JSON
// string and in base64, also within a longer text such as a Basic credential.
func newRedactor(secrets []string) *redactor {
	forms := make([]string, 0, 8*len(secrets))
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		forms = append(forms, secret, quote(secret), url.QueryEscape(secret), url.PathEscape(secret))
		if text, err := json.Marshal(secret); err == nil {
			forms = append(forms, strings.Trim(string(text), `"`))
		}
		forms = append(forms, base64Forms(secret)...)
	}
	forms = slices.DeleteFunc(forms, func(s string) bool { return s == "" })
	// The longest first, so that no tail of one is left over.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, redacted)
	}
	return &redactor{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

// base64Forms returns the letters that a secret gives in base64 wherever it
// stands in the encoded text: three bytes make four letters, so there are three
// ways, and the letters at both ends depend on the neighbours.
func base64Forms(secret string) []string {
	const fewest = 4 // shorter ones would hit innocent text
	forms := []string{base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret))}
	for offset := range 3 {
		padded := append(make([]byte, offset), secret...)
		first, last := (offset*8+5)/6, len(padded)*8/6
		if last-first < fewest {
			continue
		}
		forms = append(forms,
			base64.StdEncoding.EncodeToString(padded)[first:last],
			base64.URLEncoding.EncodeToString(padded)[first:last])
	}
	return forms
}

// text returns s without secrets. The beginning of one at the very end goes as
// well: s may have been cut in the middle of it.
func (r *redactor) text(s string) string {
	s = r.replacer.Replace(s)
	const fewest = 4
	for _, form := range r.forms {
		for n := min(len(form)-1, len(s)); n >= fewest; n-- {
			if strings.HasSuffix(s, form[:n]) {
				return s[:len(s)-n] + redacted
			}
		}
	}
	return s
}

var urls = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>]+`)

// stripURLs takes user, query and fragment out of every URL in s: net/http puts
// a request's whole URL into its errors.
func stripURLs(s string) string {
	return urls.ReplaceAllStringFunc(s, func(match string) string {
		u, err := url.Parse(strings.TrimRight(match, ".,:;)"))
		if err != nil {
			scheme, _, _ := strings.Cut(match, "://")
			return scheme + "://" + redacted
		}
		if u.User == nil && u.RawQuery == "" && u.Fragment == "" {
			return match
		}
		u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
		return u.String()
	})
}

// error returns err as an [*Error] whose text and causes hold no secret.
func (r *redactor) error(err error) *Error {
	e := &Error{Class: ClassTransient}
	if known, ok := errors.AsType[*Error](err); ok {
		*e = *known
	}
	if a, ok := errors.AsType[*answer](err); ok {
		e.Err = &answer{detail: stripURLs(r.text(a.detail)), body: stripURLs(r.text(a.body))}
		return e
	}
	e.Err = &cleaned{text: quoteLine(r.text(stripURLs(r.text(err.Error())))), cause: err}
	return e
}

// cleaned is an error with another text. Its cause can be asked for with
// errors.Is but not taken out, for its text may hold a secret.
type cleaned struct {
	text  string
	cause error
}

// Error implements error.
func (c *cleaned) Error() string { return c.text }

// Is implements the interface of errors.Is.
func (c *cleaned) Is(target error) bool { return errors.Is(c.cause, target) }

// quoteLine makes an error's text one printable line; it is of our own making, so it may be longer than a quote.
func quoteLine(s string) string {
	const most = 1000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
}
