package livechattest

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
)

// consentPage is where an admin decides. Beside what the vendor's page has there are
// the ways in which a consent goes wrong.
func (e *Emulator) consentPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("response_type") != "code", q.Get("client_id") != e.ClientID:
		http.Error(w, "there is no such app", http.StatusBadRequest)
		return
	case err != nil || redirect.Host == "" || redirect.RawQuery != "" || redirect.Fragment != "":
		http.Error(w, "redirect_uri is not whitelisted", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentTemplate.Execute(w, map[string]string{"State": q.Get("state"), "Redirect": q.Get("redirect_uri"), "Scopes": e.Scopes})
}

var consentTemplate = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Allow access?</title></head>
<body><main><h1>Handoff wants to access your account</h1><p>{{.Scopes}}</p>
<form method="post" action="/consent">
<input type="hidden" name="state" value="{{.State}}"><input type="hidden" name="redirect_uri" value="{{.Redirect}}">
<button name="do" value="allow">Allow</button>
<button name="do" value="deny">Deny</button>
<p>To see what goes wrong:
<button name="do" value="elsewhere">Allow for another organization</button>
<button name="do" value="stale">Allow with a code that is over</button>
<button name="do" value="forge">Allow with another state</button></p>
</form></main></body></html>
`))

func (e *Emulator) consent(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	back, err := url.Parse(r.PostFormValue("redirect_uri"))
	if err != nil || back.Host == "" {
		http.Error(w, "redirect_uri is not whitelisted", http.StatusBadRequest)
		return
	}
	query := url.Values{"state": {r.PostFormValue("state")}}
	c := &code{organization: e.OrganizationID, redirect: back.String(), ends: e.now().Add(e.CodeLife)}
	switch r.PostFormValue("do") {
	case "deny":
		query.Set("error", "access_denied")
		query.Set("error_description", "The user has denied access")
		c = nil
	case "elsewhere":
		c.organization = e.OtherOrganizationID
	case "stale":
		c.ends = e.now()
	case "forge":
		query.Set("state", rand.Text())
	}
	if c != nil {
		value := "test_" + rand.Text() + ":x"
		e.codes[value] = c
		query.Set("code", value)
	}
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound) //nolint:gosec // that is what the page is for
}
